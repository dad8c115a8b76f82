//! From a content and a structure to the deflate stream.

use super::bits::BitWriter;
use super::code::{Code, END_OF_BLOCK, LENGTHS_ORDER, distance_symbol, length_symbol, repeat};
use super::{DYNAMIC, FINAL, FIXED, ONLY_LITERALS, STORED};
use crate::Error;
use crate::jar_format::damaged;
use crate::jar_format::streams::take_number;

/// The deflate stream of `plain` with the choices that `structure` tells.
pub(crate) fn put_together(plain: &[u8], structure: &[u8]) -> Result<Vec<u8>, Error> {
    make(plain, structure).ok_or_else(|| damaged("an entry's structure does not fit its content"))
}

fn make(plain: &[u8], structure: &[u8]) -> Option<Vec<u8>> {
    let mut rest = structure;
    let blocks_bytes = usize::try_from(take_number(&mut rest).ok()?).ok()?;
    let (mut blocks, records) = rest.split_at_checked(blocks_bytes)?;
    let mut maker = Maker {
        bits: BitWriter::default(),
        plain,
        records,
        literals: 0,
        reference: None,
    };
    loop {
        let is_last = maker.block(&mut blocks)?;
        match (is_last, blocks.is_empty()) {
            (true, true) => break,
            (false, false) => {}
            _ => return None,
        }
    }
    let is_used_up = maker.plain.is_empty()
        && maker.records.is_empty()
        && maker.literals == 0
        && maker.reference.is_none();
    is_used_up.then(|| maker.bits.finish())
}

struct Maker<'a> {
    bits: BitWriter,
    /// What is not packed yet.
    plain: &'a [u8],
    records: &'a [u8],
    /// Of the record that is being used.
    literals: u8,
    /// The same: a length, and a distance less one.
    reference: Option<(u16, u16)>,
}

impl<'a> Maker<'a> {
    /// Whether the block was the last one.
    fn block(&mut self, blocks: &mut &'a [u8]) -> Option<bool> {
        let kind = take_byte(blocks)?;
        let is_last = kind & FINAL != 0;
        let kind = kind & !FINAL;
        self.bits.put(u16::from(is_last), 1);
        self.bits.put(u16::from(kind), 2);
        let count = take_number(blocks).ok()?;
        match kind {
            STORED => self.stored(count)?,
            FIXED => {
                let (literals, distances) = Code::fixed();
                self.tokens(count, &literals, &distances)?;
            }
            DYNAMIC => {
                let (literals, distances) = self.codes(blocks)?;
                self.tokens(count, &literals, &distances)?;
            }
            _ => return None,
        }
        Some(is_last)
    }

    fn stored(&mut self, length: u64) -> Option<()> {
        let length = u16::try_from(length).ok()?;
        let content = self.take_plain(usize::from(length))?;
        self.bits.align();
        self.bits.put_bytes(&length.to_le_bytes());
        self.bits.put_bytes(&(!length).to_le_bytes());
        self.bits.put_bytes(content);
        Some(())
    }

    /// Gives the codes of a dynamic block as they were given.
    fn codes(&mut self, blocks: &mut &'a [u8]) -> Option<(Code, Code)> {
        let mut given_number = |bits: u32| {
            let value = take_byte(blocks).filter(|&value| u32::from(value) < 1 << bits)?;
            self.bits.put(u16::from(value), bits);
            Some(value)
        };
        let literals = usize::from(given_number(5)?) + 257;
        let all = literals + usize::from(given_number(5)?) + 1;
        let lengths = usize::from(given_number(4)?) + 4;
        let mut code_lengths = vec![0; LENGTHS_ORDER.len()];
        for &place in &LENGTHS_ORDER[..lengths] {
            code_lengths[place] = given_number(3)?;
        }
        let code = Code::new(code_lengths);
        let mut given = Vec::with_capacity(all);
        while given.len() < all {
            let symbol = take_byte(blocks)?;
            code.put(u16::from(symbol), &mut self.bits)?;
            match repeat(symbol) {
                None => given.push(symbol),
                Some((extra_bits, at_least)) => {
                    let extra =
                        take_byte(blocks).filter(|&extra| u32::from(extra) < 1 << extra_bits)?;
                    self.bits.put(u16::from(extra), extra_bits);
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

    fn tokens(&mut self, count: u64, literals: &Code, distances: &Code) -> Option<()> {
        for _ in 0..count {
            if self.literals == 0 && self.reference.is_none() {
                self.record()?;
            }
            if self.literals > 0 {
                self.literals -= 1;
                let literal = self.take_plain(1)?[0];
                literals.put(u16::from(literal), &mut self.bits)?;
                continue;
            }
            let (length, distance) = self.reference.take()?;
            self.take_plain(usize::from(length))?;
            let (symbol, extra, extra_bits) = length_symbol(length);
            literals.put(symbol, &mut self.bits)?;
            self.bits.put(extra, extra_bits);
            let (symbol, extra, extra_bits) = distance_symbol(distance);
            distances.put(symbol, &mut self.bits)?;
            self.bits.put(extra, extra_bits);
        }
        literals.put(END_OF_BLOCK, &mut self.bits)
    }

    /// Takes the next record: literals, and the reference after them if there is one.
    fn record(&mut self) -> Option<()> {
        self.literals = take_byte(&mut self.records)?;
        if self.literals == ONLY_LITERALS || self.records.is_empty() {
            return Some(());
        }
        let (&[length, low, high], rest) = self.records.split_first_chunk()?;
        self.records = rest;
        let distance = u16::from_le_bytes([low, high]);
        // Deflate has no larger distances; their symbols would be others.
        if distance > 0x7FFF {
            return None;
        }
        self.reference = Some((u16::from(length) + 3, distance));
        Some(())
    }

    fn take_plain(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.plain.split_at_checked(count)?;
        self.plain = rest;
        Some(taken)
    }
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(byte)
}
