//! Checks the end record, by which readers find the central directory.
//!
//! Some readers go by the directory's offset, the JVM by its size. Where both lead to the same
//! place no reader can be shown another directory than the one that is checked here.

use rawzip::{ReaderAt, ZipArchive};

use super::JarError;

const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const ZIP64_END_BYTES: usize = 56;
const LOCATOR_SIGNATURE: [u8; 4] = *b"PK\x06\x07";
const ZIP64_END_SIGNATURE: [u8; 4] = *b"PK\x06\x06";

/// The archive must end where the file ends, since bytes behind it can make the file look like
/// another, and the directory must end where the end record begins.
pub(super) fn check<R: ReaderAt>(archive: &ZipArchive<R>, file_bytes: u64) -> Result<(), JarError> {
    match file_bytes.checked_sub(archive.end_offset()) {
        Some(0) => {}
        Some(bytes) => return Err(JarError::TrailingBytes { bytes }),
        None => return Err(not_a_zip("its end is cut off")),
    }
    let reader = archive.get_ref();
    let end_offset = archive.eocd_offset();
    let end: [u8; END_BYTES] = read(reader, end_offset)?;
    let (disk, directory_disk) = (u16_at(&end, 4), u16_at(&end, 6));
    if disk != 0 || directory_disk != 0 || end[8..10] != end[10..12] {
        return Err(not_a_zip("it is one of several disks"));
    }
    let (directory_bytes, stated_offset, directory_end) = match zip64_end(reader, end_offset)? {
        // As in the JVM, the larger record counts only where the small one overflowed.
        Some((offset, zip64)) if overflowed(&end) => {
            (u64_at(&zip64, 40), u64_at(&zip64, 48), offset)
        }
        Some(_) | None => (u32_at(&end, 12).into(), u32_at(&end, 16).into(), end_offset),
    };
    let directory_offset = archive.directory_offset();
    if directory_offset.checked_add(directory_bytes) != Some(directory_end) {
        return Err(not_a_zip("its ZIP directory has another size than it says"));
    }
    // A script in front moves the directory back, and nothing moves it forward.
    if stated_offset > directory_offset {
        return Err(not_a_zip("its ZIP directory is not where it says"));
    }
    Ok(())
}

/// The Zip64 end record and its offset, where there is one.
fn zip64_end<R: ReaderAt>(
    reader: &R,
    end_offset: u64,
) -> Result<Option<(u64, [u8; ZIP64_END_BYTES])>, JarError> {
    let Some(locator_offset) = end_offset.checked_sub(LOCATOR_BYTES as u64) else {
        return Ok(None);
    };
    let locator: [u8; LOCATOR_BYTES] = read(reader, locator_offset)?;
    if locator[..4] != LOCATOR_SIGNATURE {
        return Ok(None);
    }
    let offset = u64_at(&locator, 8);
    if offset.saturating_add(ZIP64_END_BYTES as u64) > locator_offset {
        return Ok(None);
    }
    let record: [u8; ZIP64_END_BYTES] = read(reader, offset)?;
    Ok((record[..4] == ZIP64_END_SIGNATURE).then_some((offset, record)))
}

fn overflowed(end: &[u8]) -> bool {
    u16_at(end, 10) == u16::MAX || u32_at(end, 12) == u32::MAX || u32_at(end, 16) == u32::MAX
}

fn read<R: ReaderAt, const N: usize>(reader: &R, offset: u64) -> Result<[u8; N], JarError> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match reader.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => return Err(not_a_zip("its end is cut off")),
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

fn not_a_zip(reason: &str) -> JarError {
    JarError::NotAZip {
        reason: reason.to_owned(),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
