//! What a session does, as a pure value: something happens, actions come out. No socket, no clock, no lock.
//!
//! What must stay true, whatever comes in: WELCOME is first, no version is announced twice in the same way, and
//! after an action that ends the session there is none.

use std::time::{Duration, Instant};

use protocol::api::Role;
use protocol::error::RateLimitDetails;
use protocol::message::ErrorData;
use protocol::{ClientId, Code, ServerMessage, SessionId, Timestamp};

use super::pace::{Pace, Strikes};
use super::transport::{Fault, Goodbye};
use super::turn::Turn;
use crate::config::Channels;
use crate::hub::event::Filter;
use crate::hub::follower::{Follower, News};
use crate::ops::reports::Report;
use crate::store::Catalog;

/// The state of one session.
#[derive(Debug)]
pub struct State {
    pub(super) session_id: SessionId,
    pub(super) role: Role,
    pub(super) heartbeat_interval: Duration,
    pub(super) pace: Pace,
    pub(super) strikes: Strikes,
    /// A client over its message limit is told so once in each window.
    pub(super) told_of_limit_until: Option<Instant>,
    pub(super) is_watching: bool,
    pub(super) is_over: bool,
}

/// Something that happens to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// The connection stands.
    Opened,
    /// A text came.
    Text(&'a str),
    /// A text came that is over the client's message limit; nobody reads it.
    TextOverLimit(RateLimitDetails),
    /// A binary frame came.
    Binary,
    /// A ping or pong of the transport came.
    Sign,
    /// The peer said goodbye.
    Closed,
    /// The connection cannot be read any further.
    Failed(Fault),
    /// Something changed that may be news for the client.
    Look,
    /// The caller was looked up anew and may do this.
    Recognised(Role),
    /// The caller's token counts no longer.
    TokenEnded,
    /// The daemon stops.
    Stopped,
    /// A moment has come that [`State::wakes_at`] named.
    Tick,
}

/// Something that a session has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send a message.
    Send(ServerMessage),
    /// Send HEARTBEAT.
    SendHeartbeat,
    /// Send RATE_LIMITED, and let the watchers know.
    SendRateLimited(RateLimitDetails),
    /// Announce a release, or say why it cannot be installed.
    Tell(News),
    /// Ask the transport for a sign of life.
    AskForSign,
    /// The hub has to know the client, which is in the follower.
    Register,
    /// Take a report.
    Report(ClientId, Report),
    /// Begin to watch, and answer the message when it has an id.
    Watch {
        /// What to see.
        filter: Filter,
        /// Where to begin.
        since: Option<u64>,
        /// The id of the message.
        id: Option<String>,
    },
    /// End the watch.
    Unwatch,
    /// End the session.
    End(Goodbye),
    /// End the session; there is nobody to say goodbye to.
    Abandon,
}

/// A moment on both clocks: one never goes back, the other can be compared with what is written in a token.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The clock for intervals.
    pub instant: Instant,
    /// The clock of the world.
    pub time: Timestamp,
}

/// What a decision looks at beside the session itself.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The releases.
    pub catalog: &'a Catalog,
    /// The channels of this daemon.
    pub channels: &'a Channels,
    /// Now.
    pub now: Moment,
}

/// How a session is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Its id.
    pub session_id: SessionId,
    /// What its caller may do.
    pub role: Role,
    /// When its token ends.
    pub token_ends_at: Timestamp,
    /// `websocket.heartbeat-interval`.
    pub heartbeat_interval: Duration,
    /// `websocket.connection-timeout`.
    pub connection_timeout: Duration,
    /// Where in the interval its heartbeats lie, from 0 to 1, so that those of all sessions are spread.
    pub heartbeat_offset: f64,
}

impl State {
    /// A session that is about to open.
    #[must_use]
    pub fn new(setup: Setup, now: Moment) -> Self {
        Self {
            session_id: setup.session_id,
            role: setup.role,
            heartbeat_interval: setup.heartbeat_interval,
            pace: Pace::new(&setup, now),
            strikes: Strikes::default(),
            told_of_limit_until: None,
            is_watching: false,
            is_over: false,
        }
    }

    /// When to come back with [`Input::Tick`] at the latest.
    #[must_use]
    pub fn wakes_at(&self, now: Moment) -> Instant {
        self.pace.wakes_at(now)
    }

    /// Takes what happened, and says what to do.
    pub fn apply(
        &mut self,
        input: Input<'_>,
        world: &World<'_>,
        follower: &mut Follower,
    ) -> Vec<Action> {
        if self.is_over {
            return Vec::new();
        }
        Turn::new(self, world, follower).take(input)
    }
}

/// What is said to a peer that does not read fast enough, if it ever comes to read it.
#[must_use]
pub fn farewell_to_slow_consumer(now: Timestamp) -> (ServerMessage, Goodbye) {
    let message = ServerMessage::Error(ErrorData {
        code: Code::SlowConsumer,
        message: "the session does not read what it is sent; connect again to catch up".into(),
        timestamp: now,
        id: None,
        details: None,
    });
    let goodbye = Goodbye {
        code: 1013,
        reason: "slow consumer",
    };
    (message, goodbye)
}

#[cfg(test)]
mod tests;
