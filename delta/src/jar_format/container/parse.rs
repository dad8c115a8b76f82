//! Finds the central directory, its entries, and what follows each entry's bytes.

use super::{Attributes, Container, Descriptor, Entry, Header, Versions};

const END_BYTES: usize = 22;
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
/// The end record's comment has a length of 16 bits.
const MAX_COMMENT_BYTES: usize = 0xFFFF;
/// How far before its locator the zip64 end record is looked for: it is 56 bytes, or some more.
const MAX_ZIP64_END_BYTES: usize = 4096;
const ZIP64_EXTRA: u16 = 1;

pub(super) fn parse(bytes: &[u8]) -> Option<Container> {
    let end = find_end(bytes)?;
    let (directory_end, size, offset) = match zip64_end(bytes, end) {
        Some(found) => found,
        None => (
            end,
            u64::from(u32_at(bytes, end + 12)?),
            u64::from(u32_at(bytes, end + 16)?),
        ),
    };
    let start = directory_end.checked_sub(usize::try_from(size).ok()?)?;
    let shift = start.checked_sub(usize::try_from(offset).ok()?)?;
    let mut entries = Vec::new();
    let mut position = start;
    while position < directory_end {
        let entry = entry(bytes, position, start, directory_end, shift, entries.len())?;
        position = entry.central.end;
        entries.push(entry);
    }
    entries.sort_by_key(|entry: &Entry| entry.start);
    for index in 0..entries.len() {
        let next = entries.get(index + 1).map_or(start, |next| next.start);
        let entry = &mut entries[index];
        let after = bytes.get(entry.packed.end..next)?;
        entry.header.descriptor = descriptor(after, &entry.header);
    }
    Some(Container {
        entries,
        directory: start..directory_end,
        shift,
    })
}

/// The end record whose comment reaches to the end of the file.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(MAX_COMMENT_BYTES);
    (first..=last).rev().find(|&at| {
        bytes[at..].starts_with(b"PK\x05\x06")
            && u16_at(bytes, at + 20)
                .is_some_and(|comment| at + END_BYTES + usize::from(comment) == bytes.len())
    })
}

/// Where the zip64 end record begins, and the directory's size and offset that it states.
fn zip64_end(bytes: &[u8], end: usize) -> Option<(usize, u64, u64)> {
    let locator = end.checked_sub(20)?;
    if !bytes[locator..].starts_with(b"PK\x06\x07") {
        return None;
    }
    let first = locator.saturating_sub(MAX_ZIP64_END_BYTES);
    let record = (first..locator)
        .rev()
        .find(|&at| bytes[at..].starts_with(b"PK\x06\x06"))?;
    Some((
        record,
        u64_at(bytes, record + 40)?,
        u64_at(bytes, record + 48)?,
    ))
}

/// Reads the central record at `position` and the local header that it points to.
fn entry(
    bytes: &[u8],
    position: usize,
    directory_start: usize,
    directory_end: usize,
    shift: usize,
    directory_index: usize,
) -> Option<Entry> {
    let record = bytes.get(position..directory_end)?;
    if record.len() < CENTRAL_BYTES || !record.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name_bytes = usize::from(u16_at(record, 28)?);
    let extra_bytes = usize::from(u16_at(record, 30)?);
    let comment_bytes = usize::from(u16_at(record, 32)?);
    let extra_start = CENTRAL_BYTES + name_bytes;
    let comment_start = extra_start + extra_bytes;
    let record = record.get(..comment_start + comment_bytes)?;
    let extra = &record[extra_start..comment_start];

    let mut wide = Zip64::find(extra);
    let plain_bytes = wide.widen(u32_at(record, 24)?)?;
    let packed_bytes = wide.widen(u32_at(record, 20)?)?;
    let offset = wide.widen(u32_at(record, 42)?)?;

    let start = usize::try_from(offset).ok()?.checked_add(shift)?;
    let local = bytes.get(start..directory_start)?;
    if local.len() < LOCAL_BYTES || !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let local_name_bytes = usize::from(u16_at(local, 26)?);
    let local_extra_bytes = usize::from(u16_at(local, 28)?);
    let local_bytes = LOCAL_BYTES + local_name_bytes + local_extra_bytes;
    let local_extra = local.get(LOCAL_BYTES + local_name_bytes..local_bytes)?;
    let packed_start = start + local_bytes;
    let packed_end = packed_start.checked_add(usize::try_from(packed_bytes).ok()?)?;
    if packed_end > directory_start {
        return None;
    }
    Some(Entry {
        header: Header {
            name: record[CENTRAL_BYTES..extra_start].to_vec(),
            versions: Versions {
                made_by: u16_at(record, 4)?,
                needed: u16_at(record, 6)?,
                flags: u16_at(record, 8)?,
                method: u16_at(record, 10)?,
            },
            time: u32_at(record, 12)?,
            crc32: u32_at(record, 16)?,
            packed_bytes,
            plain_bytes,
            local_extra: local_extra.to_vec(),
            central_extra: extra.to_vec(),
            comment: record[comment_start..].to_vec(),
            attributes: Attributes {
                disk: u16_at(record, 34)?,
                internal: u16_at(record, 36)?,
                external: u32_at(record, 38)?,
            },
            descriptor: Descriptor::None,
        },
        packed: packed_start..packed_end,
        start,
        central: position..position + record.len(),
        directory_index,
    })
}

/// The 64-bit values of an extra field, which stand in for 32-bit ones that are all ones.
struct Zip64<'a> {
    values: &'a [u8],
}

impl<'a> Zip64<'a> {
    fn find(mut extra: &'a [u8]) -> Zip64<'a> {
        while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let end = 4 + usize::from(length);
            let Some(values) = extra.get(4..end) else {
                break;
            };
            if id == ZIP64_EXTRA {
                return Zip64 { values };
            }
            extra = &extra[end..];
        }
        Zip64 { values: &[] }
    }

    fn widen(&mut self, value: u32) -> Option<u64> {
        if value != u32::MAX {
            return Some(u64::from(value));
        }
        let wide = u64_at(self.values, 0)?;
        self.values = &self.values[8..];
        Some(wide)
    }
}

/// Tells which descriptor `after` begins with, if any.
fn descriptor(after: &[u8], header: &Header) -> Descriptor {
    if header.versions.flags & 8 == 0 {
        return Descriptor::None;
    }
    let mut found = Descriptor::ALL.into_iter().filter(|&descriptor| {
        let expected = super::descriptor(descriptor, header);
        !expected.is_empty() && after.starts_with(&expected)
    });
    found.next().unwrap_or(Descriptor::None)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
