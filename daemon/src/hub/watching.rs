//! Following the fleet: who watches, and how a watcher reads at its own pace.
//!
//! A watcher holds a position and nothing else. First come the clients that are connected (unless it asked for
//! what it missed), then the events; both are read page by page, so that thousands of them never wait in memory.

use std::sync::Arc;

use protocol::{ServerMessage, SessionId};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Hub;
use super::event::{Event, Filter, Subject};
use super::event_file::EventFile;
use super::log::{EventLog, EventsLost};
use super::membership::connected_message;
use super::seat::{Calls, Seat};

/// Events and connected clients that are taken at a time; between two pages the session listens.
const PAGE: usize = 64;

/// The events, and who waits for them.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) log: EventLog,
    /// What is in the log, for the daemon that starts after this one.
    pub(super) file: EventFile,
    watchers: Vec<(Arc<Seat>, Filter)>,
    was_ever_watched: bool,
}

/// Where a watcher stands.
#[derive(Debug)]
pub struct Watching {
    filter: Filter,
    /// Connected clients up to here were told; those up to `clients_through` are to be told first.
    clients_after: u64,
    clients_through: u64,
    events_after: u64,
    /// Position of the newest event when the watch began.
    pub seq: u64,
    /// Position of the oldest event that could be replayed then.
    pub oldest_seq: u64,
}

impl Watching {
    /// Whether the watcher is told of this event, so that it need not be told as the client that it may also be.
    #[must_use]
    pub fn covers(&self, event: &Event) -> bool {
        event.seq() > self.seq && self.filter.matches(event.subject())
    }
}

impl Stream {
    pub(super) fn new(log: EventLog, file: EventFile, was_ever_watched: bool) -> Self {
        Self {
            log,
            file,
            watchers: Vec::new(),
            was_ever_watched,
        }
    }

    pub(super) fn watchers(&self) -> u64 {
        self.watchers.len() as u64
    }

    pub(super) fn was_ever_watched(&self) -> bool {
        self.was_ever_watched
    }

    pub(super) fn append(&mut self, message: ServerMessage, subject: Subject) -> Arc<Event> {
        let event = self.log.append(message, subject);
        self.file.append(&event);
        for (seat, filter) in &self.watchers {
            if filter.matches(event.subject()) {
                seat.call(Calls::EVENTS);
            }
        }
        event
    }

    pub(super) fn unwatch(&mut self, session_id: SessionId) {
        self.watchers
            .retain(|(seat, _)| seat.session_id() != session_id);
    }
}

impl Hub {
    /// A session begins to watch, in place of what it watched before.
    #[must_use]
    pub fn watch(&self, seat: &Arc<Seat>, filter: Filter, since: Option<u64>) -> Watching {
        let mut stream = self.stream();
        stream.unwatch(seat.session_id());
        stream.watchers.push((Arc::clone(seat), filter.clone()));
        if !stream.was_ever_watched {
            stream.was_ever_watched = true;
            stream.file.note_watched();
        }
        seat.call(Calls::EVENTS);
        let seq = stream.log.newest_seq();
        Watching {
            filter,
            clients_after: if since.is_some() { seq } else { 0 },
            clients_through: seq,
            events_after: since.map_or(seq, |since| stream.log.clamp(since)),
            seq,
            oldest_seq: stream.log.oldest_seq(),
        }
    }

    /// A session ends its watch.
    pub fn unwatch(&self, seat: &Seat) {
        self.stream().unwatch(seat.session_id());
    }

    /// The next page for a watcher; empty when it has seen everything.
    ///
    /// # Errors
    /// The watcher fell so far behind that events are gone which it has not seen.
    pub fn read_watch(&self, watching: &mut Watching) -> Result<Vec<Utf8Bytes>, EventsLost> {
        while watching.clients_after < watching.clients_through {
            let texts = self.read_clients(watching);
            if !texts.is_empty() {
                return Ok(texts);
            }
        }
        let stream = self.stream();
        let (events, position) = stream
            .log
            .read(watching.events_after, &watching.filter, PAGE)?;
        drop(stream);
        watching.events_after = position;
        Ok(events
            .iter()
            .map(|event| event.text_for_watchers())
            .collect())
    }

    /// The matching ones among the next connected clients, each at the position where it registered.
    fn read_clients(&self, watching: &mut Watching) -> Vec<Utf8Bytes> {
        let (after, through) = (watching.clients_after, watching.clients_through);
        let page = self.registry().registered_between(after, through, PAGE);
        watching.clients_after = match page.last() {
            Some((position, _)) if page.len() == PAGE => *position,
            Some(_) | None => through,
        };
        let connected = page.iter().filter_map(|(position, seat)| {
            let (message, subject) = connected_message(seat)?;
            let message = ServerMessage::ClientConnected(message);
            let event = Event::new(message, subject, *position);
            let is_wanted = watching.filter.matches(event.subject());
            is_wanted.then(|| event.text_for_watchers())
        });
        connected.collect()
    }
}
