//! The format `jar`: a delta between two JARs that looks inside.
//!
//! A JAR is deflated, so a small change shows everywhere in its bytes. Here both files are taken
//! apart with every byte accounted for, entries are matched, what changed is compared unpacked,
//! and applying puts the new file together and deflates it again to the very same bytes.
//! `docs/delta-format.md` describes the layout byte by byte.
//!
//! Creating may fail to model a file; that is no error of the file but a reason to take another
//! format. Applying trusts nothing: each length is checked against the patch's header and the
//! caller's limits before memory is spent on it.

mod apply;
mod budget;
mod class;
mod columns;
mod container;
mod contents;
mod create;
mod deflate;
mod difference;
mod header;
mod image;
mod inspect;
mod payload;
mod plan;
mod sections;
mod streams;
mod tokens;
mod tree;

use crate::Error;

pub(crate) use apply::apply;
pub(crate) use create::{NotModelled, create};
pub(crate) use header::MAGIC;
pub(crate) use inspect::inspect;

/// The memory that an honest patch between files of these sizes may ask for.
pub(crate) fn memory_bytes(old_bytes: u64, new_bytes: u64) -> u64 {
    const BASE_BYTES: u64 = 192 << 20;
    old_bytes
        .saturating_add(new_bytes)
        .saturating_mul(2)
        .saturating_add(BASE_BYTES)
}

fn damaged(reason: &str) -> Error {
    Error::Damaged {
        reason: reason.to_owned(),
    }
}
