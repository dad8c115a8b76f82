//! From a deflate stream to its structure.

use super::bits::BitReader;
use super::code::{
    Code, END_OF_BLOCK, FIRST_LENGTH, LENGTHS_ORDER, repeat, take_distance, take_length,
};
use super::{DYNAMIC, FINAL, FIXED, ONLY_LITERALS, STORED};
use crate::jar_format::streams::put_number;

/// The structure of a raw deflate stream; `None` if it is none, has bits that say nothing and are
/// not 0, or has a structure of more than `max_bytes`.
pub(crate) fn take_apart(packed: &[u8], max_bytes: usize) -> Option<Vec<u8>> {
    let mut parser = Parser {
        bits: BitReader::new(packed),
        blocks: Vec::new(),
        records: Vec::new(),
        literals: 0,
        max_bytes,
    };
    while !parser.block()? {}
    parser.bits.align()?;
    if !parser.bits.is_at_end() {
        return None;
    }
    if parser.literals > 0 {
        parser.records.push(parser.literals);
    }
    let mut structure = Vec::with_capacity(parser.blocks.len() + parser.records.len() + 10);
    put_number(&mut structure, parser.blocks.len() as u64);
    structure.extend_from_slice(&parser.blocks);
    structure.extend_from_slice(&parser.records);
    (structure.len() <= max_bytes).then_some(structure)
}

struct Parser<'a> {
    bits: BitReader<'a>,
    blocks: Vec<u8>,
    records: Vec<u8>,
    /// Literals since the last record.
    literals: u8,
    max_bytes: usize,
}

impl Parser<'_> {
    /// Whether the block was the last one.
    fn block(&mut self) -> Option<bool> {
        let is_last = self.bits.take(1)? != 0;
        let kind = self.bits.take(2)? as u8;
        self.blocks.push(kind | if is_last { FINAL } else { 0 });
        match kind {
            STORED => self.stored()?,
            FIXED => {
                let (literals, distances) = Code::fixed();
                let tokens = self.tokens(&literals, &distances)?;
                put_number(&mut self.blocks, tokens);
            }
            DYNAMIC => {
                let mut header = Vec::new();
                let (literals, distances) = self.codes(&mut header)?;
                let tokens = self.tokens(&literals, &distances)?;
                put_number(&mut self.blocks, tokens);
                self.blocks.extend_from_slice(&header);
            }
            _ => return None,
        }
        (self.blocks.len() <= self.max_bytes).then_some(is_last)
    }

    fn stored(&mut self) -> Option<()> {
        self.bits.align()?;
        let length = self.bits.take(16)?;
        if self.bits.take(16)? != !length {
            return None;
        }
        put_number(&mut self.blocks, u64::from(length));
        self.bits.skip(usize::from(length))
    }

    /// Reads the codes of a dynamic block, and writes down how they were given.
    fn codes(&mut self, header: &mut Vec<u8>) -> Option<(Code, Code)> {
        let literals = self.bits.take(5)?;
        let distances = self.bits.take(5)?;
        let lengths = self.bits.take(4)?;
        header.extend_from_slice(&[literals as u8, distances as u8, lengths as u8]);
        let mut code_lengths = vec![0; LENGTHS_ORDER.len()];
        for &place in &LENGTHS_ORDER[..usize::from(lengths) + 4] {
            code_lengths[place] = self.bits.take(3)? as u8;
            header.push(code_lengths[place]);
        }
        let code = Code::new(code_lengths);
        let literals = usize::from(literals) + 257;
        let all = literals + usize::from(distances) + 1;
        let mut given = Vec::with_capacity(all);
        while given.len() < all {
            let symbol = code.take(&mut self.bits)? as u8;
            header.push(symbol);
            match repeat(symbol) {
                None => given.push(symbol),
                Some((extra_bits, at_least)) => {
                    let extra = self.bits.take(extra_bits)?;
                    header.push(extra as u8);
                    let length = match symbol {
                        16 => *given.last()?,
                        _ => 0,
                    };
                    given.resize(given.len() + at_least + usize::from(extra), length);
                }
            }
        }
        if given.len() > all {
            return None;
        }
        let distances = given.split_off(literals);
        Some((Code::new(given), Code::new(distances)))
    }

    /// Reads a block's tokens; how many they are.
    fn tokens(&mut self, literals: &Code, distances: &Code) -> Option<u64> {
        let mut count = 0;
        loop {
            let symbol = literals.take(&mut self.bits)?;
            match symbol {
                0..END_OF_BLOCK => {
                    self.literals += 1;
                    if self.literals == ONLY_LITERALS {
                        self.records.push(ONLY_LITERALS);
                        self.literals = 0;
                    }
                }
                END_OF_BLOCK => return Some(count),
                FIRST_LENGTH.. => {
                    let length = take_length(symbol, &mut self.bits)?;
                    let symbol = distances.take(&mut self.bits)?;
                    let [low, high] = take_distance(symbol, &mut self.bits)?.to_le_bytes();
                    let length = (length - 3) as u8;
                    self.records
                        .extend_from_slice(&[self.literals, length, low, high]);
                    self.literals = 0;
                }
            }
            count += 1;
            if self.records.len() > self.max_bytes {
                return None;
            }
        }
    }
}
