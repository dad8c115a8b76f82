//! From a class to streams.

use super::recent::Memory;
use super::walk::{self, pool_uses};
use super::{Passage, Use};
use crate::jar_format::class::{
    ClassFile, DYNAMIC, INVOKE_DYNAMIC, METHOD_HANDLE, UTF8, reference_places, u16_at,
};
use crate::jar_format::streams::{Stream, StreamWriter};

/// Writes a class down; `None` if it does not follow the rules, and then `out` is of no use.
pub(crate) fn write(class: &[u8], out: &mut StreamWriter) -> Option<()> {
    let class = ClassFile::parse(class)?;
    let tags: Vec<u8> = class
        .constants
        .iter()
        .map(|constant| constant.tag)
        .collect();
    let mut writing = Writing {
        position: 0,
        memory: Memory::new(&tags),
        class: &class,
        out,
    };
    walk::head(&mut writing)?;
    writing.pool()?;
    walk::body(&mut writing)?;
    (writing.position == class.bytes.len()).then_some(())
}

struct Writing<'a> {
    class: &'a ClassFile<'a>,
    position: usize,
    memory: Memory,
    out: &'a mut StreamWriter,
}

impl Writing<'_> {
    /// The tags and a 0, then constant by constant what is in it.
    fn pool(&mut self) -> Option<()> {
        let constants = || {
            self.class
                .constants
                .iter()
                .filter(|constant| constant.tag != 0)
        };
        for constant in constants() {
            self.out.byte(Stream::FreshTags, constant.tag);
        }
        self.out.byte(Stream::FreshTags, 0);
        for constant in constants() {
            let bytes = &self.class.bytes[constant.start..constant.end];
            match constant.tag {
                UTF8 => {
                    let text = &bytes[3..];
                    // Class files write it in two bytes.
                    if text.contains(&0) {
                        return None;
                    }
                    self.out.bytes(Stream::Payload, text);
                    self.out.byte(Stream::Payload, 0);
                }
                METHOD_HANDLE => self.out.byte(Stream::FreshNumbers, bytes[1]),
                DYNAMIC | INVOKE_DYNAMIC => self.out.bytes(Stream::FreshNumbers, &bytes[1..3]),
                tag if reference_places(tag).is_empty() => {
                    self.out.bytes(Stream::FreshNumbers, &bytes[1..])
                }
                _ => {}
            }
            let places = reference_places(constant.tag).iter();
            for (&place, &of) in places.zip(pool_uses(constant.tag)) {
                self.memory.write(of, u16_at(bytes, place)?, self.out)?;
            }
        }
        self.memory.end_pool();
        self.position = self.class.pool_end;
        Some(())
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let end = self.position.checked_add(count)?;
        let taken = self.class.bytes.get(self.position..end)?;
        self.position = end;
        Some(taken)
    }
}

impl Passage for Writing<'_> {
    fn byte(&mut self, stream: Stream) -> Option<u8> {
        let byte = self.take(1)?[0];
        self.out.byte(stream, byte);
        Some(byte)
    }

    fn constant(&mut self, of: Use, bytes: usize) -> Option<u16> {
        let number = self.take(bytes)?.iter();
        let number = number.fold(0, |number, &byte| number << 8 | u16::from(byte));
        self.memory.write(of, number, self.out)?;
        Some(number)
    }

    fn difference(&mut self, stream: Stream, before: u16) -> Option<u16> {
        let value = u16_at(self.take(2)?, 0)?;
        self.out
            .signed(stream, i64::from(value) - i64::from(before));
        Some(value)
    }

    fn bytes(&mut self, stream: Stream, count: usize) -> Option<()> {
        let end = self.position.checked_add(count)?;
        self.out
            .bytes(stream, self.class.bytes.get(self.position..end)?);
        self.position = end;
        Some(())
    }

    fn position(&self) -> usize {
        self.position
    }

    fn text(&self, number: u16) -> Option<&[u8]> {
        let constant = self.class.constants.get(usize::from(number))?;
        (constant.tag == UTF8).then(|| &self.class.bytes[constant.start + 3..constant.end])
    }
}
