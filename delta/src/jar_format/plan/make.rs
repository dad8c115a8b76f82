//! Makes a plan, and collects the contents that have to be written down.

use flate2::Crc;

use super::super::container::{self, DEFLATED, Descriptor};
use super::super::deflate::{Deflater, Replay};
use super::super::tree::{NodeId, Tree};
use super::names::{Names, is_archive};
use super::structure::{self, Structure};
use super::{Content, Plan, Planned};

/// A content that has to be written down.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) content: Vec<u8>,
    pub(crate) base: Base,
}

/// What a content is compared with.
#[derive(Debug)]
pub(crate) enum Base {
    Nothing,
    Entry(NodeId, usize),
    Bytes(Vec<u8>),
}

/// What planning adds up.
#[derive(Debug)]
pub(crate) struct Planner {
    /// In the order in which an applier needs them.
    pub(crate) jobs: Vec<Job>,
    /// Of everything that is not copied.
    pub(crate) plain_bytes: u64,
    pub(crate) largest_bytes: u64,
    max_plain_bytes: u64,
    deflater: Deflater,
    guess: Replay,
}

impl Planner {
    /// Entries that unpack to more than `max_plain_bytes` together stay packed.
    pub(crate) fn new(max_plain_bytes: u64) -> Planner {
        Planner {
            jobs: Vec::new(),
            plain_bytes: 0,
            largest_bytes: 0,
            max_plain_bytes,
            deflater: Deflater::default(),
            guess: Replay::default(),
        }
    }

    /// Plans the node of the new tree against the node of the old tree, if there is one.
    pub(crate) fn plan(
        &mut self,
        new: &mut Tree<'_>,
        node: NodeId,
        old: &mut Option<Tree<'_>>,
        old_node: Option<NodeId>,
    ) -> Plan {
        // The containers are cloned, for nested ones are opened in the same trees meanwhile.
        let container = new.container(node).clone();
        let old_container = match (&old, old_node) {
            (Some(old), Some(old_node)) => old.container(old_node).clone(),
            _ => Default::default(),
        };
        let names = Names::new(&old_container, &container);
        let mut entries = Vec::with_capacity(container.entries.len());
        let mut position = 0;
        for (index, entry) in container.entries.iter().enumerate() {
            let header = entry.header.clone();
            let reference = names.find(&header);
            let (content, crc32, plain_bytes) =
                self.content(new, node, index, old, old_node.zip(reference));
            let bytes = new.bytes(node);
            let offset = (entry.start.wrapping_sub(container.shift)) as u32;
            entries.push(Planned {
                gap: bytes[position..entry.start].to_vec(),
                local: unpredicted(
                    &bytes[entry.start..entry.packed.start],
                    container::local_header(&header),
                ),
                central: unpredicted(
                    &bytes[entry.central.clone()],
                    container::central_header(&header, offset),
                ),
                crc32_given: crc32 != header.crc32,
                size_given: plain_bytes != header.plain_bytes,
                reference,
                content,
                header,
            });
            position = entry.packed.end + descriptor_bytes(entry.header.descriptor);
        }
        let bytes = new.bytes(node);
        let directory = container.directory.clone();
        let mut order = vec![0; entries.len()];
        for (index, entry) in container.entries.iter().enumerate() {
            order[entry.directory_index] = index;
        }
        Plan {
            gap: bytes[position..directory.start].to_vec(),
            order: (!order.is_sorted()).then_some(order),
            end: unpredicted(
                &bytes[directory.end..],
                container::end_record(
                    entries.len(),
                    directory.len(),
                    directory.start,
                    container.shift,
                ),
            ),
            shift: container.shift,
            entries,
        }
    }

