//! What a session is at one moment, and what changes it. Pure: time comes in as `now`, nobody waits here.

use std::time::Duration;

use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::frame::{Close, Frame, Message};
use crate::options::Options;
use crate::queue::Queue;

/// A receiving connection broke, or none came in time.
pub(crate) const INTERRUPTED: Close = Close::new(1002, "Connection interrupted");

/// One session, whatever transport it has.
#[derive(Debug)]
pub(crate) struct State {
    phase: Phase,
    /// Whether the client was told that the session is open, which comes before all else.
    is_greeted: bool,
    receiver: Receiver,
    outbox: Queue<Message>,
    inbox: Queue<Utf8Bytes>,
    has_sign: bool,
    excess: Excess,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// Closed for the application; the client may still come to hear of it.
    Closing {
        close: Close,
        since: Instant,
    },
}

/// The connection that waits for frames.
#[derive(Debug)]
enum Receiver {
    Attached,
    /// There was none since then.
    Away(Instant),
}

/// Whether the peer sent more at a time than it may, and whether the application knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Excess {
    None,
    Untold,
    Told,
}

/// What a new receiving connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attached {
    /// It is the receiver.
    Alone,
    /// The session is closed; everybody may hear of it.
    Farewell,
}

/// How a receiving connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detached {
    /// By us: another one will follow.
    InOrder,
    /// By the peer: what was on its way may be lost.
    Broken,
}

/// What the application hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Text(Utf8Bytes),
    /// A sign of life without content: a new receiving connection, an empty request, a pong, and once in a
    /// heartbeat interval that a streaming connection takes what it is given. Several may count as one.
    Sign,
    /// The peer sent more at a time than [`Options::max_message_bytes`]. Nothing more is received; something can
    /// still be sent before the session is closed.
    TooLarge,
    /// The session is over: the peer closed it or is gone, or it was closed here.
    Over,
}

impl State {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        Self {
            phase: Phase::Open,
            is_greeted: false,
            receiver: Receiver::Away(now),
            outbox: Queue::new(options.outbox),
            inbox: Queue::new(options.inbox),
            has_sign: false,
            excess: Excess::None,
        }
    }

    /// Lets a connection receive; `None` while another one does.
    pub(crate) fn attach(&mut self) -> Option<Attached> {
        match (&self.phase, &self.receiver) {
            (Phase::Closing { .. }, _) => Some(Attached::Farewell),
            (Phase::Open, Receiver::Attached) => None,
            (Phase::Open, Receiver::Away(_)) => {
                self.receiver = Receiver::Attached;
                self.has_sign = true;
                Some(Attached::Alone)
            }
        }
    }

    /// Takes the receiver away.
    pub(crate) fn detach(&mut self, detached: Detached, now: Instant) {
        self.receiver = Receiver::Away(now);
        match detached {
            Detached::InOrder => {}
            Detached::Broken => self.close(INTERRUPTED, now),
        }
    }

    /// The next frame for the receiver, if there is one.
    pub(crate) fn take_frame(&mut self) -> Option<Frame> {
        if !self.is_greeted {
            self.is_greeted = true;
            return Some(Frame::Open);
        }
        if !self.outbox.is_empty() {
            return Some(Frame::Messages(self.outbox.take_all()));
        }
        match &self.phase {
            Phase::Open => None,
            Phase::Closing { close, .. } => Some(Frame::Close(close.clone())),
        }
    }

    /// Closes the session; the first reason stays.
    pub(crate) fn close(&mut self, close: Close, now: Instant) {
        match self.phase {
            Phase::Open => self.phase = Phase::Closing { close, since: now },
            Phase::Closing { .. } => {}
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// When the session is to be forgotten, unless something changes.
    pub(crate) fn ends_at(&self, disconnect_delay: Duration) -> Option<Instant> {
        match (&self.phase, &self.receiver) {
            (Phase::Open, Receiver::Attached) => None,
            (Phase::Open, Receiver::Away(since)) | (Phase::Closing { since, .. }, _) => {
                Some(*since + disconnect_delay)
            }
        }
    }

    pub(crate) fn has_receiver(&self) -> bool {
        matches!(self.receiver, Receiver::Attached)
    }

    /// Whether a message of this size may be sent now.
    pub(crate) fn has_room_to_send(&self, size: usize) -> bool {
        self.outbox.has_room(size)
    }

    /// Puts a message where the receiver finds it.
    pub(crate) fn send(&mut self, message: Message) {
        let size = message.text().len();
        self.outbox.push(message, size);
    }

    pub(crate) fn queued(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the application has room for more. The messages of one request count as one.
    pub(crate) fn has_room_to_deliver(&self) -> bool {
        self.inbox.has_room(1)
    }

    /// Puts messages where the application finds them. What comes for a closed session is for nobody.
    pub(crate) fn deliver(&mut self, messages: Vec<Utf8Bytes>) {
        if !self.is_open() || self.excess != Excess::None {
            return;
        }
        self.has_sign = true;
        for message in messages {
            let size = message.len();
            self.inbox.push(message, size);
        }
    }

    /// The peer showed that it is there.
    pub(crate) fn sign(&mut self) {
        self.has_sign = true;
    }

    /// The peer sent more at a time than it may.
    pub(crate) fn exceed(&mut self) {
        if self.excess == Excess::None {
            self.excess = Excess::Untold;
        }
    }

    pub(crate) fn has_exceeded(&self) -> bool {
        self.excess != Excess::None
    }

    /// What the application hears next. What came before the end is heard before it.
    pub(crate) fn take_incoming(&mut self) -> Option<Incoming> {
        if let Some(text) = self.inbox.pop() {
            self.has_sign = false;
            return Some(Incoming::Text(text));
        }
        if !self.is_open() || self.excess == Excess::Told {
            return Some(Incoming::Over);
        }
        if self.excess == Excess::Untold {
            self.excess = Excess::Told;
            return Some(Incoming::TooLarge);
        }
        std::mem::take(&mut self.has_sign).then_some(Incoming::Sign)
    }
}

#[cfg(test)]
mod tests;
