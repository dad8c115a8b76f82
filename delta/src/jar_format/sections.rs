//! How streams lie in a patch: a table of lengths, then the streams, each compressed by itself.
//!
//! Streams of a few bytes would cost more in frame headers than they hold, so they are joined and
//! compressed as one. Frames leave out zstd's four magic bytes. The payload is special: its
//! compressor sees the image as prefix, and it is decoded as it is used, see [`super::payload`].

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx};

use super::budget::Budget;
use super::damaged;
use super::streams::{Stream, StreamReader, StreamWriter, put_number, take_number};
use crate::Error;
use crate::format::ZSTD_MAGIC;

/// Streams shorter than this are joined.
const JOINED_BELOW_BYTES: usize = 512;

/// As it is.
const CODEC_NONE: u8 = 0;
/// A zstd frame without its magic.
pub(super) const CODEC_ZSTD: u8 = 1;

/// A section as it lies in the patch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) codec: u8,
    pub(super) raw_bytes: usize,
    pub(super) packed: &'a [u8],
}

/// Appends all streams. `pack_payload` compresses the payload.
pub(super) fn put(
    streams: &StreamWriter,
    level: i32,
    out: &mut Vec<u8>,
    pack_payload: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let mut present = 0_u64;
    for stream in Stream::ALL {
        if !streams.get(stream).is_empty() {
            present |= 1 << stream as u32;
        }
    }
    put_number(out, present);
    let used = || {
        Stream::ALL
            .into_iter()
            .filter(|&stream| !streams.get(stream).is_empty())
    };
    let (mut joined, mut bodies) = (Vec::new(), Vec::new());
    let mut pack_payload = Some(pack_payload);
    let mut lengths = Vec::new();
    for stream in used() {
        let raw = streams.get(stream);
        put_number(out, raw.len() as u64);
        let packed = match (stream, pack_payload.take_if(|_| stream == Stream::Payload)) {
            (Stream::Payload, Some(pack)) => pack(raw)?,
            _ if raw.len() < JOINED_BELOW_BYTES => {
                joined.extend_from_slice(raw);
                continue;
            }
            _ => compress(raw, level)?,
        };
        put_body(raw, packed, &mut lengths, &mut bodies);
    }
    if !joined.is_empty() {
        let packed = compress(&joined, level)?;
        put_body(&joined, packed, &mut lengths, &mut bodies);
    }
    out.extend_from_slice(&lengths);
    out.extend_from_slice(&bodies);
    Ok(())
}

fn put_body(raw: &[u8], packed: Vec<u8>, lengths: &mut Vec<u8>, bodies: &mut Vec<u8>) {
    if packed.len() < raw.len() {
        lengths.push(CODEC_ZSTD);
        put_number(lengths, packed.len() as u64);
        bodies.extend_from_slice(&packed);
    } else {
        lengths.push(CODEC_NONE);
        put_number(lengths, raw.len() as u64);
        bodies.extend_from_slice(raw);
    }
}

/// Reads all streams; the payload comes back as it lies.
pub(super) fn take<'a>(
    rest: &mut &'a [u8],
    budget: &mut Budget,
) -> Result<(StreamReader, Option<Section<'a>>), Error> {
    let table = Table::take(rest, budget)?;
    let mut reader = StreamReader::default();
    let mut payload = None;
    for (stream, section) in table.sections {
        match stream {
            Some(Stream::Payload) => payload = Some(section),
            Some(stream) => reader.set(stream, decompress(&section)?),
            None => {
                let joined = decompress(&section)?;
                let mut left = &joined[..];
                for &(stream, raw_bytes) in &table.joined {
                    let (bytes, after) = left.split_at(raw_bytes);
                    reader.set(stream, bytes.to_vec());
                    left = after;
                }
            }
        }
    }
    Ok((reader, payload))
}

/// What lies where in a patch; nothing is decompressed yet.
pub(super) struct Table<'a> {
    /// A stream's own section, or that of the joined ones.
    pub(super) sections: Vec<(Option<Stream>, Section<'a>)>,
    /// The streams that are joined, in order, and their lengths.
    joined: Vec<(Stream, usize)>,
}

