//! A JAR and the JARs inside it, opened one by one as they are asked for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::container::{Container, DEFLATED, Entry};
use super::deflate;

/// How deep JARs may lie in each other: the file itself is 0.
pub(super) const MAX_DEPTH: usize = 3;

/// A node of the tree: 0 is the file itself.
pub(super) type NodeId = usize;

/// A file, and every container in it that was opened.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    file: &'a [u8],
    /// Nested JARs that were deflated.
    inflated: Vec<Vec<u8>>,
    nodes: Vec<Node>,
    opened: HashMap<(NodeId, usize), Option<NodeId>>,
}

#[derive(Debug)]
struct Node {
    source: Source,
    range: Range<usize>,
    container: Container,
    depth: usize,
}

/// Whose bytes a node's range is of.
#[derive(Debug, Clone, Copy)]
enum Source {
    File,
    Inflated(usize),
}

impl<'a> Tree<'a> {
    /// `None` if the file is not modelled.
    pub(super) fn open(file: &'a [u8]) -> Option<Tree<'a>> {
        let root = Node {
            source: Source::File,
            range: 0..file.len(),
            container: Container::parse(file)?,
            depth: 0,
        };
        Some(Tree {
            file,
            inflated: Vec::new(),
            nodes: vec![root],
            opened: HashMap::new(),
        })
    }

    pub(super) fn container(&self, node: NodeId) -> &Container {
        &self.nodes[node].container
    }

    /// All bytes of a node.
    pub(super) fn bytes(&self, node: NodeId) -> &[u8] {
        let node = &self.nodes[node];
        match node.source {
            Source::File => &self.file[node.range.clone()],
            Source::Inflated(index) => &self.inflated[index][node.range.clone()],
        }
    }

    pub(super) fn entry(&self, node: NodeId, entry: usize) -> &Entry {
        &self.nodes[node].container.entries[entry]
    }

    /// An entry's bytes as they lie in the file.
    pub(super) fn packed(&self, node: NodeId, entry: usize) -> &[u8] {
        &self.bytes(node)[self.entry(node, entry).packed.clone()]
    }

    /// How long [`Tree::plain`] is at most, without unpacking.
    pub(super) fn plain_bytes(&self, node: NodeId, entry: usize) -> usize {
        let entry = self.entry(node, entry);
        let packed_bytes = entry.packed.len();
        match (
            entry.header.versions.method,
            usize::try_from(entry.header.plain_bytes),
        ) {
            (DEFLATED, Ok(plain_bytes)) if plain_bytes / 1032 <= packed_bytes => {
                plain_bytes.max(packed_bytes)
            }
            _ => packed_bytes,
        }
    }

    /// An entry's content. Deflated bytes that do not inflate to what the headers say are taken
    /// for the content themselves.
    pub(super) fn plain(&self, node: NodeId, entry: usize) -> Cow<'_, [u8]> {
        let packed = self.packed(node, entry);
        match self.inflate(node, entry) {
            Some(plain) => Cow::Owned(plain),
            None => Cow::Borrowed(packed),
        }
    }

    /// The same, if it has `max_bytes` at most; only then is memory spent on it.
    pub(super) fn plain_within(
        &self,
        node: NodeId,
        entry: usize,
        max_bytes: usize,
    ) -> Option<Cow<'_, [u8]>> {
        let header = &self.entry(node, entry).header;
        let packed = self.packed(node, entry);
        // Headers that do not tell the truth make the packed bytes the content.
        if header.versions.method == DEFLATED
            && let Ok(plain_bytes) = usize::try_from(header.plain_bytes)
        {
            if plain_bytes <= max_bytes {
                if let Some(plain) = deflate::inflate(packed, plain_bytes) {
                    return Some(Cow::Owned(plain));
                }
            } else if deflate::inflates(packed, plain_bytes) {
                return None;
            }
        }
        (packed.len() <= max_bytes).then_some(Cow::Borrowed(packed))
    }

    /// The inflated content of a deflated entry whose headers tell the truth.
    pub(super) fn inflate(&self, node: NodeId, entry: usize) -> Option<Vec<u8>> {
        let header = &self.entry(node, entry).header;
        if header.versions.method != DEFLATED {
            return None;
        }
        deflate::inflate(
            self.packed(node, entry),
            usize::try_from(header.plain_bytes).ok()?,
        )
    }

    /// Opens an entry as a container; `None` if it is none, or lies too deep.
    pub(super) fn open_nested(&mut self, node: NodeId, entry: usize) -> Option<NodeId> {
        if let Some(&opened) = self.opened.get(&(node, entry)) {
            return opened;
        }
        let opened = self.open_new(node, entry);
        self.opened.insert((node, entry), opened);
        opened
    }

    fn open_new(&mut self, node: NodeId, entry: usize) -> Option<NodeId> {
        let depth = self.nodes[node].depth + 1;
        if depth > MAX_DEPTH {
            return None;
        }
        let (source, range, container) = match self.inflate(node, entry) {
            Some(plain) => {
                let container = Container::parse(&plain)?;
                let range = 0..plain.len();
                self.inflated.push(plain);
                (Source::Inflated(self.inflated.len() - 1), range, container)
            }
            None => {
                let container = Container::parse(self.packed(node, entry))?;
                let packed = self.entry(node, entry).packed.clone();
                let base = self.nodes[node].range.start;
                let range = base + packed.start..base + packed.end;
                (self.nodes[node].source, range, container)
            }
        };
        self.nodes.push(Node {
            source,
            range,
            container,
            depth,
        });
        Some(self.nodes.len() - 1)
    }
}
