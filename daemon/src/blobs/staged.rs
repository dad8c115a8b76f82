//! A file that is being received: hashed and counted as it grows, gone when nobody keeps it.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use protocol::Checksum;
use sha2::{Digest, Sha256};

use super::BlobError;
use crate::store::BlobRef;
use crate::store::disk;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// A file in `staging/`, written from front to back. Dropping it removes it.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    size_bytes: u64,
    is_renamed: bool,
}

impl Staged {
    pub(super) fn create(staging: &Path) -> Result<Self, BlobError> {
        let path = staging.join(uuid::Uuid::new_v4().to_string());
        let file = disk::create_new(&path)
            .map_err(|source| BlobError::io(format!("cannot make {}", path.display()), source))?;
        Ok(Self {
            path,
            file,
            hasher: Sha256::new(),
            size_bytes: 0,
            is_renamed: false,
        })
    }

    /// Takes in a whole file by a second name, so that it stays under its first one, and hashes it.
    pub(super) fn second_name_of(whole: &Path, staging: &Path) -> Result<Self, BlobError> {
        let path = staging.join(uuid::Uuid::new_v4().to_string());
        let failed = |source| BlobError::io(format!("cannot take in {}", whole.display()), source);
        fs::hard_link(whole, &path).map_err(failed)?;
        let mut staged = Self {
            file: File::open(&path).map_err(failed)?,
            path,
            hasher: Sha256::new(),
            size_bytes: 0,
            is_renamed: false,
        };
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = staged
                .file
                .read(&mut piece)
                .map_err(|source| staged.failed("read", source))?;
            if length == 0 {
                return Ok(staged);
            }
            staged.hasher.update(&piece[..length]);
            staged.size_bytes += length as u64;
        }
    }

    /// Adds bytes to the end.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.file
            .write_all(bytes)
            .map_err(|source| self.failed("write", source))?;
        self.hasher.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// What was written so far, by checksum and size. The bytes can then be read at [`Staged::path`].
    pub fn finish(&mut self) -> Result<BlobRef, BlobError> {
        self.file
            .flush()
            .map_err(|source| self.failed("write", source))?;
        let checksum = Checksum::from_bytes(self.hasher.clone().finalize().into());
        let size_bytes = self.size_bytes;
        Ok(BlobRef {
            checksum,
            size_bytes,
        })
    }

    /// Where the file lies until it is kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were written so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Nobody writes it any more, and its bytes are on the disk.
    pub(super) fn sync(&self) -> Result<(), BlobError> {
        // Its time becomes now, since the sweep judges by it and an upload may have taken hours.
        self.file
            .set_permissions(Permissions::from_mode(0o400))
            .and_then(|()| self.file.set_modified(SystemTime::now()))
            .and_then(|()| self.file.sync_all())
            .map_err(|source| self.failed("sync", source))
    }

    /// The file has its final name; dropping must leave it alone.
    pub(super) fn renamed(&mut self) {
        self.is_renamed = true;
    }

    fn failed(&self, action: &str, source: std::io::Error) -> BlobError {
        BlobError::io(format!("cannot {action} {}", self.path.display()), source)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.is_renamed {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove an unfinished upload; the next start will");
        }
    }
}