impl<'a> Table<'a> {
    /// Reads lengths, and takes from the budget what the streams will need.
    pub(super) fn take(rest: &mut &'a [u8], budget: &mut Budget) -> Result<Table<'a>, Error> {
        let present = take_number(rest)?;
        if present >> Stream::COUNT != 0 {
            return Err(damaged("the patch has streams that are not known here"));
        }
        let (mut own, mut joined) = (Vec::new(), Vec::new());
        for stream in Stream::ALL {
            if present & 1 << stream as u32 == 0 {
                continue;
            }
            let raw_bytes = take_number(rest)?;
            // The payload is never whole in memory, unless it is as small as the patch itself.
            if stream != Stream::Payload {
                budget.take(raw_bytes)?;
            }
            let raw_bytes =
                usize::try_from(raw_bytes).map_err(|_| damaged("a length is out of range"))?;
            match stream == Stream::Payload || raw_bytes >= JOINED_BELOW_BYTES {
                true => own.push((Some(stream), raw_bytes)),
                false => joined.push((stream, raw_bytes)),
            }
        }
        let joined_bytes: usize = joined.iter().map(|(_, raw_bytes)| raw_bytes).sum();
        if joined_bytes > 0 {
            own.push((None, joined_bytes));
        }
        let mut lengths = Vec::with_capacity(own.len());
        for _ in &own {
            lengths.push(take_length(rest)?);
        }
        let mut sections = Vec::with_capacity(own.len());
        for ((stream, raw_bytes), (codec, packed_bytes)) in own.into_iter().zip(lengths) {
            let (packed, after) = rest
                .split_at_checked(packed_bytes)
                .ok_or(Error::Truncated)?;
            *rest = after;
            let section = Section {
                codec,
                raw_bytes,
                packed,
            };
            sections.push((stream, section));
        }
        Ok(Table { sections, joined })
    }
}

fn take_length(rest: &mut &[u8]) -> Result<(u8, usize), Error> {
    let (&codec, after) = rest.split_first().ok_or(Error::Truncated)?;
    *rest = after;
    let length = take_number(rest)?;
    // A length over what is left is found when the section is cut out.
    Ok((codec, usize::try_from(length).unwrap_or(usize::MAX)))
}

pub(super) fn compress_failed(code: zstd_safe::ErrorCode) -> Error {
    Error::Compress {
        reason: zstd_safe::get_error_name(code).to_owned(),
    }
}

/// A context for frames as small as can be: lengths and checksums stand elsewhere.
pub(super) fn compressor<'a>(level: i32, window_log: u32) -> Result<CCtx<'a>, Error> {
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(level),
        CParameter::WindowLog(window_log),
        CParameter::ContentSizeFlag(false),
        CParameter::ChecksumFlag(false),
        CParameter::DictIdFlag(false),
    ] {
        context.set_parameter(parameter).map_err(compress_failed)?;
    }
    Ok(context)
}

/// Compresses with a context, and leaves out the magic.
pub(super) fn compress_with(context: &mut CCtx<'_>, raw: &[u8]) -> Result<Vec<u8>, Error> {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(raw.len()));
    context
        .compress2(&mut frame, raw)
        .map_err(compress_failed)?;
    frame.drain(..ZSTD_MAGIC.len());
    Ok(frame)
}

pub(super) fn compress(raw: &[u8], level: i32) -> Result<Vec<u8>, Error> {
    compress_with(&mut compressor(level, window_log(raw.len()))?, raw)
}

/// The smallest window that spans `bytes`, within what zstd takes and decoders should hold.
pub(super) fn window_log(bytes: usize) -> u32 {
    (usize::BITS - bytes.leading_zeros()).clamp(10, MAX_WINDOW_LOG)
}

/// 64 MiB: larger payloads cannot refer to what lies further back.
pub(super) const MAX_WINDOW_LOG: u32 = 26;

fn decompress(section: &Section<'_>) -> Result<Vec<u8>, Error> {
    let raw = match section.codec {
        CODEC_NONE => section.packed.to_vec(),
        CODEC_ZSTD => {
            let frame = [&ZSTD_MAGIC[..], section.packed].concat();
            let mut raw = Vec::with_capacity(section.raw_bytes);
            DCtx::create()
                .decompress(&mut raw, &frame)
                .map_err(|code| damaged(zstd_safe::get_error_name(code)))?;
            raw
        }
        _ => {
            return Err(damaged(
                "a stream is compressed in a way that is not known here",
            ));
        }
    };
    match raw.len() == section.raw_bytes {
        true => Ok(raw),
        false => Err(damaged("a stream has another length than is stated")),
    }
}
