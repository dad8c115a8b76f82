//! Applies deltas: bounded, streaming, and trusted only after a checksum matched.
//!
//! The old file is held in memory, the result is streamed. A patch that asks for more than the
//! caller allows is refused before anything is allocated for it.

mod file;
mod zstd;

use std::io::{self, Write};
use std::time::Duration;

use crate::checksum::{Digest, Sha256Writer, sha256};
use crate::deadline::Deadline;
use crate::{Error, Format, jar_format};

pub use file::{Expected, apply_to_file};

/// What a patch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApplyLimits {
    /// The largest result; a release's `fileSize`, where it is known.
    pub max_output_bytes: u64,
    /// The most memory: the old file, the decoder's window and its buffers together.
    pub max_memory_bytes: u64,
    /// The most time, by the wall clock; `None` is no limit.
    pub max_duration: Option<Duration>,
}

impl Default for ApplyLimits {
    /// Results up to 512 MiB (the largest upload by default), with room for an old file of that size.
    fn default() -> Self {
        ApplyLimits {
            max_output_bytes: 512 << 20,
            max_memory_bytes: (2 * 512 + 16) << 20,
            max_duration: Some(duration(512 << 20)),
        }
    }
}

impl ApplyLimits {
    /// The limits for a patch between two files of known sizes: no honest patch needs more.
    pub fn for_sizes(old_bytes: u64, new_bytes: u64) -> Self {
        // A frame that does not state its length has a power of two as window, and small ones
        // have that of their level.
        let window_bytes = new_bytes.next_power_of_two().max(8 << 20);
        ApplyLimits {
            max_output_bytes: new_bytes,
            max_memory_bytes: zstd::memory_bytes(old_bytes, window_bytes)
                .max(jar_format::memory_bytes(old_bytes, new_bytes)),
            max_duration: Some(duration(new_bytes)),
        }
    }
}

/// The time that an honest patch takes at most, on a slow and busy machine: the slowest of those in
/// `docs/bench-delta.md`, where all is deflated again, rebuilt 12 MB/s.
fn duration(new_bytes: u64) -> Duration {
    Duration::from_secs(30 + new_bytes / 500_000)
}

/// What came out of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The length of the result.
    pub bytes: u64,
    /// The SHA-256 of the result. Compare it before using what was written.
    pub sha256: Digest,
}

/// Rebuilds the new file from `old` and `patch`, and streams it into `out`.
///
/// Only the format `jar` says which old file it was made for and what it makes, and part of the
/// result is written before damage further on is seen: use nothing of `out` before this returned
/// `Ok` and the SHA-256 is the expected one. [`apply_to_file`] does both.
pub fn apply(
    old: &[u8],
    patch: &[u8],
    limits: &ApplyLimits,
    out: &mut dyn Write,
) -> Result<Applied, Error> {
    let deadline = Deadline::start(limits.max_duration);
    let mut out = Sha256Writer::new(out);
    let stated = match Format::detect(patch)? {
        Format::Zstd => {
            zstd::apply(old, patch, limits, &deadline, &mut out)?;
            None
        }
        Format::Jar => Some(jar_format::apply(old, patch, limits, &deadline, &mut out)?),
    };
    let (bytes, sha256) = out.finish();
    if let Some(expected) = stated
        && sha256 != expected
    {
        return Err(Error::ResultMismatch {
            expected,
            actual: sha256,
        });
    }
    Ok(Applied { bytes, sha256 })
}

/// Checks that `patch` turns `old` into exactly `new`, without keeping the result.
pub fn verify(old: &[u8], patch: &[u8], new: &[u8]) -> Result<(), Error> {
    let limits = ApplyLimits::for_sizes(old.len() as u64, new.len() as u64);
    let applied = apply(old, patch, &limits, &mut io::sink())?;
    let expected = sha256(new);
    if applied.bytes != new.len() as u64 || applied.sha256 != expected {
        return Err(Error::ResultMismatch {
            expected,
            actual: applied.sha256,
        });
    }
    Ok(())
}
