//! The image: the old contents that are not copied, one after the other.
//!
//! It is the prefix of the payload's frame, and where it is there the old contents are taken from
//! it rather than inflated again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::plan::{Content, Plan};
use super::tree::{NodeId, Tree};
use crate::Error;
use crate::deadline::Deadline;

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
        deadline: &Deadline,
    ) -> Result<Image, Error> {
        let mut image = Image::default();
        if let (Some(old), Some(node)) = (old, node)
            && max_bytes > 0
        {
            image.add(plan, old, node, max_bytes, deadline)?;
        }
        Ok(image)
    }

    /// A container's entries that are neither copied nor opened, then those of the opened ones. A
    /// patch may open one container many times over, so nothing is kept for an entry seen again.
    fn add(
        &mut self,
        plan: &Plan,
        old: &Tree<'_>,
        node: NodeId,
        max_bytes: usize,
        deadline: &Deadline,
    ) -> Result<(), Error> {
        let mut left_out = vec![false; old.container(node).entries.len()];
        for planned in &plan.entries {
            if let Some(reference) = planned.reference {
                left_out[reference] |= match planned.content {
                    Content::Copied | Content::Nested(_, _, Some(_)) => true,
                    Content::Same(_) | Content::Changed(_) | Content::Nested(_, _, None) => false,
                };
            }
        }
        for entry in (0..left_out.len()).filter(|&entry| !left_out[entry]) {
            deadline.check()?;
            let room = max_bytes - self.bytes.len();
            // By the true length: creator and applier must leave out the same.
            if let Some(plain) = old.plain_within(node, entry, room) {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(&plain);
                self.places.insert((node, entry), start..self.bytes.len());
            }
        }
        for planned in &plan.entries {
            if let Content::Nested(_, nested, Some(nested_node)) = &planned.content {
                self.add(nested, old, *nested_node, max_bytes, deadline)?;
            }
        }
        Ok(())
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
