//! The first 32 bytes of a journal file. The layout is in the docs of [`super`].

use std::path::Path;

use crate::store::error::StoreError;

pub(super) const HEADER_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"relctlJ\n";
const FORMAT_VERSION: u32 = 1;

/// The header of a new file. `id` is random, so that records and indexes of different journals are never taken for
/// each other's.
pub(super) fn encode(id: &[u8; 16]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[12..28].copy_from_slice(id);
    let crc = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Whether the records behind this header can be read.
///
/// A damaged header is refused outright: nothing behind it could be trusted to belong together, and the file is
/// made by renaming a synced one, so no crash leaves a partial one.
pub(super) fn check(header: &[u8], path: &Path) -> Result<(), StoreError> {
    let damaged = |reason: &str| StoreError::Damaged {
        path: path.to_owned(),
        offset: 0,
        reason: format!("{reason}; restore the journal from a backup"),
    };
    let Some(header) = header.first_chunk::<HEADER_BYTES>() else {
        return Err(damaged("the file ends within its header"));
    };
    if &header[..8] != MAGIC {
        return Err(damaged("it does not begin like a journal"));
    }
    if crc32c::crc32c(&header[..28]).to_le_bytes() != header[28..] {
        return Err(damaged("the checksum of its header is wrong"));
    }
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if version != FORMAT_VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            reason: format!("format version {version}, this one reads up to {FORMAT_VERSION}"),
        });
    }
    Ok(())
}
