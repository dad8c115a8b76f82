//! The turn on an upload: whoever has it may add to it, cut it back, use it or remove it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use protocol::Timestamp;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use super::record::Record;
use super::{Upload, locked};
use crate::blobs::BlobError;

/// An upload on which nobody else works. All methods but [`Claim::superseded`] are for the blocking pool.
#[derive(Debug)]
pub struct Claim {
    upload: Arc<Upload>,
    superseded: CancellationToken,
    _turn: OwnedMutexGuard<()>,
}

impl Claim {
    pub(super) async fn wait(upload: Arc<Upload>) -> Self {
        let superseded = CancellationToken::new();
        let before = std::mem::replace(&mut *locked(&upload.newest), superseded.clone());
        before.cancel();
        let turn = Arc::clone(&upload.turn).lock_owned().await;
        Self {
            upload,
            superseded,
            _turn: turn,
        }
    }

    /// What it is.
    #[must_use]
    pub fn upload(&self) -> &Arc<Upload> {
        &self.upload
    }

    /// Whether all bytes are there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left_bytes() == 0
    }

    /// How many bytes are missing.
    #[must_use]
    pub fn left_bytes(&self) -> u64 {
        self.upload.length_bytes() - self.upload.received_bytes()
    }

    /// Waits until somebody else wants the turn.
    pub async fn superseded(&self) {
        self.superseded.cancelled().await;
    }

    /// Where its bytes lie.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.upload.path
    }

    /// Adds bytes, of which there are at most as many as are missing. After an error they are not there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn append(&self, pieces: &[impl AsRef<[u8]>], now: Timestamp) -> Result<(), BlobError> {
        let start = self.upload.received_bytes();
        let mut end = start;
        let written = self.file().and_then(|file| {
            for piece in pieces {
                let piece = piece.as_ref();
                file.write_all_at(piece, end)
                    .map_err(|source| self.failed("write", source))?;
                end += piece.len() as u64;
            }
            Ok(())
        });
        if let Err(error) = written {
            self.cut_back(start).ok();
            return Err(error);
        }
        self.upload.received_bytes.store(end, Ordering::Relaxed);
        let touched_ms = &self.upload.touched_ms;
        touched_ms.store(now.unix_ms(), Ordering::Relaxed);
        Ok(())
    }

    /// Takes away what lies behind a byte.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn cut_back(&self, to_bytes: u64) -> Result<(), BlobError> {
        self.file()?
            .set_len(to_bytes)
            .map_err(|source| self.failed("cut", source))?;
        self.upload
            .received_bytes
            .store(to_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Makes what is there durable. To be done before it is acknowledged.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync(&self) -> Result<(), BlobError> {
        self.file()?
            .sync_data()
            .map_err(|source| self.failed("sync", source))
    }

    /// Notes that bytes which come now count only once their checksum was compared, also if the daemon is killed meanwhile.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn begin_checked(&self) -> Result<(), BlobError> {
        self.write_record(Some(self.upload.received_bytes()))
    }

    /// Notes that all bytes that are there count.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn end_checked(&self) -> Result<(), BlobError> {
        self.write_record(None)
    }

    fn write_record(&self, checked_bytes: Option<u64>) -> Result<(), BlobError> {
        let record = Record {
            checked_bytes,
            ..self.upload.record.clone()
        };
        record.write(&self.upload.record_path())
    }

    fn file(&self) -> Result<File, BlobError> {
        OpenOptions::new()
            .write(true)
            .open(&self.upload.path)
            .map_err(|source| self.failed("open", source))
    }

    fn failed(&self, action: &str, source: std::io::Error) -> BlobError {
        BlobError::io(format!("cannot {action} {}", self.path().display()), source)
    }
}
