//! From an entry's content to its packed bytes: the part of applying that takes time, and can be done
//! for several entries side by side.

use super::super::deflate::{Deflater, Replay};
use super::super::plan::make::crc32;
use super::super::tokens::put_together;
use crate::Error;
use crate::deadline::Deadline;

/// An entry's bytes, on their way from content to packed.
pub(super) enum Body {
    /// The old entry's packed bytes, by its index.
    Copied(usize),
    Plain(Vec<u8>, Replay),
    /// A content, and the structure of its packed bytes.
    Structured(Vec<u8>, Vec<u8>),
}

impl Body {
    /// The memory that it holds until it is packed.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Body::Copied(_) => 0,
            Body::Plain(plain, _) => plain.len(),
            Body::Structured(plain, structure) => plain.len() + structure.len(),
        }
    }
}

pub(super) struct Packed {
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) crc32: u32,
    pub(super) plain_bytes: u64,
}

pub(super) fn pack(
    body: &Body,
    deflater: &mut Deflater,
    deadline: &Deadline,
) -> Result<Packed, Error> {
    match body {
        Body::Copied(_) => Ok(Packed {
            bytes: None,
            crc32: 0,
            plain_bytes: 0,
        }),
        Body::Plain(plain, replay) => Ok(Packed {
            bytes: match replay {
                Replay::Level(level) => Some(deflater.pack(plain, *level, deadline)?),
                Replay::Verbatim | Replay::Structure(_) => None,
            },
            crc32: crc32(plain),
            plain_bytes: plain.len() as u64,
        }),
        Body::Structured(plain, structure) => Ok(Packed {
            bytes: Some(put_together(plain, structure, deadline)?),
            crc32: crc32(plain),
            plain_bytes: plain.len() as u64,
        }),
    }
}
