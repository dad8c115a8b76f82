//! The streams of a patch: numbers, flags and bytes of one kind stand together.
//!
//! Values of one kind compress better beside each other than mixed, so each kind has a stream. The
//! writer appends, the reader takes from the front in the same order; a stream that ends too early
//! is damage, never a panic.

use crate::Error;

use super::damaged;

/// What a stream holds. The order is that of the patch and never changes within a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Per entry: which old entry it refers to.
    References,
    /// Per entry: its status.
    Statuses,
    /// Per entry: which header fields differ from the prediction.
    Masks,
    Times,
    Names,
    /// Header fields that were not predicted.
    Fields,
    /// Per entry that is not copied: how its content is deflated.
    Replays,
    /// What no model covers: gaps, whole headers, the container's own numbers.
    Verbatim,
    /// Per changed entry: how its content is written down.
    Kinds,
    /// Lengths of new contents.
    Lengths,
    /// Constant pools: runs of copies and literals.
    PoolRuns,
    PoolTags,
    PoolTextLengths,
    PoolReferences,
    /// Numeric constants.
    PoolNumbers,
    /// Bootstrap method indices.
    PoolDynamic,
    ClassCounts,
    ClassAdds,
    ClassInserts,
    ClassSeeks,
    ClassGaps,
    ClassRuns,
    ClassValues,
    ClassInserted,
    PlainCounts,
    PlainAdds,
    PlainInserts,
    PlainSeeks,
    PlainGaps,
    PlainRuns,
    PlainValues,
    PlainInserted,
    TextCounts,
    TextAdds,
    TextInserts,
    TextSeeks,
    TextGaps,
    TextRuns,
    TextValues,
    /// New contents and new constants' text; its compressor sees the old contents as prefix.
    Payload,
}

impl Stream {
    pub(super) const ALL: [Stream; 40] = [
        Stream::References,
        Stream::Statuses,
        Stream::Masks,
        Stream::Times,
        Stream::Names,
        Stream::Fields,
        Stream::Replays,
        Stream::Verbatim,
        Stream::Kinds,
        Stream::Lengths,
        Stream::PoolRuns,
        Stream::PoolTags,
        Stream::PoolTextLengths,
        Stream::PoolReferences,
        Stream::PoolNumbers,
        Stream::PoolDynamic,
        Stream::ClassCounts,
        Stream::ClassAdds,
        Stream::ClassInserts,
        Stream::ClassSeeks,
        Stream::ClassGaps,
        Stream::ClassRuns,
        Stream::ClassValues,
        Stream::ClassInserted,
        Stream::PlainCounts,
        Stream::PlainAdds,
        Stream::PlainInserts,
        Stream::PlainSeeks,
        Stream::PlainGaps,
        Stream::PlainRuns,
        Stream::PlainValues,
        Stream::PlainInserted,
        Stream::TextCounts,
        Stream::TextAdds,
        Stream::TextInserts,
        Stream::TextSeeks,
        Stream::TextGaps,
        Stream::TextRuns,
        Stream::TextValues,
        Stream::Payload,
    ];

    pub(super) const COUNT: usize = Stream::ALL.len();
}

/// Appends to the streams of a patch in the making.
#[derive(Debug, Clone)]
pub(super) struct StreamWriter {
    streams: [Vec<u8>; Stream::COUNT],
}

impl Default for StreamWriter {
    fn default() -> Self {
        StreamWriter {
            streams: std::array::from_fn(|_| Vec::new()),
        }
    }
}

impl StreamWriter {
    pub(super) fn byte(&mut self, stream: Stream, value: u8) {
        self.streams[stream as usize].push(value);
    }

    pub(super) fn number(&mut self, stream: Stream, value: u64) {
        put_number(&mut self.streams[stream as usize], value);
    }

    pub(super) fn signed(&mut self, stream: Stream, value: i64) {
        self.number(stream, fold_sign(value));
    }

    pub(super) fn bytes(&mut self, stream: Stream, bytes: &[u8]) {
        self.streams[stream as usize].extend_from_slice(bytes);
    }

    /// A length, then that many bytes.
    pub(super) fn blob(&mut self, stream: Stream, bytes: &[u8]) {
        self.number(stream, bytes.len() as u64);
        self.bytes(stream, bytes);
    }

    pub(super) fn get(&self, stream: Stream) -> &[u8] {
        &self.streams[stream as usize]
    }

    /// Takes a stream out, for instance to send it in another shape.
    pub(super) fn take(&mut self, stream: Stream) -> Vec<u8> {
        std::mem::take(&mut self.streams[stream as usize])
    }

