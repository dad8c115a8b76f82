//! Every entry of a JAR, with what tells it from others.

use std::fs::File;
use std::path::Path;

use rawzip::{CompressionMethod, ZipArchive};

use super::content::Unpacker;
use super::{JarError, JarLimits, JarSummary, check};
use crate::Digest;

/// A JAR that passed its checks, entry by entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub summary: JarSummary,
    /// In the order of the file.
    pub entries: Vec<Listed>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// Whether it is in the JAR as it is, not deflated.
    pub is_stored: bool,
    pub packed_bytes: u64,
    pub unpacked_bytes: u64,
    /// Of the content.
    pub sha256: Digest,
}

/// Checks the JAR at `path` as [`inspect`](super::inspect) does, and lists what is in it.
pub fn list(path: &Path, limits: &JarLimits) -> Result<Listing, JarError> {
    let file = File::open(path)?;
    let file_bytes = file.metadata()?.len();
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(JarError::not_a_zip)?;
    let mut entries = Vec::new();
    let summary = check::check(
        &archive,
        file_bytes,
        &mut buffer,
        limits,
        Unpacker::hashing(),
        |entry, unpacked| {
            entries.push(Listed {
                name: entry.name.clone(),
                is_stored: entry.method == CompressionMethod::STORE,
                packed_bytes: entry.packed_bytes,
                unpacked_bytes: entry.unpacked_bytes,
                sha256: unpacked.digest.unwrap_or_default(),
            });
        },
    )?;
    Ok(Listing { summary, entries })
}
