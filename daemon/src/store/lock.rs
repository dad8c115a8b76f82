//! One daemon for one data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::StoreError;

/// Together short enough for a person who started a second daemon.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Holds the file `LOCK` in the data folder. The kernel lets it go when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(super) fn take(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join("LOCK");
        let failed = |source| StoreError::io(format!("cannot lock {}", path.display()), source);
        let mut options = OpenOptions::new();
        // Not truncated: it may hold the process number of the daemon that has it.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(&path).map_err(failed)?;
        match try_for_a_moment(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Longer than any process number; what is in the file beyond that is not ours.
                let read = file.take(32).read_to_string(&mut pid);
                let pid = read.ok().and_then(|_| pid.trim().parse().ok());
                return Err(StoreError::Locked { pid, path });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let pid = std::process::id();
        let written = file.set_len(0).and_then(|()| writeln!(file, "{pid}"));
        if let Err(error) = written {
            // On a full disk, say. The lock holds without it.
            tracing::debug!(%error, path = %path.display(), "cannot write the process number");
        }
        Ok(Self { _file: file })
    }
}

/// A child process that is just being started holds copies of its parent's files, locks included, until it runs its own
/// program. So a lock that was let go may be taken for some milliseconds.
fn try_for_a_moment(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            result => return result,
        }
    }
    file.try_lock()
}
