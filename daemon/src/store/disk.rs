//! Files and folders that only the daemon's user can read, and that survive a power cut.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder of mode 0700 unless it is there. Either way its name is durable in its parent afterwards: whoever made
/// it may have been killed before that.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable: files made, renamed and removed in it.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // The parent of a relative path without a slash is the empty path.
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    File::open(path)?.sync_all()
}

/// Makes a file of mode 0600 that must not be there yet, for reading and writing.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}
