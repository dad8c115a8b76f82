//! Reads the central directory: every check that needs no entry's data.

use rawzip::{CompressionMethod, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder};

use super::error::shown;
use super::{JarError, JarLimits, end, name};

/// One entry as the central directory describes it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: CompressionMethod,
    pub(super) has_descriptor: bool,
    pub(super) crc32: u32,
    pub(super) packed_bytes: u64,
    pub(super) unpacked_bytes: u64,
    pub(super) header_offset: u64,
    pub(super) wayfinder: ZipArchiveEntryWayfinder,
}

/// All names together: enough for 200,000 entries of 320 bytes.
const MAX_NAMES_BYTES: u64 = 64 << 20;

/// Only above this does the ratio tell a bomb from a small file of blanks.
const RATIO_FROM_BYTES: u64 = 1 << 20;

/// Reads all entries, in the order of the directory.
pub(super) fn read<R: ReaderAt>(
    archive: &ZipArchive<R>,
    file_bytes: u64,
    buffer: &mut [u8],
    limits: &JarLimits,
) -> Result<Vec<Entry>, JarError> {
    end::check(archive, file_bytes)?;
    if archive.entries_hint() > limits.max_entries {
        return Err(JarError::TooManyEntries {
            limit: limits.max_entries,
        });
    }
    let mut entries = Vec::new();
    let mut names_bytes = 0;
    let mut records = archive.entries(buffer);
    while let Some(record) = records.next_entry().map_err(JarError::not_a_zip)? {
        let raw_name = record.file_path().as_bytes();
        names_bytes += raw_name.len() as u64;
        if entries.len() as u64 >= limits.max_entries || names_bytes > MAX_NAMES_BYTES {
            return Err(JarError::TooManyEntries {
                limit: limits.max_entries,
            });
        }
        if let Some(why) = name::why_unsafe(raw_name) {
            let entry = shown(raw_name);
            return Err(JarError::UnsafeName { entry, why });
        }
        let flags = record.flags();
        let entry = Entry {
            name: String::from_utf8_lossy(raw_name).into_owned(),
            method: record.compression_method(),
            has_descriptor: flags.has_data_descriptor(),
            crc32: record.crc32(),
            packed_bytes: record.compressed_size_hint(),
            unpacked_bytes: record.uncompressed_size_hint(),
            header_offset: record.local_header_offset(),
            wayfinder: record.wayfinder(),
        };
        if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
            return Err(JarError::Encrypted { entry: entry.name });
        }
        if ![CompressionMethod::STORE, CompressionMethod::DEFLATE].contains(&entry.method) {
            return Err(JarError::Method {
                method: entry.method.as_u16(),
                entry: entry.name,
            });
        }
        entries.push(entry);
    }
    if entries.len() as u64 != archive.entries_hint() {
        return Err(JarError::NotAZip {
            reason: format!(
                "its ZIP directory has {} entries and says {}",
                entries.len(),
                archive.entries_hint()
            ),
        });
    }
    refuse_duplicates(&entries)?;
    refuse_bombs(&entries, file_bytes, limits)?;
    Ok(entries)
}

fn refuse_duplicates(entries: &[Entry]) -> Result<(), JarError> {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(JarError::Duplicate {
            entry: shown(pair[0].as_bytes()),
        }),
        None => Ok(()),
    }
}

/// Judges by the stated sizes, before anything is unpacked: no entry may unpack to more than it states.
fn refuse_bombs(entries: &[Entry], file_bytes: u64, limits: &JarLimits) -> Result<(), JarError> {
    let unpacked_bytes = unpacked_bytes(entries);
    if unpacked_bytes > limits.max_unpacked_bytes {
        return Err(JarError::TooLarge {
            limit: limits.max_unpacked_bytes,
        });
    }
    let ratio_limit_bytes = file_bytes.saturating_mul(limits.max_ratio);
    let largest = entries.iter().max_by_key(|entry| entry.unpacked_bytes);
    if let Some(largest) = largest
        && unpacked_bytes > RATIO_FROM_BYTES.max(ratio_limit_bytes)
    {
        return Err(JarError::RatioTooHigh {
            entry: shown(largest.name.as_bytes()),
            limit: limits.max_ratio,
        });
    }
    Ok(())
}

/// The sum of the stated sizes; `u64::MAX` when a hostile directory overflows it.
pub(super) fn unpacked_bytes(entries: &[Entry]) -> u64 {
    entries.iter().fold(0, |sum: u64, entry| {
        sum.saturating_add(entry.unpacked_bytes)
    })
}
