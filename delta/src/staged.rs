//! A file that gets its name only when it is whole: written beside, synced, renamed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file as a whole, in place of what had its name before.
///
/// It is written beside, synced and renamed: whoever looks finds the old file or the new one.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = StagedFile::beside(path)?;
    staged.write_all(bytes)?;
    staged.publish()
}

const PREFIX: &str = ".new-";
const SUFFIX: &str = ".part";

/// Whether a file of this name is what a killed process left behind.
pub(crate) fn is_leftover(file_name: &str) -> bool {
    file_name.starts_with(PREFIX) && file_name.ends_with(SUFFIX)
}

/// A file in the making. Dropped before [`StagedFile::publish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct StagedFile {
    writer: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl StagedFile {
    /// Starts a file in the folder of `target`, since only within a folder a rename is atomic.
    pub(crate) fn beside(target: &Path) -> io::Result<StagedFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        readable_by_all(&mut builder);
        Ok(StagedFile {
            writer: BufWriter::with_capacity(1 << 16, builder.tempfile_in(folder(target))?),
            target: target.to_owned(),
        })
    }

    /// The bytes written so far, for reading from their start.
    pub(crate) fn written(&mut self) -> io::Result<File> {
        self.writer.flush()?;
        // A second handle with a position of its own.
        self.writer.get_ref().reopen()
    }

    /// Makes the file durable and gives it its name, in place of what had it before.
    pub(crate) fn publish(self) -> io::Result<()> {
        let file = self
            .writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.target).map_err(|failed| failed.error)?;
        sync_folder(folder(&self.target))
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for StagedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.writer.seek(position)
    }
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are private by default; a JAR has the mode that the umask gives.
#[cfg(unix)]
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable_by_all(_builder: &mut tempfile::Builder<'_, '_>) {}

/// The rename is durable only after the folder is. Windows has no such call and does not need it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
