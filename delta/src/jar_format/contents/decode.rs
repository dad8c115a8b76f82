//! Reads contents back, in the order in which they were written.

use std::borrow::Cow;

use super::super::class::{ClassFile, assemble, decode_pool};
use super::super::damaged;
use super::super::payload::Payload;
use super::super::streams::{Stream, StreamReader};
use super::{CLASS_LANES, PLAIN_LANES, kind, operations};
use crate::Error;

pub(crate) struct Decoder<'a> {
    pub(crate) streams: StreamReader,
    pub(crate) payload: Payload<'a>,
    /// No content is larger than this.
    max_bytes: usize,
    classes: operations::Reader,
    plain: operations::Reader,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(
        streams: StreamReader,
        payload: Payload<'a>,
        max_bytes: usize,
    ) -> Decoder<'a> {
        Decoder {
            streams,
            payload,
            max_bytes,
            classes: operations::Reader::new(CLASS_LANES),
            plain: operations::Reader::new(PLAIN_LANES),
        }
    }

    /// The next content; `old` gives the old one, if it is needed.
    pub(crate) fn content<'o>(
        &mut self,
        old: impl FnOnce() -> Result<Cow<'o, [u8]>, Error>,
    ) -> Result<Vec<u8>, Error> {
        match self.streams.byte(Stream::Kinds)? {
            kind::PAYLOAD => {
                let length = self.streams.length(Stream::Lengths)?;
                if length > self.max_bytes {
                    return Err(damaged("a content is larger than the patch states"));
                }
                let mut content = Vec::with_capacity(length);
                self.payload.take(length, &mut content)?;
                Ok(content)
            }
            kind::PLAIN => self.plain.apply(&old()?, self.max_bytes, &mut self.streams),
            kind::CLASS => self.class(&old()?),
            _ => Err(damaged("a content is written down in an unknown way")),
        }
    }

    fn class(&mut self, old: &[u8]) -> Result<Vec<u8>, Error> {
        let old = ClassFile::parse(old).ok_or_else(|| damaged("the old content is no class"))?;
        let payload = &mut self.payload;
        let mut text = |count: usize, out: &mut Vec<u8>| payload.take(count, out);
        let (pool, edit) = decode_pool(&old, &mut self.streams, &mut text, self.max_bytes)?;
        let body = old.renumbered_body(&edit.numbers);
        let room = self.max_bytes - pool.len();
        let body = self.classes.apply(&body, room, &mut self.streams)?;
        assemble(&pool, &body)
    }
}
