//! Reads contents back, in the order in which they were written.

use std::borrow::Cow;

use super::super::class::{ClassFile, assemble, decode_pool, fresh};
use super::super::damaged;
use super::super::payload::Payload;
use super::super::streams::{Stream, StreamReader};
use super::{CLASS_LANES, Lanes, PLAIN_LANES, TEXT_LANES, kind, operations};
use crate::Error;

pub(crate) struct Decoder<'a> {
    pub(crate) streams: StreamReader,
    pub(crate) payload: Payload<'a>,
    /// No content is larger than this.
    max_bytes: usize,
    classes: operations::Reader,
    plain: operations::Reader,
    texts: operations::Reader,
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
            texts: operations::Reader::new(TEXT_LANES),
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
            kind::PLAIN => self.plain.apply(
                &old()?,
                self.max_bytes,
                &mut self.streams,
                inserted(PLAIN_LANES),
            ),
            kind::CLASS => self.class(&old()?),
            kind::FRESH => fresh::read(&mut self.streams, &mut self.payload, self.max_bytes),
            _ => Err(damaged("a content is written down in an unknown way")),
        }
    }

    fn class(&mut self, old: &[u8]) -> Result<Vec<u8>, Error> {
        let old = ClassFile::parse(old).ok_or_else(|| damaged("the old content is no class"))?;
        let (payload, reader) = (&mut self.payload, &mut self.texts);
        let mut texts = |streams: &mut StreamReader, gone: &[u8], total: usize| {
            let mut texts = Vec::new();
            if !gone.is_empty() && total > 0 {
                texts = reader.apply(gone, total, streams, |_, count, out| {
                    payload.take(count, out)
                })?;
            }
            // Without operations all is in the payload.
            if texts.is_empty() {
                payload.take(total, &mut texts)?;
            }
            Ok(texts)
        };
        let (pool, edit) = decode_pool(&old, &mut self.streams, &mut texts, self.max_bytes)?;
        let body = old.renumbered_body(&edit.numbers);
        let room = self.max_bytes.saturating_sub(pool.len());
        let body = self
            .classes
            .apply(&body, room, &mut self.streams, inserted(CLASS_LANES))?;
        assemble(&pool, &body)
    }
}

/// Inserted bytes from the lanes' own stream.
fn inserted(
    lanes: Lanes,
) -> impl FnMut(&mut StreamReader, usize, &mut Vec<u8>) -> Result<(), Error> {
    move |streams, count, out| {
        out.extend_from_slice(streams.bytes(lanes.inserted, count)?);
        Ok(())
    }
}
