//! Huffman codes of a block, and the symbols of lengths and distances (RFC 1951, section 3.2).

use super::bits::{BitReader, BitWriter};

const MAX_BITS: usize = 15;

/// The first length symbol; those below are literals and, before it, the end of the block.
pub(super) const FIRST_LENGTH: u16 = 257;
pub(super) const END_OF_BLOCK: u16 = 256;

/// The order in which a dynamic block gives the lengths of its code length codes.
pub(super) const LENGTHS_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The base and the extra bits of each length symbol.
const LENGTHS: [(u16, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The symbol of a length of 3 to 258, its extra bits' value, and how many they are.
pub(super) fn length_symbol(length: u16) -> (u16, u16, u32) {
    let index = LENGTHS.partition_point(|&(base, _)| base <= length) - 1;
    let (base, extra_bits) = LENGTHS[index];
    (FIRST_LENGTH + index as u16, length - base, extra_bits)
}

/// The length that a symbol and the bits after it mean. `None` also for a symbol that deflate does
/// not have, and for 258 written in the way that no writer has.
pub(super) fn take_length(symbol: u16, bits: &mut BitReader<'_>) -> Option<u16> {
    let &(base, extra_bits) = LENGTHS.get(usize::from(symbol - FIRST_LENGTH))?;
    let length = base + bits.take(extra_bits)?;
    (length_symbol(length).0 == symbol).then_some(length)
}

/// Distances less one: symbols 0 and 1 are the value itself, then each pair has a bit more.
fn distance_base(symbol: u16) -> (u16, u32) {
    match symbol {
        0 | 1 => (symbol, 0),
        _ => {
            let extra_bits = u32::from(symbol) / 2 - 1;
            ((2 + symbol % 2) << extra_bits, extra_bits)
        }
    }
}

/// As [`length_symbol`], for a distance less one.
pub(super) fn distance_symbol(distance: u16) -> (u16, u16, u32) {
    let symbol = match distance {
        0 | 1 => distance,
        _ => {
            let highest = distance.ilog2();
            (2 * highest) as u16 + (distance >> (highest - 1) & 1)
        }
    };
    let (base, extra_bits) = distance_base(symbol);
    (symbol, distance - base, extra_bits)
}

/// As [`take_length`], for a distance less one.
pub(super) fn take_distance(symbol: u16, bits: &mut BitReader<'_>) -> Option<u16> {
    if symbol > 29 {
        return None;
    }
    let (base, extra_bits) = distance_base(symbol);
    Some(base + bits.take(extra_bits)?)
}

/// A canonical Huffman code, given by the length of each symbol's code; 0 is none.
#[derive(Debug)]
pub(super) struct Code {
    lengths: Vec<u8>,
    /// Each symbol's code, its first bit lowest.
    codes: Vec<u16>,
    /// How many codes have each length.
    counts: [u16; MAX_BITS + 1],
    /// Symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// Lengths are at most 15.
    pub(super) fn new(lengths: Vec<u8>) -> Code {
        let mut counts = [0; MAX_BITS + 1];
        for &length in &lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let (mut next, mut first) = ([0_u16; MAX_BITS + 2], [0_usize; MAX_BITS + 2]);
        for length in 1..=MAX_BITS {
            // Wraps where lengths make no code; then what is written is of no use to anybody.
            next[length + 1] = next[length].wrapping_add(counts[length]) << 1;
            first[length + 1] = first[length] + usize::from(counts[length]);
        }
        let mut codes = vec![0; lengths.len()];
        let mut symbols = vec![0; first[MAX_BITS + 1]];
        for (symbol, &length) in lengths.iter().enumerate() {
            if length > 0 {
                let length = usize::from(length);
                codes[symbol] = next[length].reverse_bits() >> (16 - length);
                next[length] = next[length].wrapping_add(1);
                symbols[first[length]] = symbol as u16;
                first[length] += 1;
            }
        }
        Code {
            lengths,
            codes,
            counts,
            symbols,
        }
    }

    /// The codes of a block of type 1.
    pub(super) fn fixed() -> (Code, Code) {
        let literals = (0..288).map(|symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        });
        (Code::new(literals.collect()), Code::new(vec![5; 30]))
    }

    pub(super) fn take(&self, bits: &mut BitReader<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0);
        for count in &self.counts[1..] {
            code |= u32::from(bits.take(1)?);
            let count = u32::from(*count);
            if code < first + count {
                return self.symbols.get(index + (code - first) as usize).copied();
            }
            index += count as usize;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }

    /// `None` if the symbol has no code.
    pub(super) fn put(&self, symbol: u16, bits: &mut BitWriter) -> Option<()> {
        let length = *self.lengths.get(usize::from(symbol))?;
        if length == 0 {
            return None;
        }
        bits.put(self.codes[usize::from(symbol)], u32::from(length));
        Some(())
    }
}

/// What the symbol of a code length stands for: how many extra bits it has, and of how many lengths
/// it tells at least. Symbols below 16 are a length each.
pub(super) fn repeat(symbol: u8) -> Option<(u32, usize)> {
    match symbol {
        16 => Some((2, 3)),
        17 => Some((3, 3)),
        18 => Some((7, 11)),
        _ => None,
    }
}
