//! Puts containers together: contents are read in order, deflated side by side, written in order.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

use super::super::container::{self, Header};
use super::super::contents::Decoder;
use super::super::damaged;
use super::super::deflate::{Deflater, Likeness, Replay};
use super::super::header::PatchHeader;
use super::super::image::Image;

use super::super::plan::{Content, Plan, Planned};
use super::super::tokens::take_apart;
use super::super::tree::{NodeId, Tree};
use super::packing::{Body, Packed, pack};
use super::sink::Sink;
use crate::Error;
use crate::deadline::Deadline;
use crate::parallel;

/// Rebuilds the whole file into `out`.
pub(crate) fn rebuild(
    plan: &Plan,
    old: Option<&Tree<'_>>,
    image: &Image,
    decoder: Decoder<'_>,
    header: &PatchHeader,
    deadline: &Deadline,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut rebuilder = Rebuilder {
        old,
        image,
        decoder,
        deflaters: [Deflater::default(), Deflater::default()],
        deadline,
        plain_bytes_left: header.plain_bytes,
        largest_bytes: header.largest_bytes,
    };
    let mut sink = Sink {
        out,
        written: 0,
        limit: header.result_bytes,
    };
    rebuilder.container(plan, old.map(|_| 0), &mut sink)?;
    if sink.written != header.result_bytes {
        return Err(damaged("the result has another length than is stated"));
    }
    rebuilder.decoder.streams.finish()?;
    rebuilder.decoder.payload.finish()
}

struct Rebuilder<'a> {
    old: Option<&'a Tree<'a>>,
    image: &'a Image,
    decoder: Decoder<'a>,
    deflaters: [Deflater; 2],
    deadline: &'a Deadline,
    plain_bytes_left: u64,
    largest_bytes: u64,
}

/// Entries are deflated together until they have this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// Below this, a second thread costs more than it saves.
const PARALLEL_BYTES: usize = 128 << 10;
/// Copied entries cost little, but are not piled up without end.
const BATCH_ENTRIES: usize = 512;

