//! Why a daemon does not start, and the exit code that tells a supervisor what kind of reason it is (sysexits.h).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use protocol::Timestamp;

use crate::auth::KeyError;
use crate::blobs::BlobError;
use crate::config::ConfigError;
use crate::store::StoreError;

/// Why a daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key or secret cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A configured file that holds no fitting key.
    #[error("{key}: {}{error}", unless_named(path, error))]
    KeyFile {
        /// The configuration key that names it.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// Users exist, and the secret that signed their tokens is gone.
    #[error(
        "{path} is missing, but this data folder is in use; restore the file, or write a new secret of 32 bytes or more into it (all tokens end), mode 0600"
    )]
    SecretGone {
        /// Where it should be.
        path: String,
    },
    /// The data folder cannot be the right one.
    #[error("data-dir {}: {reason}", path.display())]
    DataDir {
        /// Which folder.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The store cannot be used.
    #[error("{}", with_source(.0))]
    Store(#[from] StoreError),
    /// The folder of the artifacts cannot be used.
    #[error("{}", with_source(.0))]
    Blobs(#[from] BlobError),
    /// The address cannot be used.
    #[error("cannot listen on {listen}: {source}")]
    Bind {
        /// Which address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Expiry of tokens would mean nothing.
    #[error("the clock shows {now}, which cannot be; set it and start again")]
    Clock {
        /// What it shows.
        now: Timestamp,
    },
    /// No signal could be waited for.
    #[error("signals cannot be received: {source}")]
    Signals {
        /// Why.
        source: io::Error,
    },
    /// Whoever started the daemon has closed its standard output.
    #[error("the line that says where relctld listens cannot be written: {source}")]
    Announce {
        /// Why.
        source: io::Error,
    },
    /// A bug.
    #[error("the start failed: {0}")]
    Panicked(tokio::task::JoinError),
}

/// The file of a key, for errors that only know what was in it.
fn unless_named(path: &Path, error: &KeyError) -> String {
    match error {
        KeyError::NotAPublicKey { .. } | KeyError::NotAKeySet { .. } => {
            format!("{}: ", path.display())
        }
        KeyError::Io { .. }
        | KeyError::TooOpen { .. }
        | KeyError::TooShort { .. }
        | KeyError::TooLong { .. }
        | KeyError::NoRandomness(_) => String::new(),
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// 2025-01-01T00:00:00Z: this program did not exist before.
const CLOCK_FLOOR_MS: i64 = 1_735_689_600_000;

impl StartError {
    pub(super) fn check_clock(now: Timestamp) -> Result<(), Self> {
        if now.unix_ms() < CLOCK_FLOOR_MS {
            return Err(Self::Clock { now });
        }
        Ok(())
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        const DATA_DAMAGED: u8 = 65;
        const UNAVAILABLE: u8 = 69;
        const SOFTWARE: u8 = 70;
        const CANNOT_CREATE: u8 = 73;
        const IO: u8 = 74;
        const TEMPORARY: u8 = 75;
        const NO_PERMISSION: u8 = 77;
        const CONFIG: u8 = 78;
        match self {
            Self::Config(_)
            | Self::Key(_)
            | Self::KeyFile { .. }
            | Self::SecretGone { .. }
            | Self::Clock { .. } => CONFIG,
            Self::Bind { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => NO_PERMISSION,
                io::ErrorKind::AddrNotAvailable => CONFIG,
                _ => UNAVAILABLE,
            },
            Self::Store(StoreError::Locked { .. }) => TEMPORARY,
            Self::Store(StoreError::Damaged { .. } | StoreError::Newer { .. }) => DATA_DAMAGED,
            Self::Store(StoreError::DiskFull)
            | Self::Blobs(BlobError::DiskFull)
            | Self::Announce { .. } => IO,
            Self::DataDir { .. } | Self::Store(_) | Self::Blobs(_) => CANNOT_CREATE,
            Self::Panicked(_) | Self::Signals { .. } => SOFTWARE,
        }
    }
}
