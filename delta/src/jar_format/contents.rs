//! Changed and new contents as streams: in the payload, as a difference, or as an edit of a class.

mod decode;
mod encode;
mod operations;

pub(super) use decode::Decoder;
pub(super) use encode::{Compared, encode, finish};

use super::streams::Stream;

/// How a content is written down; the numbers stand in the patch.
pub(super) mod kind {
    /// Its bytes are in the payload.
    pub(in super::super) const PAYLOAD: u8 = 0;
    /// A difference to the old content.
    pub(in super::super) const PLAIN: u8 = 1;
    /// A class: an edit of the old pool, and a difference to the renumbered rest.
    pub(in super::super) const CLASS: u8 = 2;
}

/// The streams that differences go to. Classes differ in other ways than the rest does, so they
/// have streams of their own.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    counts: Stream,
    adds: Stream,
    inserts: Stream,
    seeks: Stream,
    gaps: Stream,
    runs: Stream,
    values: Stream,
    inserted: Stream,
}

const CLASS_LANES: Lanes = Lanes {
    counts: Stream::ClassCounts,
    adds: Stream::ClassAdds,
    inserts: Stream::ClassInserts,
    seeks: Stream::ClassSeeks,
    gaps: Stream::ClassGaps,
    runs: Stream::ClassRuns,
    values: Stream::ClassValues,
    inserted: Stream::ClassInserted,
};

/// Texts of constants are inserted from the payload, where the compressor sees the old contents.
const TEXT_LANES: Lanes = Lanes {
    counts: Stream::TextCounts,
    adds: Stream::TextAdds,
    inserts: Stream::TextInserts,
    seeks: Stream::TextSeeks,
    gaps: Stream::TextGaps,
    runs: Stream::TextRuns,
    values: Stream::TextValues,
    inserted: Stream::Payload,
};

const PLAIN_LANES: Lanes = Lanes {
    counts: Stream::PlainCounts,
    adds: Stream::PlainAdds,
    inserts: Stream::PlainInserts,
    seeks: Stream::PlainSeeks,
    gaps: Stream::PlainGaps,
    runs: Stream::PlainRuns,
    values: Stream::PlainValues,
    inserted: Stream::PlainInserted,
};
