//! What others have for one session, until the session sends it. Bounded, whatever the others do.
//!
//! Progress is worth its newest value only, so a backlog of it is replaced; everything else is kept, and a session
//! that lets more than the bound gather is ended. A short queue is left alone: who keeps up sees every step.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::Event;

/// Entries from which on a session counts as behind and progress is replaced.
const BEHIND: usize = 16;
/// Entries that a session may let gather. An entry is at most a few KiB and shared among its readers.
const BOUND: usize = 256;

/// The queue of one session.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Arc<Event>>,
    has_overflown: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, event: Arc<Event>) {
        if self.has_overflown {
            return;
        }
        if self.waiting.len() >= BEHIND && event.is_progress() {
            // The newest value goes to the end, so that order in time is kept.
            self.waiting.retain(|waiting| !event.replaces(waiting));
        }
        if self.waiting.len() >= BOUND {
            // What is lost cannot be said any more; the session ends and its client reads the state again.
            self.has_overflown = true;
            self.waiting = VecDeque::new();
            return;
        }
        self.waiting.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Arc<Event>> {
        let event = self.waiting.pop_front();
        if self.waiting.is_empty() && self.waiting.capacity() > BEHIND {
            self.waiting = VecDeque::new(); // An idle session holds no memory for a burst that is over.
        }
        event
    }

    pub(super) fn has_overflown(&self) -> bool {
        self.has_overflown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::event::tests::{completed, progress};

    #[test]
    fn who_keeps_up_sees_every_step() {
        let mut outbox = Outbox::default();
        for percentage in 0..BEHIND as u8 {
            outbox.push(progress("a", percentage));
        }
        for percentage in 0..BEHIND as u8 {
            assert_eq!(outbox.pop(), Some(progress("a", percentage)));
        }
        assert_eq!(outbox.pop(), None);
    }

    #[test]
    fn a_backlog_of_progress_is_replaced_by_its_newest_value() {
        let mut outbox = Outbox::default();
        for n in 0..BEHIND {
            outbox.push(completed(&format!("other-{n}")));
        }
        for percentage in 0..=100 {
            outbox.push(progress("a", percentage));
            outbox.push(progress("b", percentage));
        }
        outbox.push(completed("a"));
        for n in 0..BEHIND {
            assert_eq!(outbox.pop(), Some(completed(&format!("other-{n}"))));
        }
        assert_eq!(outbox.pop(), Some(progress("a", 100)));
        assert_eq!(outbox.pop(), Some(progress("b", 100)));
        assert_eq!(outbox.pop(), Some(completed("a")));
        assert_eq!(outbox.pop(), None);
        assert!(!outbox.has_overflown());
    }

    #[test]
    fn past_its_bound_the_queue_is_given_up() {
        let mut outbox = Outbox::default();
        for n in 0..=BOUND {
            assert!(!outbox.has_overflown());
            outbox.push(completed(&format!("client-{n}")));
        }
        assert!(outbox.has_overflown());
        assert_eq!(outbox.pop(), None);
        outbox.push(completed("late"));
        assert_eq!(outbox.pop(), None);
    }
}
