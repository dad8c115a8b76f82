//! One session over many requests: what the application holds of it, and what it shares with its transport.
//!
//! Both sides meet in a [`State`] behind a lock that nobody holds while waiting. Whoever waits for something looks again
//! after each change.

pub(crate) mod registry;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::request::Parts;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::frame::{Close, Frame, Message};
use crate::options::Options;

pub use state::Incoming;
pub(crate) use state::{Attached, Detached, INTERRUPTED, State};

const NORMAL_CLOSURE: Close = Close::new(1000, "Normal closure");
const FAILED: Close = Close::new(1011, "Internal error");
const TOO_LARGE: Close = Close::new(1009, "Message too large");

/// How long a request waits for room in the inbox of an application that is busy.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose session it is, in any words of the caller's: put it into the extensions of each request. A request of another
/// owner does not find the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(Arc<str>);

impl Owner {
    /// An owner with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

/// A session, for the application. It is closed when it is dropped.
pub struct Session {
    shared: Arc<Shared>,
    request: Parts,
}

/// The session is over; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct Over;

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The peer does not read, or not fast enough: [`Options::outbox`] is full.
    #[error("the outbox is full")]
    Full,
    /// The session is over.
    #[error("the session is over")]
    Over,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, request: Parts) -> Self {
        Self { shared, request }
    }

    /// The request that opened the session, without its body: headers, URL, and the extensions that the caller put in.
    pub fn request(&self) -> &Parts {
        &self.request
    }

    /// Waits for the next message; `None` when there will be none. Safe to drop at any time.
    pub async fn recv(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.receive().await {
                Incoming::Text(text) => return Some(text),
                Incoming::Sign => {}
                Incoming::TooLarge | Incoming::Over => return None,
            }
        }
    }

    /// Waits for whatever comes next; after [`Incoming::Over`] that is all there is. Safe to drop at any time.
    pub async fn receive(&mut self) -> Incoming {
        self.shared.until(State::take_incoming).await
    }

    /// Sends a message when there is room for it in the outbox. Safe to drop at any time: then it was not sent.
    ///
    /// # Errors
    /// The session is over.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Over> {
        let message = message.into();
        let send = |state: &mut State| match try_send(state, &message) {
            Ok(()) => Some(Ok(())),
            Err(SendError::Full) => None,
            Err(SendError::Over) => Some(Err(Over)),
        };
        self.shared.until(send).await
    }

    /// Sends a message if there is room for it in the outbox now.
    ///
    /// # Errors
    /// There is none, or the session is over.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        self.shared.change(|state| try_send(state, &message))
    }

    /// How many messages wait for the peer.
    pub fn queued(&self) -> usize {
        self.shared.lock().queued()
    }

    /// Closes the session with a code and a reason for the client, which gets them behind what was sent before. Only
    /// the first call counts.
    pub fn close(&self, code: u16, reason: impl Into<Utf8Bytes>) {
        let reason = reason.into();
        self.shared.close(Close { code, reason });
    }
}

/// Without the request, whose URL and headers may hold secrets, and without what people say.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let close = if std::thread::panicking() {
            FAILED
        } else if self.shared.lock().has_exceeded() {
            TOO_LARGE
        } else {
            NORMAL_CLOSURE
        };
        self.shared.close(close);
    }
}

fn try_send(state: &mut State, message: &Message) -> Result<(), SendError> {
    if !state.is_open() {
        return Err(SendError::Over);
    }
    if !state.has_room_to_send(message.text().len()) {
        return Err(SendError::Full);
    }
    state.send(message.clone());
    Ok(())
}

/// What the application and the transport of one session share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Notify,
    /// Its place among those that there may be.
    _permit: OwnedSemaphorePermit,
}

/// The application does not take what is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Shared {
    pub(crate) fn new(options: &Options, permit: OwnedSemaphorePermit) -> Self {
        Self {
            state: Mutex::new(State::new(options, Instant::now())),
            changed: Notify::new(),
            _permit: permit,
        }
    }

    /// A look that changes nothing.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and lets everybody who waits look again.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.notify_waiters();
        outcome
    }

    /// Tries a change now and after each change by others, until it gives something.
    pub(crate) async fn until<T>(&self, change: impl FnMut(&mut State) -> Option<T>) -> T {
        let outcome = self.wait(change).await;
        self.changed.notify_waiters();
        outcome
    }

    /// The same for a look that changes nothing, and so wakes nobody.
    pub(crate) async fn when<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        self.wait(|state| look(state)).await
    }

    async fn wait<T>(&self, mut attempt: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Created before the attempt, so that no change in between is missed.
            let changed = self.changed.notified();
            let outcome = attempt(&mut self.lock());
            if let Some(outcome) = outcome {
                return outcome;
            }
            changed.await;
        }
    }

    pub(crate) fn close(&self, close: Close) {
        self.change(|state| state.close(close, Instant::now()));
    }

    pub(crate) async fn next_frame(&self) -> Frame {
        self.until(State::take_frame).await
    }

    /// Hands messages over to the application, all or none.
    pub(crate) async fn deliver(&self, messages: Vec<Utf8Bytes>) -> Result<(), Busy> {
        let mut messages = Some(messages);
        let deliver = |state: &mut State| {
            let has_room = state.has_room_to_deliver() || !state.is_open();
            let messages = if has_room { messages.take() } else { None }?;
            state.deliver(messages);
            Some(())
        };
        let delivery = tokio::time::timeout(DELIVERY_TIMEOUT, self.until(deliver));
        delivery.await.map_err(|_| Busy)
    }
}
