//! Reading a journal at start, and telling an interrupted write from damage.
//!
//! A write is one record at the end, synced before the next one begins. So an interrupted write leaves, behind the last
//! good record, the beginning of one record and nothing else; or, after a power cut on a filesystem that grows the
//! file first, one record with whole sectors of zeros in it. Its caller never got an answer, so it is cut off.
//!
//! Everything else is damage to something that was acknowledged, and must never be cut off:
//!
//! - a good record anywhere behind the bad one,
//! - a record that is complete, has no sector missing, and still has a wrong checksum,
//! - a record with a right checksum that does not follow the one before it,
//! - a record that would be right if its length were what the file has left,
//! - more bytes than one record can have.
//!
//! With that, every single flipped bit in an acknowledged record is damage, also in the last one.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use protocol::Checksum;

use super::record::{self, HEAD_BYTES, Head, PAYLOAD_BYTES_MAX};

/// What disks write as one, at least. JSON has no zero bytes, so a sector of zeros in a payload was never written.
const SECTOR_BYTES: u64 = 512;

/// Where the good part of a journal ends, and what is behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The offset behind the last good record.
    pub(super) end: u64,
    /// The sequence number of the last good record; 0 when there is none. Numbers have no gaps, so it is their count too.
    pub(super) seq: u64,
    /// The hash of the last good record, or of the header.
    pub(super) chain: Checksum,
    pub(super) tail: Tail,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The file ends with the last good record.
    Clean,
    /// A write was interrupted, and left this many bytes.
    Torn { bytes: u64 },
    /// Something that was acknowledged cannot be read.
    Damaged { reason: String },
}

/// Reads all records behind `start`, the first of which must follow `chain`.
pub(super) fn scan(file: &File, start: u64, chain: Checksum) -> io::Result<Scanned> {
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    reader.seek(SeekFrom::Start(start))?;
    let mut scanned = Scanned {
        end: start,
        seq: 0,
        chain,
        tail: Tail::Clean,
    };
    let mut bytes = Vec::new();
    while let Some(next) = read_record(&mut reader, &mut bytes, &scanned)? {
        scanned.end += bytes.len() as u64;
        scanned.seq += 1;
        scanned.chain = next;
    }
    reader.seek(SeekFrom::Start(scanned.end))?;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest)?;
    scanned.tail = judge(&rest, &scanned);
    Ok(scanned)
}

/// Reads one record into `bytes` and gives its hash, if it is a good one that follows what was scanned so far.
fn read_record(
    reader: &mut impl Read,
    bytes: &mut Vec<u8>,
    scanned: &Scanned,
) -> io::Result<Option<Checksum>> {
    bytes.clear();
    reader.by_ref().take(HEAD_BYTES as u64).read_to_end(bytes)?;
    let Some(head) = Head::read(bytes) else {
        return Ok(None);
    };
    let Some(record_bytes) = head.record_bytes() else {
        return Ok(None);
    };
    let payload_bytes = u64::from(head.payload_bytes);
    reader.by_ref().take(payload_bytes).read_to_end(bytes)?;
    let is_good = bytes.len() == record_bytes
        && head.crc == record::crc_of(head.payload_bytes, bytes)
        && follows(&head, scanned);
    Ok(is_good.then(|| record::hash(bytes)))
}

fn follows(head: &Head, scanned: &Scanned) -> bool {
    head.seq == scanned.seq + 1 && head.previous == scanned.chain
}

/// Says what the bytes behind the last good record are.
fn judge(rest: &[u8], scanned: &Scanned) -> Tail {
    if rest.is_empty() {
        return Tail::Clean;
    }
    let damaged = |reason: String| Tail::Damaged { reason };
    if let Some((seq, at)) = later_record(rest, scanned) {
        let offset = scanned.end + at as u64;
        return damaged(format!(
            "it cannot be read, but record {seq} at offset {offset} behind it can"
        ));
    }
    if rest.len() > HEAD_BYTES + PAYLOAD_BYTES_MAX {
        let bytes = rest.len();
        return damaged(format!("{bytes} bytes are more than one interrupted write"));
    }
    let bytes = rest.len() as u64;
    let Some(head) = Head::read(rest) else {
        return Tail::Torn { bytes };
    };
    if let Some(record) = head.record_bytes().and_then(|length| rest.get(..length)) {
        if head.crc == record::crc_of(head.payload_bytes, record) {
            return damaged("it does not follow the record before it".into());
        }
        if !has_missing_sector(record, scanned.end) {
            return damaged("its checksum is wrong".into());
        }
    }
    // At most 1 MiB by the check above.
    let left = u32::try_from(rest.len() - HEAD_BYTES).unwrap_or(u32::MAX);
    if head.crc == record::crc_of(left, rest) {
        return damaged("its length is wrong".into());
    }
    Tail::Torn { bytes }
}

/// Looks for a record that is right in itself anywhere behind the first byte, and is numbered later than the missing one.
fn later_record(rest: &[u8], scanned: &Scanned) -> Option<(u64, usize)> {
    (1..rest.len()).find_map(|at| {
        let head = Head::read(&rest[at..])?;
        // The cheap test first, since this runs for every byte: text, zeros and hashes are hardly ever such a number.
        let is_later = (scanned.seq + 2..=scanned.seq + u64::from(u32::MAX)).contains(&head.seq);
        if !is_later {
            return None;
        }
        let record = rest[at..].get(..head.record_bytes()?)?;
        let is_right = head.crc == record::crc_of(head.payload_bytes, record);
        is_right.then_some((head.seq, at))
    })
}

/// Whether a part of the payload that lies in one sector of the disk is nothing but zeros.
fn has_missing_sector(record: &[u8], offset: u64) -> bool {
    let mut at = HEAD_BYTES;
    while at < record.len() {
        let into_sector = (offset + at as u64) % SECTOR_BYTES;
        // At most 512.
        let left = usize::try_from(SECTOR_BYTES - into_sector).unwrap_or(1);
        let part = &record[at..record.len().min(at + left)];
        if part.iter().all(|byte| *byte == 0) {
            return true;
        }
        at += part.len();
    }
    false
}
