//! Writes contents down, each in the way that seems the smallest.

use super::super::class::{self, ClassFile, assemble, encode_pool};
use super::super::difference::difference;
use super::super::payload;
use super::super::streams::{Stream, StreamWriter};
use super::{CLASS_LANES, Lanes, PLAIN_LANES, kind, operations};

/// A content's streams, and what it adds to the payload.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) streams: StreamWriter,
    pub(crate) payload: Vec<u8>,
    /// Whether the old content is needed to read it.
    pub(crate) compared: bool,
}

/// Contents that are larger are never compared by suffix array, which takes five times their size.
const MAX_COMPARED_BYTES: usize = 128 << 20;

/// Writes `new` down, given the old content if there is one.
pub(crate) fn encode(old: Option<&[u8]>, new: &[u8], level: i32) -> Encoded {
    let old = old.filter(|old| !old.is_empty() && old.len().max(new.len()) <= MAX_COMPARED_BYTES);
    let Some(old) = old.filter(|_| !new.is_empty()) else {
        return in_payload(new);
    };
    if let Some(encoded) = as_class(old, new) {
        return encoded;
    }
    let mut encoded = Encoded {
        compared: true,
        ..Encoded::default()
    };
    encoded.streams.byte(Stream::Kinds, kind::PLAIN);
    operations::put(
        old,
        new,
        &difference(old, new),
        PLAIN_LANES,
        &mut encoded.streams,
    );
    match payload_is_smaller(&encoded.streams, old, new, level) {
        true => in_payload(new),
        false => encoded,
    }
}

/// What has to be done once all contents are there.
pub(crate) fn finish(streams: &mut StreamWriter) {
    operations::split_differences(CLASS_LANES, streams);
    operations::split_differences(PLAIN_LANES, streams);
}

fn in_payload(new: &[u8]) -> Encoded {
    let mut encoded = Encoded {
        payload: new.to_vec(),
        ..Encoded::default()
    };
    encoded.streams.byte(Stream::Kinds, kind::PAYLOAD);
    encoded.streams.number(Stream::Lengths, new.len() as u64);
    encoded
}

fn as_class(old: &[u8], new: &[u8]) -> Option<Encoded> {
    let (old, parsed) = (ClassFile::parse(old)?, ClassFile::parse(new)?);
    let mut encoded = Encoded {
        compared: true,
        ..Encoded::default()
    };
    encoded.streams.byte(Stream::Kinds, kind::CLASS);
    let edit = encode_pool(&old, &parsed, &mut encoded.streams, &mut encoded.payload);
    if !pool_comes_back(&old, parsed.pool(), &encoded) {
        return None;
    }
    let (before, after) = (old.renumbered_body(&edit.numbers), parsed.body());
    // Tables that overlap, for instance, cannot be undone.
    if assemble(parsed.pool(), &after).ok()? != new {
        return None;
    }
    operations::put(
        &before,
        &after,
        &difference(&before, &after),
        CLASS_LANES,
        &mut encoded.streams,
    );
    Some(encoded)
}

fn pool_comes_back(old: &ClassFile<'_>, pool: &[u8], encoded: &Encoded) -> bool {
    let mut reader = encoded.streams.clone().into_reader();
    let mut texts = &encoded.payload[..];
    let mut text = |count: usize, out: &mut Vec<u8>| {
        let (taken, rest) = texts.split_at(count);
        out.extend_from_slice(taken);
        texts = rest;
        Ok(())
    };
    class::decode_pool(old, &mut reader, &mut text, pool.len())
        .is_ok_and(|(decoded, _)| decoded == pool)
}

/// Small contents are tried at a high level; for large ones a lower level shows the same.
const TRIAL_BYTES: usize = 64 << 10;

/// Compares what the difference and the content itself take, compressed alone.
fn payload_is_smaller(difference: &StreamWriter, old: &[u8], new: &[u8], level: i32) -> bool {
    let level = match old.len().max(new.len()) {
        0..TRIAL_BYTES => level.min(15),
        _ => level.min(6),
    };
    let mut split = difference.clone();
    operations::split_differences(PLAIN_LANES, &mut split);
    let Lanes {
        adds,
        inserts,
        seeks,
        gaps,
        values,
        inserted,
        ..
    } = PLAIN_LANES;
    let lengths = [
        split.get(adds),
        split.get(inserts),
        split.get(seeks),
        split.get(gaps),
    ]
    .concat();
    let mut cost = 0;
    for part in [&lengths[..], split.get(values), split.get(inserted)] {
        cost += packed_bytes(part, &[], level);
    }
    // A difference this small is not beaten by much.
    cost > 64 && packed_bytes(new, old, level) < cost
}

fn packed_bytes(raw: &[u8], prefix: &[u8], level: i32) -> usize {
    if raw.is_empty() {
        return 0;
    }
    payload::pack(raw, prefix, level).map_or(raw.len(), |packed| packed.len())
}
