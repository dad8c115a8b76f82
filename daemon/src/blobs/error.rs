//! What can go wrong with blobs.

use std::io;

use protocol::Checksum;

use crate::store::is_disk_full;

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No room; what was written so far is removed.
    #[error("the disk is full")]
    DiskFull,
    /// The blob is not there, though something refers to it.
    #[error("blob {checksum} is missing")]
    Missing {
        /// Which one.
        checksum: Checksum,
    },
    /// The blob is there, but it is not what was stored.
    #[error("blob {checksum} is damaged: {found_bytes} bytes instead of {expected_bytes}")]
    Damaged {
        /// Which one.
        checksum: Checksum,
        /// What it should measure.
        expected_bytes: u64,
        /// What it measures.
        found_bytes: u64,
    },
    /// The operating system refused.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl BlobError {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        if is_disk_full(&source) {
            return Self::DiskFull;
        }
        let what = what.into();
        Self::Io { what, source }
    }
}