    /// Appends another writer's streams to these.
    pub(super) fn append(&mut self, other: &StreamWriter) {
        for (stream, bytes) in self.streams.iter_mut().zip(&other.streams) {
            stream.extend_from_slice(bytes);
        }
    }

    pub(super) fn into_reader(self) -> StreamReader {
        StreamReader {
            streams: self.streams.map(|bytes| Cursor { bytes, position: 0 }),
        }
    }
}

#[derive(Debug)]
struct Cursor {
    bytes: Vec<u8>,
    position: usize,
}

/// Takes values from the front of each stream.
#[derive(Debug)]
pub(super) struct StreamReader {
    streams: [Cursor; Stream::COUNT],
}

impl Default for StreamReader {
    fn default() -> Self {
        StreamWriter::default().into_reader()
    }
}

impl StreamReader {
    /// Puts a decoded stream in place.
    pub(super) fn set(&mut self, stream: Stream, bytes: Vec<u8>) {
        self.streams[stream as usize] = Cursor { bytes, position: 0 };
    }

    pub(super) fn byte(&mut self, stream: Stream) -> Result<u8, Error> {
        Ok(self.bytes(stream, 1)?[0])
    }

    pub(super) fn number(&mut self, stream: Stream) -> Result<u64, Error> {
        let cursor = &mut self.streams[stream as usize];
        let mut rest = &cursor.bytes[cursor.position..];
        let before = rest.len();
        let value = take_number(&mut rest)?;
        cursor.position += before - rest.len();
        Ok(value)
    }

    pub(super) fn signed(&mut self, stream: Stream) -> Result<i64, Error> {
        Ok(unfold_sign(self.number(stream)?))
    }

    /// A number that counts or indexes something in memory.
    pub(super) fn length(&mut self, stream: Stream) -> Result<usize, Error> {
        usize::try_from(self.number(stream)?).map_err(|_| damaged("a length is out of range"))
    }

    pub(super) fn bytes(&mut self, stream: Stream, count: usize) -> Result<&[u8], Error> {
        let cursor = &mut self.streams[stream as usize];
        let taken = cursor.bytes[cursor.position..]
            .get(..count)
            .ok_or_else(ended)?;
        cursor.position += count;
        Ok(taken)
    }

    /// Counterpart of [`StreamWriter::blob`].
    pub(super) fn blob(&mut self, stream: Stream) -> Result<&[u8], Error> {
        let count = self.length(stream)?;
        self.bytes(stream, count)
    }

    /// The bytes of a stream that are left.
    pub(super) fn rest(&self, stream: Stream) -> &[u8] {
        let cursor = &self.streams[stream as usize];
        &cursor.bytes[cursor.position..]
    }

    /// How many bytes of a stream are left.
    pub(super) fn left(&self, stream: Stream) -> usize {
        self.rest(stream).len()
    }

    /// Every stream must have been read to its end.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self.streams.iter().all(|c| c.position == c.bytes.len()) {
            true => Ok(()),
            false => Err(damaged("a stream holds more than is used")),
        }
    }
}

fn ended() -> Error {
    damaged("a stream ends too early")
}

/// Seven bits a byte, lowest first, the highest bit set in all but the last (LEB128).
pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take_number(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, left) = rest.split_first().ok_or_else(ended)?;
        *rest = left;
        let bits = u64::from(byte & 0x7F);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(damaged("a number has more than 64 bits"))
}

/// 0, -1, 1, -2 become 0, 1, 2, 3, so that small numbers of either sign are short.
pub(super) fn fold_sign(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(super) fn unfold_sign(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_sizes_come_back() {
        let mut writer = StreamWriter::default();
        let values = [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            i64::MAX as u64,
            u64::MAX,
        ];
        for value in values {
            writer.number(Stream::Lengths, value);
            writer.signed(Stream::Lengths, value as i64);
        }
        let mut reader = writer.into_reader();
        for value in values {
            assert_eq!(reader.number(Stream::Lengths).unwrap(), value);
            assert_eq!(reader.signed(Stream::Lengths).unwrap(), value as i64);
        }
        reader.finish().unwrap();
        assert!(reader.number(Stream::Lengths).is_err());
    }

    #[test]
    fn the_order_of_streams_is_that_of_their_numbers() {
        for (index, stream) in Stream::ALL.into_iter().enumerate() {
            assert_eq!(stream as usize, index);
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_damage() {
        assert!(take_number(&mut &[0xFF; 12][..]).is_err());
        assert!(take_number(&mut &[0x80; 3][..]).is_err());
    }
}