    /// How to write an entry's content down, and the CRC-32 and size that an applier will derive.
    fn content(
        &mut self,
        new: &mut Tree<'_>,
        node: NodeId,
        index: usize,
        old: &mut Option<Tree<'_>>,
        reference: Option<(NodeId, usize)>,
    ) -> (Content, u32, u64) {
        if let (Some(old), Some((old_node, old_index))) = (&old, reference) {
            let header = &old.entry(old_node, old_index).header;
            if header.versions.method == new.entry(node, index).header.versions.method
                && old.packed(old_node, old_index) == new.packed(node, index)
            {
                return (Content::Copied, header.crc32, header.plain_bytes);
            }
        }
        let Unpacked {
            plain,
            replay,
            structure,
        } = self.unpack(new, node, index, old.as_ref().zip(reference));
        let (crc32, plain_bytes) = (crc32(&plain), plain.len() as u64);
        self.count(plain.len());
        if let (Some(old), Some((old_node, old_index))) = (&old, reference)
            && old.plain_bytes(old_node, old_index) >= plain.len()
            && *old.plain(old_node, old_index) == plain[..]
        {
            self.largest_bytes = self
                .largest_bytes
                .max(old.plain_bytes(old_node, old_index) as u64);
            self.add(structure);
            return (Content::Same(replay), crc32, plain_bytes);
        }
        let may_nest =
            replay != Replay::Verbatim || new.entry(node, index).header.versions.method != DEFLATED;
        if may_nest
            && is_archive(&new.entry(node, index).header.name)
            && let Some(nested) = new.open_nested(node, index)
        {
            let old_nested = match (old.as_mut(), reference) {
                (Some(old), Some((old_node, old_index))) => old.open_nested(old_node, old_index),
                _ => None,
            };
            drop(plain);
            let plan = self.plan(new, nested, old, old_nested);
            self.add(structure);
            return (
                Content::Nested(replay, Box::new(plan), old_nested),
                crc32,
                plain_bytes,
            );
        }
        self.jobs.push(Job {
            content: plain,
            base: match reference {
                Some((node, entry)) => Base::Entry(node, entry),
                None => Base::Nothing,
            },
        });
        self.add(structure);
        (Content::Changed(replay), crc32, plain_bytes)
    }

    /// Adds an entry's structure, which follows its content.
    fn add(&mut self, structure: Option<Structure>) {
        let Some(Structure { bytes, base }) = structure else {
            return;
        };
        self.count(bytes.len());
        self.largest_bytes = self.largest_bytes.max(base.len() as u64);
        self.jobs.push(Job {
            content: bytes,
            base: Base::Bytes(base),
        });
    }

    fn count(&mut self, content_bytes: usize) {
        self.plain_bytes += content_bytes as u64;
        self.largest_bytes = self.largest_bytes.max(content_bytes as u64);
    }

    fn unpack(
        &mut self,
        new: &Tree<'_>,
        node: NodeId,
        index: usize,
        old: Option<(&Tree<'_>, (NodeId, usize))>,
    ) -> Unpacked {
        let packed = new.packed(node, index);
        let sum = self.plain_bytes + new.plain_bytes(node, index) as u64;
        // A quarter is left for entries that stay packed, in JARs inside too.
        let room = (self.max_plain_bytes / 4 * 3).checked_sub(sum);
        let unpacked = room.and_then(|room| Some((room, new.inflate(node, index)?)));
        let Some((room, plain)) = unpacked else {
            return Unpacked::verbatim(packed);
        };
        let replay = self.deflater.find(&plain, packed, self.guess);
        if replay != Replay::Verbatim {
            self.guess = replay;
            return Unpacked {
                plain,
                replay,
                structure: None,
            };
        }
        match structure::find(&plain, packed, old, room as usize, &mut self.deflater) {
            Some((likeness, structure)) => Unpacked {
                plain,
                replay: Replay::Structure(likeness),
                structure: Some(structure),
            },
            None => Unpacked::verbatim(packed),
        }
    }
}

/// An entry's content, and how it becomes its packed bytes again.
struct Unpacked {
    plain: Vec<u8>,
    replay: Replay,
    structure: Option<Structure>,
}

impl Unpacked {
    fn verbatim(packed: &[u8]) -> Unpacked {
        Unpacked {
            plain: packed.to_vec(),
            replay: Replay::Verbatim,
            structure: None,
        }
    }
}

fn unpredicted(actual: &[u8], predicted: Vec<u8>) -> Option<Vec<u8>> {
    (actual != predicted).then(|| actual.to_vec())
}

fn descriptor_bytes(descriptor: Descriptor) -> usize {
    container::descriptor(descriptor, &Default::default()).len()
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
