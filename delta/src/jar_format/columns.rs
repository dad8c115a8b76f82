//! A plan as streams: what each entry's headers have beyond the prediction.
//!
//! An entry is predicted from the old one that it refers to, or else from the one before it. A
//! mask says which fields differ; only those follow.

mod read;
mod write;

pub(super) use read::read_plan;
pub(super) use write::write_plan;

/// The bits of an entry's mask.
mod mask {
    pub(super) const NAME: u64 = 1;
    pub(super) const VERSIONS: u64 = 1 << 1;
    pub(super) const TIME: u64 = 1 << 2;
    pub(super) const CENTRAL_EXTRA: u64 = 1 << 3;
    pub(super) const LOCAL_EXTRA: u64 = 1 << 4;
    pub(super) const COMMENT: u64 = 1 << 5;
    pub(super) const ATTRIBUTES: u64 = 1 << 6;
    pub(super) const GAP: u64 = 1 << 7;
    pub(super) const LOCAL: u64 = 1 << 8;
    pub(super) const CENTRAL: u64 = 1 << 9;
    pub(super) const CRC32: u64 = 1 << 10;
    pub(super) const SIZE: u64 = 1 << 11;
    pub(super) const DESCRIPTOR: u64 = 1 << 12;
}

/// What is carried over from entry to entry, nested ones included.
#[derive(Debug, Default)]
struct Running {
    time: u32,
    replay: u8,
}
