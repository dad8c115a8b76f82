//! Applies patches: reads the plan, then rebuilds the file entry by entry.

mod packing;
mod rebuild;
mod sink;

use std::io::{self, Write};

use super::budget::Budget;
use super::columns::read_plan;
use super::contents::Decoder;
use super::damaged;
use super::header::PatchHeader;
use super::image::Image;
use super::payload::Payload;
use super::sections;
use super::tree::Tree;
use crate::checksum::{Digest, Sha256Writer, sha256};
use crate::deadline::Deadline;
use crate::{ApplyLimits, Error};

/// Writes the new file to `out`, and gives the SHA-256 that it must have.
pub(crate) fn apply(
    old: &[u8],
    patch: &[u8],
    limits: &ApplyLimits,
    deadline: &Deadline,
    out: &mut dyn Write,
) -> Result<Digest, Error> {
    let mut rest = patch;
    let header = PatchHeader::take(&mut rest)?;
    header.check(limits)?;
    let actual = sha256(old);
    if actual != header.base || old.len() as u64 != header.base_bytes {
        return Err(Error::BaseMismatch {
            expected: header.base,
            actual,
        });
    }
    let mut budget = Budget::new(header.memory_bytes);
    rebuild_all(old, &header, rest, &mut budget, deadline, out)?;
    Ok(header.result)
}

/// What a trial application showed.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) sha256: Digest,
    pub(super) memory_bytes: u64,
}

/// Applies what follows a header, without keeping the result.
pub(super) fn measure(old: &[u8], header: &PatchHeader, body: &[u8]) -> Result<Measured, Error> {
    let mut budget = Budget::new(u64::MAX);
    let mut out = Sha256Writer::new(io::sink());
    rebuild_all(old, header, body, &mut budget, &Deadline::none(), &mut out)?;
    Ok(Measured {
        sha256: out.finish().1,
        memory_bytes: budget.used_bytes(),
    })
}

/// What the largest content takes while it is made: its old and new form, both again while a class
/// is put together, packed, and once more in a nested JAR.
pub(super) const COPIES_OF_LARGEST: u64 = 6;
/// Buffers, zlib's and zstd's states, and entries that are packed together.
const FIXED_BYTES: u64 = 8 << 20;

fn rebuild_all(
    old: &[u8],
    header: &PatchHeader,
    body: &[u8],
    budget: &mut Budget,
    deadline: &Deadline,
    out: &mut dyn Write,
) -> Result<(), Error> {
    budget.take(FIXED_BYTES)?;
    budget.take(old.len() as u64)?;
    budget.take(body.len() as u64)?;
    budget.take(header.largest_bytes.saturating_mul(COPIES_OF_LARGEST))?;
    budget.take(header.image_bytes)?;
    let mut rest = body;
    let (mut streams, section) = sections::take(&mut rest, budget)?;
    if !rest.is_empty() {
        return Err(Error::TrailingBytes {
            bytes: rest.len() as u64,
        });
    }
    let mut tree = Tree::open(old);
    let plan = read_plan(&mut streams, &mut tree, budget)?;
    let node = tree.as_ref().map(|_| 0);
    let length = |bytes| usize::try_from(bytes).map_err(|_| damaged("a length is out of range"));
    let max_image_bytes = length(header.image_bytes)?;
    let image = Image::build(&plan, tree.as_ref(), node, max_image_bytes, deadline)?;
    let payload = Payload::new(section, image.bytes(), budget)?;
    let decoder = Decoder::new(streams, payload, length(header.largest_bytes)?);
    rebuild::rebuild(&plan, tree.as_ref(), &image, decoder, header, deadline, out)
}
