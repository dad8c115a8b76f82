//! A session's place in the hub: where others leave word for it, and where they can read what it follows.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::{SessionId, Username};
use tokio::sync::Notify;

use super::event::Event;
use super::follower::Follower;
use super::locked;
use super::outbox::Outbox;

/// One session, shared between its task and the hub. Every lock in here is held for a few lines and is the last one
/// taken, so that none of them can wait for another.
#[derive(Debug)]
pub struct Seat {
    session_id: SessionId,
    username: Username,
    follower: Mutex<Follower>,
    outbox: Mutex<Outbox>,
    calls: AtomicU8,
    notify: Notify,
}

/// Why a session was woken; several reasons may come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls(u8);

impl Calls {
    /// A release changed, or the client runs another version: look for news.
    pub const NEWS: Self = Self(1);
    /// Users or tokens changed: look whether the token still counts.
    pub const IDENTITY: Self = Self(2);
    /// There is something in the outbox.
    pub const OUTBOX: Self = Self(4);
    /// There is something in the event log.
    pub const EVENTS: Self = Self(8);
    /// The daemon stops.
    pub const STOP: Self = Self(16);

    /// Whether this reason is among them.
    #[must_use]
    pub const fn contains(self, reason: Self) -> bool {
        self.0 & reason.0 != 0
    }
}

impl Seat {
    pub(super) fn new(session_id: SessionId, username: Username) -> Self {
        Self {
            session_id,
            username,
            follower: Mutex::default(),
            outbox: Mutex::default(),
            calls: AtomicU8::new(0),
            notify: Notify::new(),
        }
    }

    /// The session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Whose token opened it.
    #[must_use]
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// What it follows. Not to be held while anything else of the hub is called.
    pub fn follower(&self) -> MutexGuard<'_, Follower> {
        locked(&self.follower)
    }

    /// Waits until somebody calls. Safe to drop at any time: a call that was not answered stays.
    pub async fn called(&self) -> Calls {
        loop {
            if let Some(calls) = self.pending_calls() {
                return calls;
            }
            self.notify.notified().await;
        }
    }

    /// The calls that were not answered yet.
    #[must_use]
    pub fn pending_calls(&self) -> Option<Calls> {
        match self.calls.swap(0, Ordering::AcqRel) {
            0 => None,
            calls => Some(Calls(calls)),
        }
    }

    /// The next thing that others left for this session.
    #[must_use]
    pub fn next_event(&self) -> Option<Arc<Event>> {
        locked(&self.outbox).pop()
    }

    /// Whether so much gathered that the session cannot catch up any more.
    #[must_use]
    pub fn has_overflown(&self) -> bool {
        locked(&self.outbox).has_overflown()
    }

    pub(super) fn leave_word(&self, event: Arc<Event>) {
        locked(&self.outbox).push(event);
        self.call(Calls::OUTBOX);
    }

    /// Wakes the session.
    pub fn call(&self, reason: Calls) {
        self.calls.fetch_or(reason.0, Ordering::AcqRel);
        self.notify.notify_one();
    }
}
