//! The image: the old contents that are not copied, one after the other.
//!
//! It is the prefix of the payload's frame, and where it is there the old contents are taken from
//! it rather than inflated again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::plan::{Content, Plan};
use super::tree::{NodeId, Tree};

#[derive(Debug, Default)]
pub(super) struct Image {
    bytes: Vec<u8>,
    places: HashMap<(NodeId, usize), Range<usize>>,
}

impl Image {
    /// Unpacks old contents in order, leaving out those with which it would exceed `max_bytes`.
    pub(super) fn build(
        plan: &Plan,
        old: Option<&Tree<'_>>,
        node: Option<NodeId>,
        max_bytes: usize,
    ) -> Image {
        let mut image = Image::default();
        let (Some(old), Some(node)) = (old, node) else {
            return image;
        };
        if max_bytes == 0 {
            return image;
        }
        let mut units = Vec::new();
        collect(plan, old, node, &mut units);
        for (node, entry) in units {
            let room = max_bytes - image.bytes.len();
            let plain = old.plain(node, entry);
            // By the true length: creator and applier must leave out the same.
            if plain.len() > room {
                continue;
            }
            let start = image.bytes.len();
            image.bytes.extend_from_slice(&plain);
            image.places.insert((node, entry), start..image.bytes.len());
        }
        image
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// An old entry's content.
    pub(super) fn plain<'a>(
        &'a self,
        old: &'a Tree<'_>,
        node: NodeId,
        entry: usize,
    ) -> Cow<'a, [u8]> {
        match self.places.get(&(node, entry)) {
            Some(place) => Cow::Borrowed(&self.bytes[place.clone()]),
            None => old.plain(node, entry),
        }
    }
}

/// A container's entries that are neither copied nor opened, then those of the opened ones.
fn collect(plan: &Plan, old: &Tree<'_>, node: NodeId, units: &mut Vec<(NodeId, usize)>) {
    let mut left_out = vec![false; old.container(node).entries.len()];
    for planned in &plan.entries {
        if let Some(reference) = planned.reference {
            left_out[reference] |= match planned.content {
                Content::Copied | Content::Nested(_, _, Some(_)) => true,
                Content::Same(_) | Content::Changed(_) | Content::Nested(_, _, None) => false,
            };
        }
    }
    units.extend(
        (0..left_out.len())
            .filter(|&entry| !left_out[entry])
            .map(|entry| (node, entry)),
    );
    for planned in &plan.entries {
        if let Content::Nested(_, nested, Some(nested_node)) = &planned.content {
            collect(nested, old, *nested_node, units);
        }
    }
}
