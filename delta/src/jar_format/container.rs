//! A ZIP file with every byte accounted for.
//!
//! Headers are kept as fields, and the bytes that a plain writer would make of those fields are the
//! prediction: what a file has instead of them is carried verbatim. `None` means that the file is
//! not modelled (truncated, overlapping, junk at its end), and needs a delta of another format.

mod parse;
mod write;

use std::ops::Range;

pub(super) use write::{central_header, descriptor, end_record, local_header};

/// The fields of one entry, from the central directory, and where its parts lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) header: Header,
    /// The deflated or stored bytes.
    pub(super) packed: Range<usize>,
    /// Where the local header begins.
    pub(super) start: usize,
    /// The entry's record in the central directory.
    pub(super) central: Range<usize>,
    /// Its place in the central directory.
    pub(super) directory_index: usize,
}

/// What headers say of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) versions: Versions,
    /// Time and date as MS-DOS has them.
    pub(super) time: u32,
    pub(super) crc32: u32,
    pub(super) packed_bytes: u64,
    pub(super) plain_bytes: u64,
    pub(super) local_extra: Vec<u8>,
    pub(super) central_extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) attributes: Attributes,
    pub(super) descriptor: Descriptor,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) made_by: u16,
    pub(super) needed: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) disk: u16,
    pub(super) internal: u16,
    pub(super) external: u32,
}

/// What follows an entry's bytes and repeats its CRC-32 and sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Descriptor {
    #[default]
    None,
    Signed,
    Unsigned,
    SignedZip64,
    UnsignedZip64,
}

impl Descriptor {
    pub(super) const ALL: [Descriptor; 5] = [
        Descriptor::None,
        Descriptor::Signed,
        Descriptor::Unsigned,
        Descriptor::SignedZip64,
        Descriptor::UnsignedZip64,
    ];

    /// What the flag for descriptors lets expect.
    pub(super) fn usual(flags: u16) -> Descriptor {
        match flags & 8 {
            0 => Descriptor::None,
            _ => Descriptor::Signed,
        }
    }
}

/// The method number of deflate.
pub(super) const DEFLATED: u16 = 8;

/// A parsed file. Entries stand in the order of their local headers.
#[derive(Debug, Default, Clone)]
pub(super) struct Container {
    pub(super) entries: Vec<Entry>,
    /// Where the central directory begins and ends.
    pub(super) directory: Range<usize>,
    /// What to add to a stated offset: the length of a prefix that offsets leave out.
    pub(super) shift: usize,
}

impl Container {
    /// Reads a file's structure.
    pub(super) fn parse(bytes: &[u8]) -> Option<Container> {
        parse::parse(bytes)
    }
}
