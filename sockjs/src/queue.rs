//! Messages that wait, within bounds.

use std::collections::VecDeque;

use crate::options::Bounds;

/// A queue that knows how much it holds.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    bounds: Bounds,
}

impl<T> Queue<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            bounds,
        }
    }

    /// Whether one more of this size is within the bounds.
    pub(crate) fn has_room(&self, size: usize) -> bool {
        let Bounds { messages, bytes } = self.bounds;
        self.items.is_empty()
            || (self.items.len() < messages && self.bytes.saturating_add(size) <= bytes)
    }

    /// Adds one, within the bounds or not: the caller asked, or has a reason.
    pub(crate) fn push(&mut self, item: T, size: usize) {
        self.bytes = self.bytes.saturating_add(size);
        self.items.push_back((item, size));
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let (item, size) = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(size);
        Some(item)
    }

    pub(crate) fn take_all(&mut self) -> Vec<T> {
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        items.into_iter().map(|(item, _)| item).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(messages: usize, bytes: usize) -> Queue<&'static str> {
        Queue::new(Bounds { messages, bytes })
    }

    #[test]
    fn a_queue_is_full_at_its_number_of_messages() {
        let mut queue = queue(2, 100);
        queue.push("a", 1);
        assert!(queue.has_room(1));
        queue.push("b", 1);
        assert!(!queue.has_room(1));
        assert_eq!(queue.pop(), Some("a"));
        assert!(queue.has_room(1));
    }

    #[test]
    fn a_queue_is_full_at_its_bytes() {
        let mut queue = queue(10, 8);
        queue.push("a", 5);
        assert!(queue.has_room(3));
        assert!(!queue.has_room(4));
        assert_eq!(queue.take_all(), ["a"]);
        queue.push("b", 8);
        assert!(!queue.has_room(1));
    }

    #[test]
    fn an_empty_queue_takes_one_message_of_any_size() {
        let mut queue = queue(10, 8);
        assert!(queue.has_room(9));
        queue.push("a", 9);
        assert!(!queue.has_room(0));
    }
}
