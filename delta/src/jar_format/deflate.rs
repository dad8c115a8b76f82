//! Undoes deflate, and does it again to the same bytes.
//!
//! Stock zlib with memory level 8 and the default strategy, as `java.util.zip` uses it: the level
//! alone decides the bytes. Other writers' streams do not come back and are carried as they are.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::damaged;
use crate::Error;
use crate::deadline::Deadline;

/// How an entry's content becomes its packed bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Replay {
    /// The content is the packed bytes: stored, or deflated by an unknown writer.
    #[default]
    Verbatim,
    /// Stock zlib at this level.
    Level(u8),
    /// Another writer, whose choices are sent as a content of their own after the entry's, see
    /// [`super::tokens`].
    Structure(Likeness),
}

/// Whose choices a writer's are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Those that made the old entry's packed bytes.
    OldEntry,
    /// Those of stock zlib at this level for the same content.
    Level(u8),
}

impl Replay {
    /// The number in a patch: a zlib level, 10 or 10 and a level for a structure, 255 for neither.
    pub(super) fn code(self) -> u8 {
        match self {
            Replay::Verbatim => 255,
            Replay::Level(level) => level,
            Replay::Structure(Likeness::OldEntry) => 10,
            Replay::Structure(Likeness::Level(level)) => 10 + level,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Replay> {
        match code {
            1..=9 => Some(Replay::Level(code)),
            10 => Some(Replay::Structure(Likeness::OldEntry)),
            11..=19 => Some(Replay::Structure(Likeness::Level(code - 10))),
            255 => Some(Replay::Verbatim),
            _ => None,
        }
    }
}

/// zlib's state, kept from entry to entry: setting it up costs more than a small class.
#[derive(Debug, Default)]
pub(super) struct Deflater {
    levels: [Option<Compress>; 10],
}

/// Half a second of zlib's slowest work.
const PIECE_BYTES: usize = 256 << 10;

/// Levels by how often writers use them. At level 0 zlib's bytes depend on the caller's buffers.
const LIKELY_LEVELS: [u8; 9] = [6, 9, 1, 5, 7, 8, 4, 3, 2];

impl Deflater {
    /// Deflates `plain`, looking at the clock after each piece: what zlib makes does not depend on
    /// how its input is cut.
    pub(super) fn pack(
        &mut self,
        plain: &[u8],
        level: u8,
        deadline: &Deadline,
    ) -> Result<Vec<u8>, Error> {
        let state = self.state(level);
        // An upper bound (zlib's own is a little lower), so that one call does it.
        let mut packed = Vec::with_capacity(plain.len() + plain.len() / 1000 * 4 + 64);
        loop {
            deadline.check()?;
            let rest = &plain[state.total_in() as usize..];
            let (piece, flush) = match rest.len() <= PIECE_BYTES {
                true => (rest, FlushCompress::Finish),
                false => (&rest[..PIECE_BYTES], FlushCompress::None),
            };
            match state.compress_vec(piece, &mut packed, flush) {
                Ok(Status::StreamEnd) => return Ok(packed),
                Ok(Status::Ok | Status::BufError) if packed.len() < packed.capacity() => {}
                Ok(Status::Ok | Status::BufError) => packed.reserve(4096 + plain.len() / 8),
                Err(_) => return Err(damaged("zlib failed")),
            }
        }
    }

    /// The level that makes `packed` of `plain`; `guess` is tried first.
    pub(super) fn find(&mut self, plain: &[u8], packed: &[u8], guess: Replay) -> Replay {
        let guessed = match guess {
            Replay::Level(level) => Some(level),
            Replay::Verbatim | Replay::Structure(_) => None,
        };
        let others = LIKELY_LEVELS
            .into_iter()
            .filter(|&level| Some(level) != guessed);
        match guessed
            .into_iter()
            .chain(others)
            .find(|&level| self.makes(plain, packed, level))
        {
            Some(level) => Replay::Level(level),
            None => Replay::Verbatim,
        }
    }

    /// Whether `level` makes `packed`; stops at the first difference.
    fn makes(&mut self, plain: &[u8], packed: &[u8], level: u8) -> bool {
        let state = self.state(level);
        let mut buffer = [0; 8192];
        let mut rest = packed;
        loop {
            let (read, written) = (state.total_in(), state.total_out());
            let Ok(status) =
                state.compress(&plain[read as usize..], &mut buffer, FlushCompress::Finish)
            else {
                return false;
            };
            let count = (state.total_out() - written) as usize;
            let Some(left) = rest.strip_prefix(&buffer[..count]) else {
                return false;
            };
            rest = left;
            match status {
                Status::StreamEnd => return rest.is_empty(),
                Status::Ok | Status::BufError if count == 0 => return false,
                Status::Ok | Status::BufError => {}
            }
        }
    }

    fn state(&mut self, level: u8) -> &mut Compress {
        let slot = &mut self.levels[usize::from(level.min(9))];
        let state = slot
            .get_or_insert_with(|| Compress::new(Compression::new(u32::from(level.min(9))), false));
        state.reset();
        state
    }
}

/// Inflates `packed` if it holds exactly `plain_bytes` bytes and nothing follows them.
pub(super) fn inflate(packed: &[u8], plain_bytes: usize) -> Option<Vec<u8>> {
    // Deflate cannot do better than 1032 : 1, so a lie about the size costs nothing.
    if plain_bytes / 1032 > packed.len() {
        return None;
    }
    // One byte more than stated shows content that is longer than stated.
    let mut plain = Vec::with_capacity(plain_bytes + 1);
    let mut state = Decompress::new(false);
    let status = state
        .decompress_vec(packed, &mut plain, FlushDecompress::Finish)
        .ok()?;
    let whole = status == Status::StreamEnd
        && state.total_in() == packed.len() as u64
        && plain.len() == plain_bytes;
    whole.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_that_packed_is_found_again() {
        let plain: Vec<u8> = (0..60_000_u32)
            .flat_map(|n| (n * n / 7).to_le_bytes())
            .collect();
        let mut deflater = Deflater::default();
        for level in [1, 4, 6, 9] {
            let packed = deflater.pack(&plain, level, &Deadline::none()).unwrap();
            assert_eq!(inflate(&packed, plain.len()).unwrap(), plain);
            let found = deflater.find(&plain, &packed, Replay::Level(6));
            let Replay::Level(found) = found else {
                panic!("level {level} is not found")
            };
            assert_eq!(
                deflater.pack(&plain, found, &Deadline::none()).unwrap(),
                packed
            );
        }
    }

    #[test]
    fn what_zlib_did_not_pack_is_verbatim() {
        let mut deflater = Deflater::default();
        let plain = b"some text, some text, some text".repeat(9);
        let mut packed = deflater.pack(&plain, 6, &Deadline::none()).unwrap();
        assert_eq!(inflate(&packed, plain.len() - 1), None);
        assert_eq!(inflate(&packed, plain.len() + 1), None);
        packed.push(0);
        assert_eq!(inflate(&packed, plain.len()), None);
        assert_eq!(
            deflater.find(&plain, &packed, Replay::Verbatim),
            Replay::Verbatim
        );
    }
}
