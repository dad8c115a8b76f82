//! Deflate streams of other writers than zlib: what a writer chose, apart from what it packed.
//!
//! A deflate stream is its content, and choices: which stretches refer back, where blocks end,
//! which codes they have. [`take_apart`] gives the choices as bytes, the *structure*, in which equal
//! choices look equal wherever they stand, so that two structures can be compared as any contents
//! are. [`put_together`] makes the stream again of content and structure.
//!
//! Writers such as 7-Zip, libdeflate and zlib-ng choose much the same for an entry's next version,
//! or much the same as zlib does. Nothing here depends on how a writer works, time and memory grow
//! with the lengths alone, and `docs/delta-format.md` has it in full.

mod bits;
mod code;
mod make;
mod parse;

pub(super) use make::put_together;
pub(super) use parse::take_apart;

/// Block types of RFC 1951, section 3.2.3, as the lowest two bits of a block's byte.
const STORED: u8 = 0;
const FIXED: u8 = 1;
const DYNAMIC: u8 = 2;
/// Set in the byte of the last block.
const FINAL: u8 = 4;

/// So many literals in a record say that no reference follows them.
const ONLY_LITERALS: u8 = 255;

#[cfg(test)]
mod tests;
