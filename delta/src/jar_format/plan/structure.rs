//! Finds whose choices a foreign writer's are most like, and whether sending the difference pays.

use super::super::container::DEFLATED;
use super::super::deflate::{Deflater, Likeness};
use super::super::payload;
use super::super::tokens::{put_together, take_apart};
use super::super::tree::{NodeId, Tree};
use crate::deadline::Deadline;

/// The structure of an entry's packed bytes, and the one that it is compared with.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) bytes: Vec<u8>,
    pub(super) base: Vec<u8>,
}

/// zlib's levels whose choices differ much from each other's.
const LEVELS: [u8; 3] = [6, 9, 1];

/// The level of zstd for estimates.
const TRIAL_LEVEL: i32 = 3;

/// The structure of `packed`, which inflates to `plain`. `None` if sending the packed bytes is cheaper,
/// or if a structure would have more than `max_bytes`.
pub(super) fn find(
    plain: &[u8],
    packed: &[u8],
    old: Option<(&Tree<'_>, (NodeId, usize))>,
    max_bytes: usize,
    deflater: &mut Deflater,
) -> Option<(Likeness, Structure)> {
    let bytes = take_apart(packed, max_bytes)?;
    if put_together(plain, &bytes).ok()? != packed {
        return None;
    }
    let mut best: Option<(usize, Likeness, Vec<u8>)> = None;
    let mut consider = |likeness, base: Vec<u8>| {
        let cost = packed_bytes(&bytes, &base);
        if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
            best = Some((cost, likeness, base));
        }
    };
    if let Some((old, (node, entry))) = old
        && old.entry(node, entry).header.versions.method == DEFLATED
        && let Some(base) = take_apart(old.packed(node, entry), max_bytes)
    {
        consider(Likeness::OldEntry, base);
    }
    for level in LEVELS {
        let packed = deflater.pack(plain, level, &Deadline::none()).ok()?;
        if let Some(base) = take_apart(&packed, max_bytes) {
            consider(Likeness::Level(level), base);
        }
    }
    let (cost, likeness, base) = best?;
    let old_plain = old.map(|(old, (node, entry))| old.plain(node, entry));
    let plain_cost = packed_bytes(plain, old_plain.as_deref().unwrap_or_default());
    (cost + plain_cost < packed.len()).then_some((likeness, Structure { bytes, base }))
}

fn packed_bytes(raw: &[u8], prefix: &[u8]) -> usize {
    payload::pack(raw, prefix, TRIAL_LEVEL).map_or(raw.len(), |packed| packed.len())
}
