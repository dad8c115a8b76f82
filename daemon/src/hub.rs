//! Who is connected, who is to be woken, and what happened lately.
//!
//! The hub wakes and the store tells: a session that is woken asks the catalog what is news for its client, so a
//! client that was away misses nothing and no queue can overflow. What cannot be read again (reports and progress
//! of a client) goes through a bounded outbox to the client's other sessions, and through a bounded log to watchers.
//!
//! Locks are taken in this order and held for a few lines: registry, stream, then a seat's own.

mod announcement;
pub mod event;
mod event_file;
pub mod follower;
mod keeping;
mod log;
mod membership;
mod outbox;
mod registry;
pub mod seat;
pub mod watching;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::message::{CompatibilityIssue, DownloadProgress, RateLimited, ReleaseChanged};
use protocol::{ClientId, ServerMessage, SessionId, Timestamp, Username, Version};

use crate::config::Channels;
use crate::store::{Release, Store};
use announcement::Announcement;
use event::{Event, Subject};
use registry::Registry;
use seat::{Calls, Seat};
use watching::Stream;

pub use log::EventsLost;
pub use membership::Joined;

/// The hub of a daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    channels: Channels,
    registry: Mutex<Registry>,
    stream: Mutex<Stream>,
    announcement: Mutex<Option<Announcement>>,
}

/// Sessions in numbers, for the statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubSummary {
    /// Open sessions.
    pub sessions: u64,
    /// Different clients among them.
    pub clients: u64,
    /// Watching sessions.
    pub watchers: u64,
    /// Registered sessions by what they run on.
    pub by_platform: BTreeMap<String, u64>,
    /// Sessions by the channel they follow; one that follows two counts twice.
    pub by_channel: BTreeMap<String, u64>,
    /// Registered sessions by what they run.
    pub by_version: BTreeMap<Version, u64>,
}

impl Hub {
    /// A hub without sessions, which goes on with the events of the run before where it can.
    #[must_use]
    pub fn open(store: Store, channels: Channels, data_dir: &Path, started_at: Timestamp) -> Self {
        Self(Arc::new(Inner {
            store,
            channels,
            registry: Mutex::default(),
            stream: Mutex::new(Stream::open(data_dir, started_at)),
            announcement: Mutex::default(),
        }))
    }

    /// Open sessions.
    #[must_use]
    pub fn connected_sessions(&self) -> u64 {
        self.registry().len()
    }

    /// Sessions in numbers.
    #[must_use]
    pub fn summary(&self) -> HubSummary {
        let watchers = self.stream().watchers();
        let (seats, clients) = {
            let registry = self.registry();
            (registry.seats(), registry.different_clients())
        };
        let mut summary = HubSummary {
            sessions: seats.len() as u64,
            clients,
            watchers,
            ..HubSummary::default()
        };
        for seat in seats {
            let follower = seat.follower();
            for channel in follower.channels() {
                *summary.by_channel.entry(channel.to_string()).or_default() += 1;
            }
            if let Some(client) = follower.client() {
                *summary
                    .by_platform
                    .entry(client.platform.to_string())
                    .or_default() += 1;
                *summary
                    .by_version
                    .entry(client.version.clone())
                    .or_default() += 1;
            }
        }
        summary
    }

    /// A release was created, toggled or recalled, or its rollout changed, and that is durable: everybody looks for news.
    pub fn release_changed(&self, release: &Release) {
        let now = Timestamp::now();
        let catalog = self.0.store.catalog();
        let seats = self.registry().seats();
        let is_told = |seat: &Arc<Seat>| {
            let news = seat.follower().news(&catalog, &self.0.channels, now);
            news.iter().any(|news| news.release().id == release.id)
        };
        let announced_to = seats.iter().filter(|seat| is_told(seat)).count() as u64;
        let message = ReleaseChanged {
            version: release.version.clone(),
            release_channel: release.channel.clone(),
            state: release.state,
            is_mandatory: release.is_mandatory,
            rollout_percentage: release.rollout_percentage,
            announced_to,
            timestamp: now,
            seq: None,
        };
        let subject = Subject {
            client_id: None,
            version: Some(release.version.clone()),
            channels: vec![release.channel.clone()],
        };
        self.append(ServerMessage::ReleaseChanged(message), subject);
        for seat in &seats {
            seat.call(Calls::NEWS);
        }
    }

