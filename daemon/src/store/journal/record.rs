//! One record as bytes, and back. The layout is in the docs of [`super`].

use protocol::Checksum;
use sha2::{Digest, Sha256};

/// Length, CRC, sequence number and the hash of the record before.
pub(super) const HEAD_BYTES: usize = 48;

/// The largest payload. Notes of 64 KiB become at most 384 KiB of JSON; all else in a record is far smaller.
pub(in crate::store) const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// The fields before the payload, as they were read: nothing about them has been checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) payload_bytes: u32,
    pub(super) crc: u32,
    pub(super) seq: u64,
    pub(super) previous: Checksum,
}

impl Head {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (payload_bytes, rest) = bytes.split_first_chunk()?;
        let (crc, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (previous, _) = rest.split_first_chunk()?;
        Some(Self {
            payload_bytes: u32::from_le_bytes(*payload_bytes),
            crc: u32::from_le_bytes(*crc),
            seq: u64::from_le_bytes(*seq),
            previous: Checksum::from_bytes(*previous),
        })
    }

    /// How long the whole record is, if its length is one that a record can have. To be asked before memory is spent.
    pub(super) fn record_bytes(&self) -> Option<usize> {
        let payload_bytes = usize::try_from(self.payload_bytes).ok()?;
        let is_possible = (1..=PAYLOAD_BYTES_MAX).contains(&payload_bytes);
        is_possible.then_some(HEAD_BYTES + payload_bytes)
    }
}

/// A record, ready to be written.
pub(super) fn encode(seq: u64, previous: &Checksum, payload: &[u8]) -> Vec<u8> {
    let payload_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut record = Vec::with_capacity(HEAD_BYTES + payload.len());
    record.extend_from_slice(&payload_bytes.to_le_bytes());
    record.extend_from_slice(&[0; 4]);
    record.extend_from_slice(&seq.to_le_bytes());
    record.extend_from_slice(previous.as_bytes());
    record.extend_from_slice(payload);
    let crc = crc_of(payload_bytes, &record);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    record
}

/// The CRC32C of all bytes of a record but the CRC itself, were its payload `payload_bytes` long.
pub(super) fn crc_of(payload_bytes: u32, record: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&payload_bytes.to_le_bytes());
    crc32c::crc32c_append(crc, record.get(8..).unwrap_or_default())
}

/// What the next record names as the one before it: SHA-256 of all bytes.
pub(super) fn hash(bytes: &[u8]) -> Checksum {
    Checksum::from_bytes(Sha256::digest(bytes).into())
}
