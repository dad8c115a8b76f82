//! The newest events of the fleet, in order. Watchers read from it at their own pace; nothing queues up for them.
//!
//! A position only grows, also over restarts: it goes on at the clock's microseconds. When the log is full, progress
//! that was overtaken goes first, so a busy download does not push out the news of a release.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use protocol::{ClientId, ServerMessage, Timestamp, Version};

use super::event::{Event, Filter, Subject};

/// Events that are kept for `since`.
pub(super) const KEPT_EVENTS: usize = 10_000;
/// A reader that is further behind skips progress that was overtaken meanwhile.
const BEHIND: u64 = 64;

/// The log.
#[derive(Debug)]
pub(super) struct EventLog {
    events: VecDeque<Arc<Event>>,
    newest_seq: u64,
    /// Events up to here are gone; a reader that has not seen them has missed something.
    dropped_through: u64,
    /// Where the newest progress of each kind stands.
    latest_progress: HashMap<ProgressKey, u64>,
}

type ProgressKey = (Discriminant<ServerMessage>, ClientId, Option<Version>);

/// A reader asked for events that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsLost;

impl EventLog {
    /// The log of a daemon that knows of no run before this one.
    pub(super) fn new(started_at: Timestamp) -> Self {
        Self::after(position_at(started_at))
    }

    /// A log in which events after this position will be.
    pub(super) fn after(position: u64) -> Self {
        Self {
            events: VecDeque::new(),
            newest_seq: position,
            dropped_through: position,
            latest_progress: HashMap::new(),
        }
    }

    /// The daemon has started again, and nothing happened in between.
    pub(super) fn go_on(&mut self, started_at: Timestamp) {
        self.newest_seq = self.newest_seq.max(position_at(started_at));
    }

    /// Events after this position are kept.
    pub(super) fn dropped_through(&self) -> u64 {
        self.dropped_through
    }

    /// All that is kept, the oldest first.
    pub(super) fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter()
    }

    /// Position of the newest event.
    pub(super) fn newest_seq(&self) -> u64 {
        self.newest_seq
    }

    /// Position of the oldest event that can be replayed, or of the next one when there is none.
    pub(super) fn oldest_seq(&self) -> u64 {
        self.dropped_through + 1
    }

    /// Puts an event at the end.
    pub(super) fn append(&mut self, message: ServerMessage, subject: Subject) -> Arc<Event> {
        self.restore(message, subject, self.newest_seq + 1)
    }

    /// Puts an event at the end that has its position already, above all others.
    pub(super) fn restore(
        &mut self,
        message: ServerMessage,
        subject: Subject,
        seq: u64,
    ) -> Arc<Event> {
        if self.events.len() >= KEPT_EVENTS {
            self.make_room();
        }
        self.newest_seq = seq;
        let key = progress_key(&message, &subject);
        let event = Arc::new(Event::new(message, subject, self.newest_seq));
        if let Some(key) = key {
            self.latest_progress.insert(key, self.newest_seq);
        }
        self.events.push_back(Arc::clone(&event));
        event
    }

    /// The next matching events after a position, at most `max`, and the position up to which they were looked for.
    pub(super) fn read(
        &self,
        after: u64,
        filter: &Filter,
        max: usize,
    ) -> Result<(Vec<Arc<Event>>, u64), EventsLost> {
        if after < self.dropped_through {
            return Err(EventsLost);
        }
        let start = self.events.partition_point(|event| event.seq() <= after);
        let mut found = Vec::new();
        for event in self.events.range(start..) {
            if !filter.matches(event.subject()) || self.is_skipped(event) {
                continue;
            }
            found.push(Arc::clone(event));
            if found.len() == max {
                return Ok((found, event.seq()));
            }
        }
        Ok((found, self.newest_seq.max(after)))
    }

    /// Where a reader that saw everything up to `since` goes on: never at a position that is gone or not there yet.
    pub(super) fn clamp(&self, since: u64) -> u64 {
        since.clamp(self.dropped_through, self.newest_seq)
    }

    fn is_skipped(&self, event: &Event) -> bool {
        self.newest_seq - event.seq() > BEHIND && self.is_overtaken(event)
    }

    fn is_overtaken(&self, event: &Event) -> bool {
        progress_key(event.message(), event.subject())
            .and_then(|key| self.latest_progress.get(&key))
            .is_some_and(|latest| *latest > event.seq())
    }

    /// Drops overtaken progress; where that is too little to be worth the pass, the oldest tenth goes.
    fn make_room(&mut self) {
        let events = std::mem::take(&mut self.events);
        self.events = events
            .into_iter()
            .filter(|event| !self.is_skipped(event))
            .collect();
        while self.events.len() > KEPT_EVENTS - KEPT_EVENTS / 10 {
            let Some(event) = self.events.pop_front() else {
                return;
            };
            self.dropped_through = event.seq();
            if let Some(key) = progress_key(event.message(), event.subject())
                && self.latest_progress.get(&key) == Some(&event.seq())
            {
                self.latest_progress.remove(&key);
            }
        }
    }
}

fn position_at(time: Timestamp) -> u64 {
    u64::try_from(time.unix_ms())
        .unwrap_or(0)
        .saturating_mul(1000)
}

fn progress_key(message: &ServerMessage, subject: &Subject) -> Option<ProgressKey> {
    let is_progress = matches!(
        message,
        ServerMessage::DownloadProgress(_) | ServerMessage::InstallationProgress(_)
    );
    let client_id = subject.client_id.clone().filter(|_| is_progress)?;
    Some((discriminant(message), client_id, subject.version.clone()))
}

#[cfg(test)]
mod tests;
