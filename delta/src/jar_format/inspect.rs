//! What stands in a patch, for people who want to look at it.

use std::cmp::Reverse;

use super::budget::Budget;
use super::contents::kind;
use super::header::PatchHeader;
use super::plan::Content;
use super::sections::{self, Table};
use super::streams::{Stream, StreamReader};
use crate::inspect::{Contents, EntryCounts, Stated, StreamSize};
use crate::{ApplyLimits, Error};

/// Reads all but the payload, without the old file.
pub(crate) fn inspect(patch: &[u8]) -> Result<(Stated, Contents), Error> {
    let mut rest = patch;
    let header = PatchHeader::take(&mut rest)?;
    header.check(&ApplyLimits {
        max_output_bytes: u64::MAX,
        ..ApplyLimits::default()
    })?;
    let table = Table::take(&mut { rest }, &mut Budget::new(header.memory_bytes))?;
    let (streams, _) = sections::take(&mut rest, &mut Budget::new(header.memory_bytes))?;
    let contents = Contents {
        entries: count_entries(&streams),
        streams: sizes(&table),
    };
    let stated = Stated {
        base: header.base,
        result: header.result,
        base_bytes: header.base_bytes,
        result_bytes: header.result_bytes,
        plain_bytes: header.plain_bytes,
        image_bytes: header.image_bytes,
        memory_bytes: header.memory_bytes,
    };
    Ok((stated, contents))
}

fn count_entries(streams: &StreamReader) -> EntryCounts {
    let count = |stream, wanted: u8| {
        let bytes = streams.rest(stream).iter();
        bytes.filter(|&&byte| byte == wanted).count() as u64
    };
    EntryCounts {
        copied: count(Stream::Statuses, Content::COPIED),
        repacked: count(Stream::Statuses, Content::SAME),
        nested: count(Stream::Statuses, Content::NESTED),
        patched: count(Stream::Kinds, kind::PLAIN) + count(Stream::Kinds, kind::CLASS),
        new: count(Stream::Kinds, kind::PAYLOAD),
    }
}

fn sizes(table: &Table<'_>) -> Vec<StreamSize> {
    let mut sizes: Vec<_> = table
        .sections
        .iter()
        .map(|(stream, section)| StreamSize {
            name: stream.map_or("Joined".to_owned(), |stream| format!("{stream:?}")),
            raw_bytes: section.raw_bytes as u64,
            packed_bytes: section.packed.len() as u64,
        })
        .collect();
    sizes.sort_by_key(|size| Reverse(size.packed_bytes));
    sizes
}
