//! The payload: one zstd frame, made with the image of old contents as prefix.
//!
//! It can be as long as everything new in a JAR, so it is decoded as it is used.

use zstd::zstd_safe::{self, CParameter, DCtx, DParameter, InBuffer, OutBuffer};

use super::budget::Budget;
use super::damaged;
use super::sections::{self, CODEC_ZSTD, Section};
use crate::Error;
use crate::format::ZSTD_MAGIC;

/// Compresses a payload.
pub(super) fn pack(raw: &[u8], image: &[u8], level: i32) -> Result<Vec<u8>, Error> {
    // As far as the payload fits its window, zstd keeps the whole prefix in reach.
    let mut context = sections::compressor(level, sections::window_log(raw.len()))?;
    if !image.is_empty() {
        // Without long distance matching zstd sees only the end of a large prefix. Its own table is
        // sized by the window, which spans the payload alone; this one spans the prefix too, and
        // took 200 kB off a patch of 1.9 MB.
        let table_log = sections::window_log(image.len() + raw.len())
            .saturating_sub(4)
            .clamp(10, 23);
        for parameter in [
            CParameter::EnableLongDistanceMatching(true),
            CParameter::LdmHashLog(table_log),
            CParameter::LdmHashRateLog(4),
            CParameter::LdmMinMatch(32),
        ] {
            context
                .set_parameter(parameter)
                .map_err(sections::compress_failed)?;
        }
        context
            .ref_prefix(image)
            .map_err(sections::compress_failed)?;
    }
    sections::compress_with(&mut context, raw)
}

/// Gives a payload's bytes in order.
pub(super) struct Payload<'a> {
    decoder: Option<Decoder<'a>>,
    left_bytes: usize,
    pending: Vec<u8>,
    taken: usize,
}

struct Decoder<'a> {
    context: DCtx<'a>,
    frame: Vec<u8>,
    position: usize,
}

impl<'a> Payload<'a> {
    pub(super) fn new(
        section: Option<Section<'_>>,
        image: &'a [u8],
        budget: &mut Budget,
    ) -> Result<Payload<'a>, Error> {
        let Some(section) = section else {
            return Ok(Payload::of(Vec::new()));
        };
        if section.codec != CODEC_ZSTD {
            return Ok(Payload {
                left_bytes: section.raw_bytes,
                ..Payload::of(section.packed.to_vec())
            });
        }
        let mut payload = Payload {
            left_bytes: section.raw_bytes,
            ..Payload::of(Vec::new())
        };
        // A decoder refuses a frame with a larger window than this.
        let window_log = sections::window_log(section.raw_bytes);
        budget.take(1 << window_log)?;
        let mut context = DCtx::create();
        context
            .set_parameter(DParameter::WindowLogMax(window_log))
            .map_err(failed)?;
        if !image.is_empty() {
            context.ref_prefix(image).map_err(failed)?;
        }
        payload.decoder = Some(Decoder {
            context,
            frame: [&ZSTD_MAGIC[..], section.packed].concat(),
            position: 0,
        });
        Ok(payload)
    }

    /// A payload that is not compressed.
    pub(super) fn of(bytes: Vec<u8>) -> Payload<'a> {
        Payload {
            decoder: None,
            left_bytes: bytes.len(),
            pending: bytes,
            taken: 0,
        }
    }

    /// Appends what comes before the next 0, at most `max_bytes`, to `out`, and passes over the 0.
    pub(super) fn take_text(&mut self, max_bytes: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut room = max_bytes;
        loop {
            if self.taken == self.pending.len() {
                self.refill()?;
            }
            let available = &self.pending[self.taken..];
            let end = available.iter().position(|&byte| byte == 0);
            let count = end.unwrap_or(available.len());
            room = room
                .checked_sub(count)
                .ok_or_else(|| damaged("a text is too long"))?;
            self.take(count, out)?;
            if end.is_some() {
                return self.take(1, &mut Vec::new());
            }
        }
    }

    /// Appends the next `count` bytes to `out`.
    pub(super) fn take(&mut self, count: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        self.left_bytes = self
            .left_bytes
            .checked_sub(count)
            .ok_or_else(|| damaged("the payload ends too early"))?;
        let mut missing = count;
        while missing > 0 {
            if self.taken == self.pending.len() {
                self.refill()?;
            }
            let available = &self.pending[self.taken..];
            let now = available.len().min(missing);
            out.extend_from_slice(&available[..now]);
            self.taken += now;
            missing -= now;
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<(), Error> {
        let ended = || damaged("the payload ends too early");
        let decoder = self.decoder.as_mut().ok_or_else(ended)?;
        self.pending.clear();
        self.pending.reserve(DCtx::out_size());
        self.taken = 0;
        let mut input = InBuffer::around(&decoder.frame[decoder.position..]);
        let mut output = OutBuffer::around(&mut self.pending);
        decoder
            .context
            .decompress_stream(&mut output, &mut input)
            .map_err(failed)?;
        decoder.position += input.pos;
        match self.pending.is_empty() {
            true => Err(ended()),
            false => Ok(()),
        }
    }

    /// The payload must have been used up.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self.left_bytes {
            0 => Ok(()),
            _ => Err(damaged("the payload holds more than is used")),
        }
    }
}

fn failed(code: zstd_safe::ErrorCode) -> Error {
    damaged(zstd_safe::get_error_name(code))
}
