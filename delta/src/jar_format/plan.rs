//! How a new container is put together from an old one: a status for each entry, and what of its
//! headers cannot be predicted.

pub(super) mod make;
mod names;
mod structure;

use super::container::Header;
use super::deflate::Replay;
use super::tree::NodeId;

/// A container to be rebuilt.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) entries: Vec<Planned>,
    /// What lies between the last entry and the central directory; a signing block, for instance.
    pub(super) gap: Vec<u8>,
    /// The order of the central directory, where it is not that of the entries.
    pub(super) order: Option<Vec<usize>>,
    /// All that follows the central directory, where it is not one plain end record.
    pub(super) end: Option<Vec<u8>>,
    pub(super) shift: usize,
}

/// An entry to be rebuilt.
#[derive(Debug)]
pub(super) struct Planned {
    /// CRC-32 and sizes count only where `crc32_given` and `size_given` say so.
    pub(super) header: Header,
    /// The old entry in the old container.
    pub(super) reference: Option<usize>,
    pub(super) content: Content,
    /// What lies before the local header.
    pub(super) gap: Vec<u8>,
    /// The local header, where it is not the predicted one.
    pub(super) local: Option<Vec<u8>>,
    /// The central header, where it is not the predicted one.
    pub(super) central: Option<Vec<u8>>,
    pub(super) crc32_given: bool,
    pub(super) size_given: bool,
}

/// Where an entry's bytes come from.
#[derive(Debug)]
pub(super) enum Content {
    /// The old entry's packed bytes.
    Copied,
    /// The old entry's content, deflated in another way.
    Same(Replay),
    /// What the content streams say.
    Changed(Replay),
    /// A container of its own, with the old node that it is compared with.
    Nested(Replay, Box<Plan>, Option<NodeId>),
}

impl Content {
    pub(super) const COPIED: u8 = 0;
    pub(super) const SAME: u8 = 1;
    pub(super) const CHANGED: u8 = 2;
    pub(super) const NESTED: u8 = 3;

    pub(super) fn status(&self) -> u8 {
        match self {
            Content::Copied => Content::COPIED,
            Content::Same(_) => Content::SAME,
            Content::Changed(_) => Content::CHANGED,
            Content::Nested(..) => Content::NESTED,
        }
    }
}