    /// Users or tokens changed: every session looks whether its token still counts.
    pub fn identity_changed(&self) {
        for seat in self.registry().seats() {
            seat.call(Calls::IDENTITY);
        }
    }

    /// The daemon stops, which each session is told here: waiting for that itself, each would hold a place in one list,
    /// and take its lock whenever it wakes.
    pub fn stop(&self) {
        for seat in self.registry().seats() {
            seat.call(Calls::STOP);
        }
    }

    /// A download goes on, as the daemon measures it: word for the client's sessions and the watchers. Never waits.
    pub fn download_progress(&self, progress: DownloadProgress) {
        let client_id = progress.client_id.clone();
        let version = progress.version.clone();
        self.relay(
            ServerMessage::DownloadProgress(progress),
            &client_id,
            &version,
            None,
        );
    }

    /// Something that a client reported or that happened to it: word for its other sessions and for the watchers.
    pub fn relay(
        &self,
        message: ServerMessage,
        client_id: &ClientId,
        version: &Version,
        from: Option<SessionId>,
    ) {
        let event = self.append(message, self.subject(client_id, version));
        let seats = self.registry().seats_of(client_id);
        for seat in seats.iter().filter(|seat| Some(seat.session_id()) != from) {
            seat.leave_word(Arc::clone(&event));
        }
    }

    /// A client runs another version now; what it can install next may be news. With a user, only that user's sessions
    /// believe it.
    pub fn client_installed(&self, client_id: &ClientId, version: &Version, of: Option<&Username>) {
        let seats = self.registry().seats_of(client_id);
        let believes = |seat: &&Arc<Seat>| of.is_none_or(|username| username == seat.username());
        for seat in seats.iter().filter(believes) {
            seat.follower().set_version(version);
            seat.call(Calls::NEWS);
        }
    }

    /// A session was told that its client cannot install a release: word for the watchers.
    pub fn compatibility_issue(&self, client_id: &ClientId, issue: CompatibilityIssue) {
        let subject = self.subject(client_id, &issue.version);
        self.append(ServerMessage::CompatibilityIssue(issue), subject);
    }

    /// A limit was passed: word for the watchers.
    pub fn rate_limited(&self, client_id: Option<&ClientId>, message: RateLimited) {
        let subject = Subject {
            client_id: client_id.cloned(),
            ..Subject::default()
        };
        self.append(ServerMessage::RateLimited(message), subject);
    }

    /// What a client runs, by what its newest session said.
    #[must_use]
    pub fn version_of(&self, client_id: &ClientId) -> Option<Version> {
        let seats = self.registry().seats_of(client_id);
        let follower = seats.last()?.follower();
        follower.client().map(|client| client.version.clone())
    }

    /// The client of a user whose sessions all belong to one client (contract section 5).
    #[must_use]
    pub fn sole_client_of(&self, username: &Username) -> Option<ClientId> {
        self.registry().sole_client_of(username)
    }

    /// Whether anybody could want to know how a client is doing: one of its sessions, or a watcher, who may also
    /// come back and ask for what it missed.
    #[must_use]
    pub fn is_followed(&self, client_id: &ClientId) -> bool {
        self.stream().was_ever_watched() || self.registry().has_client(client_id)
    }

    fn append(&self, message: ServerMessage, subject: Subject) -> Arc<Event> {
        self.stream().append(message, subject)
    }

    /// What an event of a client about a release is about.
    fn subject(&self, client_id: &ClientId, version: &Version) -> Subject {
        let release = self.0.store.catalog().by_version(version).map(Arc::clone);
        Subject {
            client_id: Some(client_id.clone()),
            version: Some(version.clone()),
            channels: release
                .iter()
                .map(|release| release.channel.clone())
                .collect(),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        locked(&self.0.registry)
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        locked(&self.0.stream)
    }
}

/// Nothing panics while it holds one of the hub's locks, and what they guard stays usable in any case.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