impl Rebuilder<'_> {
    fn container(
        &mut self,
        plan: &Plan,
        node: Option<NodeId>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut directory = Vec::new();
        let mut records: Vec<Range<usize>> = Vec::with_capacity(plan.entries.len());
        let mut entries = plan.entries.iter();
        loop {
            let mut batch = Vec::new();
            let mut batch_bytes = 0;
            for planned in entries.by_ref() {
                self.deadline.check()?;
                let body = self.body(planned, node)?;
                batch_bytes += body.held_bytes();
                batch.push((planned, body));
                if batch_bytes >= BATCH_BYTES || batch.len() >= BATCH_ENTRIES {
                    break;
                }
            }
            if batch.is_empty() {
                break;
            }
            let threads = if batch_bytes < PARALLEL_BYTES { 1 } else { 2 };
            let packed = parallel::map(
                &mut self.deflaters[..threads],
                &batch,
                |deflater, (_, body)| pack(body, deflater, self.deadline),
            );
            for ((planned, body), packed) in batch.iter().zip(packed) {
                let start = directory.len();
                self.entry(
                    planned,
                    body,
                    packed?,
                    plan.shift,
                    node,
                    sink,
                    &mut directory,
                )?;
                records.push(start..directory.len());
            }
        }
        sink.put(&plan.gap)?;
        let start = sink.written as usize;
        match &plan.order {
            None => sink.put(&directory)?,
            Some(order) => {
                for &index in order {
                    sink.put(&directory[records[index].clone()])?;
                }
            }
        }
        let directory_bytes = sink.written as usize - start;
        match &plan.end {
            Some(end) => sink.put(end),
            None => sink.put(&container::end_record(
                plan.entries.len(),
                directory_bytes,
                start,
                plan.shift,
            )),
        }
    }

    /// The content of an entry, or which old entry it copies.
    fn body(&mut self, planned: &Planned, node: Option<NodeId>) -> Result<Body, Error> {
        let (plain, replay) = match &planned.content {
            Content::Copied => {
                let reference = planned.reference.filter(|_| node.is_some());
                return Ok(Body::Copied(reference.ok_or_else(no_old_entry)?));
            }
            Content::Same(replay) => {
                let old = self.old.zip(node).zip(planned.reference);
                (
                    old_plain(old, self.image, self.largest_bytes)?.into_owned(),
                    *replay,
                )
            }
            Content::Changed(replay) => {
                let (old, image, largest) = (self.old.zip(node), self.image, self.largest_bytes);
                let old = || old_plain(old.zip(planned.reference), image, largest);
                (self.decoder.content(old)?, *replay)
            }
            Content::Nested(replay, plan, old_node) => {
                let mut bytes = Vec::new();
                let mut sink = Sink {
                    out: &mut bytes,
                    written: 0,
                    limit: self.largest_bytes,
                };
                self.container(plan, *old_node, &mut sink)?;
                (bytes, *replay)
            }
        };
        self.count(&plain)?;
        let Replay::Structure(likeness) = replay else {
            return Ok(Body::Plain(plain, replay));
        };
        let base = self.structure(likeness, &plain, planned, node)?;
        let structure = self.decoder.content(|| Ok(Cow::Owned(base)))?;
        self.count(&structure)?;
        Ok(Body::Structured(plain, structure))
    }

    /// Takes a content off what the patch states.
    fn count(&mut self, content: &[u8]) -> Result<(), Error> {
        let bytes = content.len() as u64;
        if bytes > self.largest_bytes {
            return Err(damaged("a content is larger than the patch states"));
        }
        self.plain_bytes_left = self
            .plain_bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| damaged("the contents are larger than the patch states"))?;
        Ok(())
    }

    /// The structure that an entry's is compared with.
    fn structure(
        &mut self,
        likeness: Likeness,
        plain: &[u8],
        planned: &Planned,
        node: Option<NodeId>,
    ) -> Result<Vec<u8>, Error> {
        let max_bytes = usize::try_from(self.largest_bytes).unwrap_or(usize::MAX);
        let structure = match likeness {
            Likeness::OldEntry => {
                let old = self.old.zip(node).zip(planned.reference);
                let ((old, node), entry) = old.ok_or_else(no_old_entry)?;
                take_apart(old.packed(node, entry), max_bytes)
            }
            Likeness::Level(level) => {
                let packed = self.deflaters[0].pack(plain, level, self.deadline)?;
                take_apart(&packed, max_bytes)
            }
        };
        structure.ok_or_else(|| damaged("an entry has no structure to compare with"))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one entry and where they go"
    )]
    fn entry(
        &self,
        planned: &Planned,
        body: &Body,
        packed: Packed,
        shift: usize,
        node: Option<NodeId>,
        sink: &mut Sink<'_>,
        directory: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let (bytes, crc32, plain_bytes) = match body {
            Body::Copied(index) => {
                let (old, node) = self.old.zip(node).ok_or_else(no_old_entry)?;
                let header = &old.entry(node, *index).header;
                (old.packed(node, *index), header.crc32, header.plain_bytes)
            }
            Body::Plain(plain, _) | Body::Structured(plain, _) => (
                packed.bytes.as_deref().unwrap_or(plain),
                packed.crc32,
                packed.plain_bytes,
            ),
        };
        let header = Header {
            crc32: if planned.crc32_given {
                planned.header.crc32
            } else {
                crc32
            },
            plain_bytes: if planned.size_given {
                planned.header.plain_bytes
            } else {
                plain_bytes
            },
            packed_bytes: bytes.len() as u64,
            ..planned.header.clone()
        };
        sink.put(&planned.gap)?;
        let offset = (sink.written as usize).wrapping_sub(shift) as u32;
        match &planned.local {
            Some(local) => sink.put(local)?,
            None => sink.put(&container::local_header(&header))?,
        }
        sink.put(bytes)?;
        sink.put(&container::descriptor(header.descriptor, &header))?;
        match &planned.central {
            Some(central) => directory.extend_from_slice(central),
            None => directory.extend_from_slice(&container::central_header(&header, offset)),
        }
        Ok(())
    }
}

/// The content of the old entry of that number.
fn old_plain<'a>(
    old: Option<((&'a Tree<'_>, NodeId), usize)>,
    image: &'a Image,
    largest_bytes: u64,
) -> Result<Cow<'a, [u8]>, Error> {
    let ((old, node), entry) = old.ok_or_else(no_old_entry)?;
    if old.plain_bytes(node, entry) as u64 > largest_bytes {
        return Err(damaged("an old content is larger than the patch states"));
    }
    Ok(image.plain(old, node, entry))
}

fn no_old_entry() -> Error {
    damaged("an entry has no old one")
}
