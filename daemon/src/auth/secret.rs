//! The files that hold secrets: made with mode 0600, and refused when others could read them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// RFC 7518 section 3.2: a key for HS256 has at least as many bits as the hash.
const SECRET_BYTES_MIN: usize = 32;

/// A longer file is not a secret but something else by mistake.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The secret that signs tokens. It prints as stars.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Why a key cannot be used. The message names the file and never its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not read or not written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the owner may read or write it.
    #[error("{}: its mode is {mode:04o}, so others could use the secret; run chmod 600 on it", path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Under 32 bytes.
    #[error("{}: the secret has {bytes} bytes; HS256 needs at least {SECRET_BYTES_MIN}", path.display())]
    TooShort {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        bytes: usize,
    },
    /// Over 64 KiB.
    #[error("{}: larger than 64 KiB, so it is no key", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// Not what the algorithm needs.
    #[error("not a public key (PEM) for {algorithm}")]
    NotAPublicKey {
        /// Which algorithm.
        algorithm: &'static str,
    },
    /// Not what the algorithm needs.
    #[error("not a key set (JWKS) with a public key for {algorithm}")]
    NotAKeySet {
        /// Which algorithm.
        algorithm: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

impl Secret {
    /// The bytes that sign.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads a secret: the bytes of the file as they stand, without a line end behind them.
    ///
    /// # Errors
    /// It cannot be read, others could read it, or it is too short.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::TooOpen {
                path: path.to_owned(),
                mode,
            });
        }
        let mut bytes = read_key(file, path)?;
        while bytes
            .last()
            .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        {
            bytes.pop();
        }
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(KeyError::TooShort {
                path: path.to_owned(),
                bytes: bytes.len(),
            });
        }
        Ok(Self(bytes))
    }

    /// Makes a secret of 256 random bits and writes it, as 64 hexadecimal digits, to a file that was not there.
    ///
    /// # Errors
    /// It cannot be written, or the system has no randomness.
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(KeyError::NoRandomness)?;
        let text = hex::encode(random);
        write_private(path, text.as_bytes()).map_err(|source| KeyError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(text.into_bytes()))
    }
}

/// Reads a key file that need not be secret.
///
/// # Errors
/// It cannot be read or is far too large.
pub fn load_public_key(path: &Path) -> Result<Vec<u8>, KeyError> {
    let file = File::open(path).map_err(|source| KeyError::Io {
        path: path.to_owned(),
        source,
    })?;
    read_key(file, path)
}

fn read_key(file: File, path: &Path) -> Result<Vec<u8>, KeyError> {
    let mut bytes = Vec::new();
    file.take(KEY_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| KeyError::Io {
            path: path.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > KEY_FILE_BYTES_MAX {
        return Err(KeyError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Writes a file that only its owner can read: beside its place, synced, then renamed, so it is whole or absent.
///
/// # Errors
/// Any step of it fails.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    // A leftover of a killed start may have had another mode.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
