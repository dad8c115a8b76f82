//! From streams to a class.

use std::ops::Range;

use super::recent::Memory;
use super::walk::{self, pool_uses};
use super::{Passage, Use};
use crate::Error;
use crate::jar_format::class::{
    DYNAMIC, INVOKE_DYNAMIC, METHOD_HANDLE, UTF8, is_wide, reference_places,
};
use crate::jar_format::damaged;
use crate::jar_format::payload::Payload;
use crate::jar_format::streams::{Stream, StreamReader};

/// Undoes [`super::write`]: a class of at most `max_bytes`.
pub(crate) fn read(
    streams: &mut StreamReader,
    payload: &mut Payload<'_>,
    max_bytes: usize,
) -> Result<Vec<u8>, Error> {
    let tags = take_tags(streams)?;
    let mut reading = Reading {
        streams,
        max_bytes,
        class: Vec::new(),
        memory: Memory::new(&tags),
        texts: vec![0..0; tags.len()],
    };
    let whole = walk::head(&mut reading).and_then(|()| {
        reading.pool(&tags, payload)?;
        walk::body(&mut reading)
    });
    match whole {
        Some(()) => Ok(reading.class),
        None => Err(damaged("a new class cannot be put together")),
    }
}

/// The tag of each number, 0 where there is no constant.
fn take_tags(streams: &mut StreamReader) -> Result<Vec<u8>, Error> {
    let mut tags = vec![0];
    loop {
        let tag = streams.byte(Stream::FreshTags)?;
        if tag == 0 {
            return Ok(tags);
        }
        tags.push(tag);
        if is_wide(tag) {
            tags.push(0);
        }
        if tags.len() > usize::from(u16::MAX) {
            return Err(damaged("a constant pool has too many constants"));
        }
    }
}

struct Reading<'a> {
    streams: &'a mut StreamReader,
    max_bytes: usize,
    class: Vec<u8>,
    memory: Memory,
    /// Where the text of each constant is, if it is one.
    texts: Vec<Range<usize>>,
}

impl Reading<'_> {
    fn pool(&mut self, tags: &[u8], payload: &mut Payload<'_>) -> Option<()> {
        self.put(&(tags.len() as u16).to_be_bytes())?;
        for (number, &tag) in tags.iter().enumerate().filter(|(_, tag)| **tag != 0) {
            self.put(&[tag])?;
            match tag {
                UTF8 => {
                    let start = self.class.len() + 2;
                    self.put(&[0, 0])?;
                    let room = self.max_bytes.checked_sub(start)?;
                    let most = room.min(usize::from(u16::MAX));
                    payload.take_text(most, &mut self.class).ok()?;
                    let length = (self.class.len() - start) as u16;
                    self.class[start - 2..start].copy_from_slice(&length.to_be_bytes());
                    self.texts[number] = start..self.class.len();
                }
                3 | 4 => self.bytes(Stream::FreshNumbers, 4)?,
                5 | 6 => self.bytes(Stream::FreshNumbers, 8)?,
                METHOD_HANDLE => self.bytes(Stream::FreshNumbers, 1)?,
                DYNAMIC | INVOKE_DYNAMIC => self.bytes(Stream::FreshNumbers, 2)?,
                tag if reference_places(tag).is_empty() => return None,
                _ => {}
            }
            for &of in pool_uses(tag) {
                self.constant(of, 2)?;
            }
        }
        self.memory.end_pool();
        Some(())
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.len() > self.max_bytes - self.class.len() {
            return None;
        }
        self.class.extend_from_slice(bytes);
        Some(())
    }
}

impl Passage for Reading<'_> {
    fn byte(&mut self, stream: Stream) -> Option<u8> {
        let byte = self.streams.byte(stream).ok()?;
        self.put(&[byte])?;
        Some(byte)
    }

    fn constant(&mut self, of: Use, bytes: usize) -> Option<u16> {
        let number = self.memory.read(of, self.streams)?;
        match bytes {
            1 => self.put(&[u8::try_from(number).ok()?])?,
            _ => self.put(&number.to_be_bytes())?,
        }
        Some(number)
    }

    fn difference(&mut self, stream: Stream, before: u16) -> Option<u16> {
        let difference = self.streams.signed(stream).ok()?;
        let value = u16::try_from(i64::from(before).checked_add(difference)?).ok()?;
        self.put(&value.to_be_bytes())?;
        Some(value)
    }

    fn bytes(&mut self, stream: Stream, count: usize) -> Option<()> {
        if count > self.max_bytes - self.class.len() {
            return None;
        }
        let bytes = self.streams.bytes(stream, count).ok()?;
        self.class.extend_from_slice(bytes);
        Some(())
    }

    fn position(&self) -> usize {
        self.class.len()
    }

    fn text(&self, number: u16) -> Option<&[u8]> {
        let range = self.texts.get(usize::from(number))?;
        Some(&self.class[range.clone()])
    }
}
