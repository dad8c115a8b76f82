//! Undoes the `zstd` format: one frame whose prefix is the old file.
//!
//! The frame's header is read here first, because the decoder would allocate its window before we
//! could ask how large that is.

use std::io::Write;

use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

use super::ApplyLimits;
use crate::Error;
use crate::deadline::Deadline;

pub(super) fn apply(
    old: &[u8],
    patch: &[u8],
    limits: &ApplyLimits,
    deadline: &Deadline,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let header = FrameHeader::parse(patch)?;
    header.check(old.len() as u64, limits)?;

    let mut decoder = DCtx::create();
    decoder
        .set_parameter(DParameter::WindowLogMax(header.window_log()))
        .map_err(damaged)?;
    decoder.ref_prefix(old).map_err(damaged)?;

    let mut input = InBuffer::around(patch);
    let mut buffer = Vec::with_capacity(DCtx::out_size());
    let mut written = 0_u64;
    loop {
        deadline.check()?;
        buffer.clear();
        let mut output = OutBuffer::around(&mut buffer);
        let hint = decoder
            .decompress_stream(&mut output, &mut input)
            .map_err(damaged)?;
        written += buffer.len() as u64;
        if written > limits.max_output_bytes {
            return Err(Error::OutputTooLarge {
                bytes: written,
                limit: limits.max_output_bytes,
            });
        }
        out.write_all(&buffer).map_err(Error::Output)?;
        // Zero means that the frame is complete and flushed.
        if hint == 0 {
            break;
        }
        if input.pos == patch.len() && buffer.len() < buffer.capacity() {
            return Err(Error::Truncated);
        }
    }
    match (patch.len() - input.pos) as u64 {
        0 => Ok(()),
        bytes => Err(Error::TrailingBytes { bytes }),
    }
}

/// What the decoder holds: the old file, the window, and a few blocks of 128 KiB.
pub(super) fn memory_bytes(old_bytes: u64, window_bytes: u64) -> u64 {
    const BUFFERS_BYTES: u64 = 1 << 20;
    old_bytes
        .saturating_add(window_bytes)
        .saturating_add(BUFFERS_BYTES)
}

fn damaged(code: zstd_safe::ErrorCode) -> Error {
    Error::Damaged {
        reason: zstd_safe::get_error_name(code).to_owned(),
    }
}

/// The part of a zstd frame header (RFC 8878, 3.1.1.1) that decides what a frame costs.
#[derive(Debug, PartialEq, Eq)]
struct FrameHeader {
    window_bytes: u64,
    content_bytes: Option<u64>,
}

impl FrameHeader {
    /// Reads the header of a frame whose magic was already seen.
    fn parse(patch: &[u8]) -> Result<FrameHeader, Error> {
        let mut rest = patch.get(4..).ok_or(Error::Truncated)?;
        let descriptor = number(&mut rest, 1)?;
        let single_segment = descriptor & 0x20 != 0;
        if descriptor & 0x08 != 0 {
            return Err(Error::Damaged {
                reason: "the frame header's reserved bit is set".to_owned(),
            });
        }
        if descriptor & 0x03 != 0 {
            return Err(Error::Dictionary);
        }
        let window_bytes = match single_segment {
            true => None,
            false => {
                let byte = number(&mut rest, 1)?;
                let base = 1_u64 << (10 + (byte >> 3));
                Some(base + base / 8 * (byte & 7))
            }
        };
        let content_bytes = match (descriptor >> 6, single_segment) {
            (0, false) => None,
            (0, true) => Some(number(&mut rest, 1)?),
            (1, _) => Some(number(&mut rest, 2)? + 256),
            (2, _) => Some(number(&mut rest, 4)?),
            _ => Some(number(&mut rest, 8)?),
        };
        // A frame without a window has its content's size as one.
        let window_bytes = window_bytes.or(content_bytes).ok_or(Error::Truncated)?;
        Ok(FrameHeader {
            window_bytes,
            content_bytes,
        })
    }

    fn check(&self, old_bytes: u64, limits: &ApplyLimits) -> Result<(), Error> {
        if let Some(bytes) = self.content_bytes
            && bytes > limits.max_output_bytes
        {
            return Err(Error::OutputTooLarge {
                bytes,
                limit: limits.max_output_bytes,
            });
        }
        let bytes = memory_bytes(old_bytes, self.window_bytes);
        if bytes > limits.max_memory_bytes {
            return Err(Error::MemoryTooLarge {
                bytes,
                limit: limits.max_memory_bytes,
            });
        }
        Ok(())
    }

    /// The smallest power of two that the decoder must allow; it takes 10 to 31 (30 on 32 bits).
    fn window_log(&self) -> u32 {
        let highest = if usize::BITS == 64 { 31 } else { 30 };
        let window_bytes = self.window_bytes.clamp(1 << 10, 1 << highest);
        window_bytes.next_power_of_two().trailing_zeros()
    }
}

/// Takes a little-endian number of `bytes` bytes off the front.
fn number(rest: &mut &[u8], bytes: usize) -> Result<u64, Error> {
    let (taken, left) = rest.split_at_checked(bytes).ok_or(Error::Truncated)?;
    *rest = left;
    Ok(taken
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}
