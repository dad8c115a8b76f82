//! The first bytes of a patch: what it is for and what applying it costs.

use super::damaged;
use super::streams::{put_number, take_number};
use crate::checksum::Digest;
use crate::{ApplyLimits, Error};

/// How each patch in this format begins.
pub(crate) const MAGIC: [u8; 4] = *b"RJD1";

/// The largest file on either side: positions are 31 bits in the suffix array.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 31;

/// Everything an applier needs to know before it spends anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatchHeader {
    pub(super) base: Digest,
    pub(super) result: Digest,
    pub(super) base_bytes: u64,
    pub(super) result_bytes: u64,
    /// Unpacked, of everything that is not copied: the work of applying grows with it.
    pub(super) plain_bytes: u64,
    /// The largest content, new or compared with, that is held unpacked.
    pub(super) largest_bytes: u64,
    /// The old contents that the payload refers to.
    pub(super) image_bytes: u64,
    /// What the accounted allocations add up to.
    pub(super) memory_bytes: u64,
}

impl PatchHeader {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.base);
        out.extend_from_slice(&self.result);
        for value in [
            self.base_bytes,
            self.result_bytes,
            self.plain_bytes,
            self.largest_bytes,
            self.image_bytes,
            self.memory_bytes,
        ] {
            put_number(out, value);
        }
    }

    pub(super) fn take(rest: &mut &[u8]) -> Result<PatchHeader, Error> {
        let (magic, after) = rest.split_first_chunk::<4>().ok_or(Error::Truncated)?;
        if *magic != MAGIC {
            return Err(damaged("the patch does not begin as it should"));
        }
        let (base, after) = after.split_first_chunk::<32>().ok_or(Error::Truncated)?;
        let (result, after) = after.split_first_chunk::<32>().ok_or(Error::Truncated)?;
        *rest = after;
        Ok(PatchHeader {
            base: *base,
            result: *result,
            base_bytes: take_number(rest)?,
            result_bytes: take_number(rest)?,
            plain_bytes: take_number(rest)?,
            largest_bytes: take_number(rest)?,
            image_bytes: take_number(rest)?,
            memory_bytes: take_number(rest)?,
        })
    }

    /// Refuses what is over the caller's limits or no honest patch would state.
    pub(super) fn check(&self, limits: &ApplyLimits) -> Result<(), Error> {
        if self.result_bytes > limits.max_output_bytes {
            return Err(Error::OutputTooLarge {
                bytes: self.result_bytes,
                limit: limits.max_output_bytes,
            });
        }
        if self.memory_bytes > limits.max_memory_bytes {
            return Err(Error::MemoryTooLarge {
                bytes: self.memory_bytes,
                limit: limits.max_memory_bytes,
            });
        }
        if self.plain_bytes > max_plain_bytes(self.result_bytes) {
            return Err(damaged(
                "the patch states more work than its result is worth",
            ));
        }
        Ok(())
    }
}

/// How much may be unpacked for a result of this size. Real JARs unpack to two or three times
/// their size; the rest is room for those full of text.
pub(super) fn max_plain_bytes(result_bytes: u64) -> u64 {
    const BASE_BYTES: u64 = 16 << 20;
    result_bytes.saturating_mul(8).saturating_add(BASE_BYTES)
}
