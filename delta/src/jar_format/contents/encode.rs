//! Writes contents down, each in the way that seems the smallest.

use std::borrow::Cow;

use super::super::class::{self, ClassFile, assemble, encode_pool, gone_texts};
use super::super::difference::{difference, only_long_additions};
use super::super::payload;
use super::super::streams::{Stream, StreamWriter};
use super::{CLASS_LANES, Lanes, PLAIN_LANES, TEXT_LANES, kind, operations};

/// A content's streams.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) streams: StreamWriter,
    /// Whether the old content is needed to read it.
    pub(crate) compared: bool,
}

/// Contents that are larger are never compared by suffix array, which takes five times their size.
const MAX_COMPARED_BYTES: usize = 128 << 20;

/// How much a match must gain to be followed, see [`difference`].
const SLACK: usize = 4;
/// For texts, which the payload can give as well.
const TEXT_SLACK: usize = 8;
/// Additions of texts shorter than this cost more than the payload takes.
const TEXT_ADD_BYTES: usize = 32;

/// What a content is compared with.
#[derive(Debug)]
pub(crate) enum Compared<'a> {
    Nothing,
    /// An old content, which the payload's compressor sees as well.
    InImage(Cow<'a, [u8]>),
    /// Bytes that the payload knows nothing of.
    Apart(&'a [u8]),
}

/// Writes `new` down, given what to compare it with.
pub(crate) fn encode(compared: &Compared<'_>, new: &[u8], level: i32) -> Encoded {
    let (old, image) = match compared {
        Compared::Nothing => (None, &[][..]),
        Compared::InImage(old) => (Some(&old[..]), &old[..]),
        Compared::Apart(old) => (Some(*old), &[][..]),
    };
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
        &difference(old, new, SLACK),
        PLAIN_LANES,
        &mut encoded.streams,
    );
    match payload_is_smaller(&encoded.streams, image, new, level) {
        true => in_payload(new),
        false => encoded,
    }
}

/// What has to be done once all contents are there.
pub(crate) fn finish(streams: &mut StreamWriter) {
    operations::split_differences(CLASS_LANES, streams);
    operations::split_differences(PLAIN_LANES, streams);
    operations::split_differences(TEXT_LANES, streams);
}

fn in_payload(new: &[u8]) -> Encoded {
    let mut encoded = Encoded::default();
    encoded.streams.bytes(Stream::Payload, new);
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
    let (edit, texts) = encode_pool(&old, &parsed, &mut encoded.streams);
    let decoded = class::decode_pool(
        &old,
        &mut encoded.streams.clone().into_reader(),
        &mut |_, _, _| Ok(texts.clone()),
        parsed.pool().len(),
    );
    if decoded.ok()?.0 != parsed.pool() {
        return None;
    }
    let gone = gone_texts(&old, &edit);
    match gone.is_empty() || texts.is_empty() {
        true => encoded.streams.bytes(Stream::Payload, &texts),
        false => {
            let operations = difference(&gone, &texts, TEXT_SLACK);
            let operations = only_long_additions(&operations, TEXT_ADD_BYTES);
            operations::put(&gone, &texts, &operations, TEXT_LANES, &mut encoded.streams);
            if operations.is_empty() {
                encoded.streams.bytes(Stream::Payload, &texts);
            }
        }
    }
    let (before, after) = (old.renumbered_body(&edit.numbers), parsed.body());
    // Tables that overlap, for instance, cannot be undone.
    if assemble(parsed.pool(), &after).ok()? != new {
        return None;
    }
    operations::put(
        &before,
        &after,
        &difference(&before, &after, SLACK),
        CLASS_LANES,
        &mut encoded.streams,
    );
    Some(encoded)
}

/// Small contents are tried at a high level; for large ones a lower level shows the same.
const TRIAL_BYTES: usize = 64 << 10;

/// Compares what the difference and the content itself take, compressed alone.
fn payload_is_smaller(difference: &StreamWriter, image: &[u8], new: &[u8], level: i32) -> bool {
    let level = match image.len().max(new.len()) {
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
        runs,
        values,
        inserted,
        ..
    } = PLAIN_LANES;
    let lengths = [
        split.get(adds),
        split.get(inserts),
        split.get(seeks),
        split.get(gaps),
        split.get(runs),
    ]
    .concat();
    let mut cost = 0;
    for part in [&lengths[..], split.get(values), split.get(inserted)] {
        cost += packed_bytes(part, &[], level);
    }
    // A difference this small is not beaten by much.
    cost > 64 && packed_bytes(new, image, level) < cost
}

fn packed_bytes(raw: &[u8], prefix: &[u8], level: i32) -> usize {
    if raw.is_empty() {
        return 0;
    }
    payload::pack(raw, prefix, level).map_or(raw.len(), |packed| packed.len())
}
