//! What can go wrong with the store, with the values that a caller needs to act.

use std::io;
use std::path::PathBuf;

use super::index::IndexError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What shall be made is there already.
    #[error("{what} exists already")]
    Exists {
        /// For example `user alice`.
        what: String,
    },
    /// What shall be read or changed is not there.
    #[error("{what} does not exist")]
    NotFound {
        /// For example `release 0190…`.
        what: String,
    },
    /// Somebody else changed it since the caller looked; look again.
    #[error("{what} changed meanwhile")]
    Stale {
        /// For example `release 2.1.0`.
        what: String,
    },
    /// Nothing can be written until the daemon is started again.
    #[error("the store is read-only: {reason}")]
    ReadOnly {
        /// Why, and what to do.
        reason: String,
    },
    /// No room; nothing was changed, and the same write may succeed later.
    #[error("the disk is full")]
    DiskFull,
    /// A record over the journal's bound; the caller's own limits lie far below it.
    #[error("a journal record of {size_bytes} bytes is over the limit of {limit_bytes}")]
    TooLarge {
        /// What the record would take.
        size_bytes: usize,
        /// What it may take.
        limit_bytes: usize,
    },
    /// Another daemon has the data folder.
    #[error("{} is held by another relctld{}; stop that one or use another data folder", path.display(), pid_text(*pid))]
    Locked {
        /// Its process, where it could be read.
        pid: Option<u32>,
        /// The lock file.
        path: PathBuf,
    },
    /// The journal is not what was written.
    #[error("{} is damaged at offset {offset}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The data folder was written by a newer relctld.
    #[error("{} was written by a newer relctld: {reason}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What this one does not understand.
        reason: String,
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

fn pid_text(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

impl StoreError {
    pub(super) fn exists(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Exists { what }
    }

    pub(super) fn not_found(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::NotFound { what }
    }

    pub(super) fn stale(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Stale { what }
    }

    pub(super) fn read_only(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::ReadOnly { reason }
    }

    pub(super) fn index(error: IndexError) -> Self {
        Self::Io {
            what: "the index cannot be used".into(),
            source: io::Error::other(error),
        }
    }

    pub(super) fn io(what: impl Into<String>, source: io::Error) -> Self {
        if is_disk_full(&source) {
            return Self::DiskFull;
        }
        let what = what.into();
        Self::Io { what, source }
    }
}

/// Whether the error says that there is no room, on the disk or in the quota.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
