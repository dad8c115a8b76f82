//! Operations as streams: lengths, seeks, inserted bytes, and the differences of added ones.
//!
//! Nearly all differences are zero. Those of all contents are strung together and sent as gaps (so
//! many zeros, so many others) and values (the others); a gap may span many contents.

use super::super::damaged;
use super::super::difference::Operation;
use super::super::streams::{StreamReader, StreamWriter};
use super::Lanes;
use crate::Error;

/// Writes operations; until [`split_differences`] the values' stream has all differences.
pub(super) fn put(
    old: &[u8],
    new: &[u8],
    operations: &[Operation],
    lanes: Lanes,
    out: &mut StreamWriter,
) {
    out.number(lanes.counts, operations.len() as u64);
    let (mut expected, mut done) = (0, 0);
    let mut differences = Vec::new();
    for operation in operations {
        let Operation {
            add,
            insert,
            position,
        } = *operation;
        out.number(lanes.adds, add as u64);
        out.number(lanes.inserts, insert as u64);
        if add > 0 {
            out.signed(lanes.seeks, position as i64 - expected);
            expected = (position + add) as i64;
        }
        let (added, rest) = new[done..].split_at(add);
        differences.clear();
        let sources = &old[position..position + add];
        differences.extend(
            added
                .iter()
                .zip(sources)
                .map(|(new, old)| new.wrapping_sub(*old)),
        );
        out.bytes(lanes.values, &differences);
        out.bytes(lanes.inserted, &rest[..insert]);
        done += add + insert;
    }
}

/// Turns the strung differences into gaps and values.
pub(super) fn split_differences(lanes: Lanes, out: &mut StreamWriter) {
    let differences = out.take(lanes.values);
    let mut rest = &differences[..];
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        rest = &rest[zeros..];
        let others = rest.iter().take_while(|&&byte| byte != 0).count();
        // Zeros at the very end need not be said.
        if others > 0 {
            out.number(lanes.gaps, zeros as u64);
            out.number(lanes.runs, others as u64);
        }
        out.bytes(lanes.values, &rest[..others]);
        rest = &rest[others..];
    }
}

/// Reads operations, and keeps its place in the gaps from content to content.
#[derive(Debug)]
pub(super) struct Reader {
    lanes: Lanes,
    zeros: usize,
    others: usize,
}

impl Reader {
    pub(super) fn new(lanes: Lanes) -> Reader {
        Reader {
            lanes,
            zeros: 0,
            others: 0,
        }
    }

    /// Undoes [`put`]. The result may have `max_bytes` at most.
    /// `insert_from` appends the next inserted bytes.
    pub(super) fn apply(
        &mut self,
        old: &[u8],
        max_bytes: usize,
        streams: &mut StreamReader,
        mut insert_from: impl FnMut(&mut StreamReader, usize, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Vec<u8>, Error> {
        let outside = || damaged("a difference reaches outside of the old content");
        let count = streams.length(self.lanes.counts)?;
        let mut out = Vec::new();
        let mut expected = 0_i64;
        for _ in 0..count {
            let add = streams.length(self.lanes.adds)?;
            let insert = streams.length(self.lanes.inserts)?;
            let room = max_bytes - out.len();
            if add > room || insert > room - add {
                return Err(damaged("a content is larger than the patch states"));
            }
            if add > 0 {
                let position = expected.wrapping_add(streams.signed(self.lanes.seeks)?);
                let start = usize::try_from(position).map_err(|_| outside())?;
                let end = start.checked_add(add).ok_or_else(outside)?;
                let from = out.len();
                out.extend_from_slice(old.get(start..end).ok_or_else(outside)?);
                expected = end as i64;
                self.change(&mut out[from..], streams)?;
            }
            insert_from(streams, insert, &mut out)?;
        }
        Ok(out)
    }

    /// Adds the next differences to `bytes`.
    fn change(&mut self, bytes: &mut [u8], streams: &mut StreamReader) -> Result<(), Error> {
        let mut at = 0;
        while at < bytes.len() {
            if self.zeros == 0 && self.others == 0 {
                if streams.left(self.lanes.gaps) == 0 {
                    // After the last value all is zero.
                    return Ok(());
                }
                self.zeros = streams.length(self.lanes.gaps)?;
                self.others = streams.length(self.lanes.runs)?;
                if self.others == 0 {
                    return Err(damaged("a gap without values"));
                }
            }
            let zeros = self.zeros.min(bytes.len() - at);
            at += zeros;
            self.zeros -= zeros;
            if self.zeros > 0 {
                break;
            }
            let others = self.others.min(bytes.len() - at);
            let values: &[u8] = streams.bytes(self.lanes.values, others)?;
            for (byte, value) in bytes[at..at + others].iter_mut().zip(values) {
                *byte = byte.wrapping_add(*value);
            }
            at += others;
            self.others -= others;
        }
        Ok(())
    }
}
