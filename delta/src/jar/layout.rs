//! Compares local headers with the central directory, and finds entries that overlap.
//!
//! Readers differ in which of the two headers they believe. Where both say the same, all readers
//! see the same JAR.

use rawzip::{ReaderAt, ZipArchive};

use super::JarError;
use super::directory::Entry;
use super::error::shown;

/// Checks each entry's place. `entries` must be in the order of their offsets.
pub(super) fn check<R: ReaderAt>(
    archive: &ZipArchive<R>,
    entries: &[Entry],
    buffer: &mut [u8],
) -> Result<(), JarError> {
    let mut previous: Option<(&Entry, u64)> = None;
    for entry in entries {
        if let Some((before, end)) = previous
            && entry.header_offset < end
        {
            return Err(JarError::Overlap {
                first: shown(before.name.as_bytes()),
                second: shown(entry.name.as_bytes()),
            });
        }
        previous = Some((entry, check_entry(archive, entry, buffer)?));
    }
    Ok(())
}

/// Checks one local header and gives the offset at which the entry's data ends.
fn check_entry<R: ReaderAt>(
    archive: &ZipArchive<R>,
    entry: &Entry,
    buffer: &mut [u8],
) -> Result<u64, JarError> {
    let failed = |error| JarError::in_entry(&entry.name, error);
    let differs = |field| JarError::HeaderMismatch {
        entry: shown(entry.name.as_bytes()),
        field,
    };
    let place = archive.get_entry(entry.wayfinder).map_err(failed)?;
    let (_, data_end) = place.compressed_data_range();
    if data_end > archive.directory_offset() {
        return Err(JarError::Damaged {
            entry: shown(entry.name.as_bytes()),
            reason: "its data runs into the central directory".to_owned(),
        });
    }

    let local = place.local_header(buffer).map_err(failed)?;
    if local.file_path().as_bytes() != entry.name.as_bytes() {
        return Err(differs("the name"));
    }
    if local.compression_method() != entry.method {
        return Err(differs("the compression method"));
    }
    if local.flags().is_encrypted() {
        return Err(differs("the encryption flag"));
    }
    if local.flags().has_data_descriptor() != entry.has_descriptor {
        return Err(differs("the data descriptor flag"));
    }
    // A streaming writer leaves these at zero and sends a descriptor behind the data.
    let agrees =
        |local: u64, central: u64| local == central || (entry.has_descriptor && local == 0);
    if !agrees(local.crc32().into(), entry.crc32.into()) {
        return Err(differs("the CRC-32"));
    }
    if !agrees(local.compressed_size_hint(), entry.packed_bytes) {
        return Err(differs("the packed size"));
    }
    if !agrees(local.uncompressed_size_hint(), entry.unpacked_bytes) {
        return Err(differs("the unpacked size"));
    }
    if let Some(descriptor) = place.reader().data_descriptor().map_err(failed)? {
        // Some writers use 8-byte sizes here and 4-byte ones in the directory. Read as 4-byte ones,
        // the packed size is right all the same, and the unpacked one is the former's upper half.
        let packed_low = descriptor.compressed_size() as u32;
        let unpacked = [entry.unpacked_bytes, entry.packed_bytes >> 32];
        if descriptor.crc32() != entry.crc32
            || packed_low != entry.packed_bytes as u32
            || !unpacked.contains(&descriptor.uncompressed_size())
        {
            return Err(differs("the data descriptor"));
        }
    }
    Ok(data_end)
}
