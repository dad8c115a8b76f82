//! From streams to a plan. Every number is checked before it is used.

use super::super::budget::Budget;
use super::super::container::{Attributes, DEFLATED, Descriptor, Header, Versions};
use super::super::damaged;
use super::super::deflate::Replay;
use super::super::plan::{Content, Plan, Planned};
use super::super::streams::{Stream, StreamReader, unfold_sign};
use super::super::tree::{MAX_DEPTH, NodeId, Tree};
use super::{Running, mask};
use crate::Error;

/// What an entry costs in memory besides its name: the plan's fields and its central header.
const ENTRY_BYTES: u64 = 512;

/// Reads the plan of the whole file, and opens the old containers that it refers to.
pub(crate) fn read_plan(
    streams: &mut StreamReader,
    old: &mut Option<Tree<'_>>,
    budget: &mut Budget,
) -> Result<Plan, Error> {
    let old_node = old.as_ref().map(|_| 0);
    let mut reader = PlanReader {
        streams,
        budget,
        running: Running::default(),
    };
    reader.plan(old, old_node, 0)
}

struct PlanReader<'a> {
    streams: &'a mut StreamReader,
    budget: &'a mut Budget,
    running: Running,
}

impl PlanReader<'_> {
    fn plan(
        &mut self,
        old: &mut Option<Tree<'_>>,
        old_node: Option<NodeId>,
        depth: usize,
    ) -> Result<Plan, Error> {
        let (mut plan, count) = self.frame()?;
        let mut before = Header::default();
        let mut expected = 0;
        for _ in 0..count {
            let reference = self.reference(&mut expected)?;
            let predicted = match reference {
                None => None,
                Some(reference) => {
                    let container = old
                        .as_ref()
                        .zip(old_node)
                        .map(|(old, node)| old.container(node));
                    let entry = container.and_then(|container| container.entries.get(reference));
                    Some(
                        entry
                            .ok_or_else(|| damaged("an old entry does not exist"))?
                            .header
                            .clone(),
                    )
                }
            };
            let mut planned =
                self.header(reference, predicted.unwrap_or_else(|| before.clone()))?;
            planned.content = self.content(&planned, old, old_node, depth)?;
            before.clone_from(&planned.header);
            let header = &planned.header;
            let variable = header.name.len()
                + header.central_extra.len()
                + header.local_extra.len()
                + header.comment.len();
            self.budget.take(ENTRY_BYTES + 2 * variable as u64)?;
            plan.entries.push(planned);
        }
        Ok(plan)
    }

    /// The container's own part, and how many entries it has.
    fn frame(&mut self) -> Result<(Plan, usize), Error> {
        let count = self.streams.length(Stream::Verbatim)?;
        self.budget
            .take((count as u64).saturating_mul(ENTRY_BYTES))?;
        // Each entry has a byte of status.
        if count > self.streams.left(Stream::Statuses) {
            return Err(damaged("a container has more entries than statuses"));
        }
        let shift = self.streams.length(Stream::Verbatim)?;
        let gap = self.streams.blob(Stream::Verbatim)?.to_vec();
        let flags = self.streams.byte(Stream::Verbatim)?;
        let order = match flags & 1 {
            0 => None,
            _ => Some(self.order(count)?),
        };
        let end = match flags & 2 {
            0 => None,
            _ => Some(self.streams.blob(Stream::Verbatim)?.to_vec()),
        };
        let plan = Plan {
            entries: Vec::with_capacity(count),
            gap,
            order,
            end,
            shift,
        };
        Ok((plan, count))
    }

    fn order(&mut self, count: usize) -> Result<Vec<usize>, Error> {
        let mut order = Vec::with_capacity(count);
        let mut expected = 0_i64;
        for _ in 0..count {
            let index = expected.wrapping_add(self.streams.signed(Stream::Verbatim)?);
            let place = usize::try_from(index).ok().filter(|&index| index < count);
            order.push(place.ok_or_else(|| damaged("the central directory's order is wrong"))?);
            expected = index + 1;
        }
        Ok(order)
    }

    fn reference(&mut self, expected: &mut i64) -> Result<Option<usize>, Error> {
        let distance = match self.streams.number(Stream::References)? {
            1 => return Ok(None),
            0 => 0,
            code => unfold_sign(code - 1),
        };
        let reference = expected.wrapping_add(distance);
        *expected = reference.wrapping_add(1);
        match usize::try_from(reference) {
            Ok(reference) => Ok(Some(reference)),
            Err(_) => Err(damaged("an old entry does not exist")),
        }
    }

    fn header(&mut self, reference: Option<usize>, mut header: Header) -> Result<Planned, Error> {
        let streams = &mut *self.streams;
        let bits = streams.number(Stream::Masks)?;
        if bits & mask::NAME != 0 {
            header.name = streams.blob(Stream::Names)?.to_vec();
        }
        if bits & mask::VERSIONS != 0 {
            header.versions = Versions {
                made_by: take_u16(streams)?,
                needed: take_u16(streams)?,
                flags: take_u16(streams)?,
                method: take_u16(streams)?,
            };
        }
        if bits & mask::TIME != 0 {
            if streams.byte(Stream::Times)? != 0 {
                self.running.time = take_u32(streams, Stream::Times)?;
            }
            header.time = self.running.time;
        }
        for (bit, field) in [
            (mask::CENTRAL_EXTRA, &mut header.central_extra),
            (mask::LOCAL_EXTRA, &mut header.local_extra),
            (mask::COMMENT, &mut header.comment),
        ] {
            if bits & bit != 0 {
                *field = streams.blob(Stream::Fields)?.to_vec();
            }
        }
        if bits & mask::ATTRIBUTES != 0 {
            header.attributes = Attributes {
                disk: take_u16(streams)?,
                internal: take_u16(streams)?,
                external: take_u32(streams, Stream::Fields)?,
            };
        }
        let mut verbatim = |bit| match bits & bit {
            0 => Ok(None),
            _ => Ok(Some(streams.blob(Stream::Verbatim)?.to_vec())),
        };
        let gap = verbatim(mask::GAP)?.unwrap_or_default();
        let local = verbatim(mask::LOCAL)?;
        let central: Option<Vec<u8>> = verbatim(mask::CENTRAL)?;
        let crc32_given = bits & mask::CRC32 != 0;
        if crc32_given {
            header.crc32 = take_u32(streams, Stream::Fields)?;
        }
        let size_given = bits & mask::SIZE != 0;
        if size_given {
            header.plain_bytes = streams.number(Stream::Fields)?;
        }
        header.descriptor = match bits & mask::DESCRIPTOR {
            0 => Descriptor::usual(header.versions.flags),
            _ => {
                let code = usize::from(streams.byte(Stream::Fields)?);
                let descriptor = Descriptor::ALL.get(code).copied();
                descriptor.ok_or_else(|| damaged("an unknown kind of data descriptor"))?
            }
        };
        Ok(Planned {
            header,
            reference,
            content: Content::Copied,
            gap,
            local,
            central,
            crc32_given,
            size_given,
        })
    }

    fn content(
        &mut self,
        planned: &Planned,
        old: &mut Option<Tree<'_>>,
        old_node: Option<NodeId>,
        depth: usize,
    ) -> Result<Content, Error> {
        let status = self.streams.byte(Stream::Statuses)?;
        if status == Content::COPIED {
            return match planned.reference {
                Some(_) => Ok(Content::Copied),
                None => Err(damaged("a copied entry has no old one")),
            };
        }
        let replay = match planned.header.versions.method {
            DEFLATED => {
                self.running.replay ^= self.streams.byte(Stream::Replays)?;
                Replay::from_code(self.running.replay)
                    .ok_or_else(|| damaged("an entry is deflated in an unknown way"))?
            }
            _ => Replay::Verbatim,
        };
        match status {
            Content::SAME if planned.reference.is_some() => Ok(Content::Same(replay)),
            Content::CHANGED => Ok(Content::Changed(replay)),
            Content::NESTED if depth < MAX_DEPTH => {
                let nested = match (old.as_mut(), old_node, planned.reference) {
                    (Some(old), Some(node), Some(reference)) => {
                        if old.entry(node, reference).header.versions.method == DEFLATED {
                            self.budget.take(old.plain_bytes(node, reference) as u64)?;
                        }
                        old.open_nested(node, reference)
                    }
                    _ => None,
                };
                let plan = self.plan(old, nested, depth + 1)?;
                Ok(Content::Nested(replay, Box::new(plan), nested))
            }
            _ => Err(damaged("an entry has a status that it cannot have")),
        }
    }
}

fn take_u16(streams: &mut StreamReader) -> Result<u16, Error> {
    let bytes = streams.bytes(Stream::Fields, 2)?;
    Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn take_u32(streams: &mut StreamReader, stream: Stream) -> Result<u32, Error> {
    let bytes = streams.bytes(stream, 4)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
