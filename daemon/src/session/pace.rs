//! When a session has to do something by itself, and when a peer does too much: the times and counts of one session.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use protocol::Timestamp;
use protocol::limits::TOKEN_LEEWAY;

use super::state::{Moment, Setup};

/// Invalid messages within a minute that end a session (contract section 7).
const MISTAKES: usize = 10;
/// Pings and pongs within a minute that end a session: twenty times as many as the busiest client of ours would send.
const SIGNS: u32 = 600;
const MINUTE: Duration = Duration::from_secs(60);
/// The clock of the world may be set while a session sleeps until its token ends, so it looks again in between.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// What is due when.
#[derive(Debug)]
pub(super) struct Pace {
    heartbeat_interval: Duration,
    connection_timeout: Duration,
    token_ends_at: Timestamp,
    next_heartbeat: Instant,
    heard_at: Instant,
}

impl Pace {
    pub(super) fn new(setup: &Setup, now: Moment) -> Self {
        let offset = setup.heartbeat_offset.clamp(0.01, 1.0);
        // Who connects with a token that is in its leeway already keeps it to the end of that.
        let token_ends_at = match setup.token_ends_at {
            ends_at if ends_at > now.time => ends_at,
            ends_at => later(ends_at, TOKEN_LEEWAY),
        };
        Self {
            heartbeat_interval: setup.heartbeat_interval,
            connection_timeout: setup.connection_timeout,
            token_ends_at,
            next_heartbeat: now.instant + setup.heartbeat_interval.mul_f64(offset),
            heard_at: now.instant,
        }
    }

    pub(super) fn heard(&mut self, now: Moment) {
        self.heard_at = now.instant;
    }

    pub(super) fn is_silent(&self, now: Moment) -> bool {
        now.instant.saturating_duration_since(self.heard_at) >= self.connection_timeout
    }

    pub(super) fn has_token_ended(&self, now: Moment) -> bool {
        now.time >= self.token_ends_at
    }

    /// Whether a heartbeat is due. One that was slept through, on a suspended machine say, is not made up for.
    pub(super) fn take_heartbeat(&mut self, now: Moment) -> bool {
        if now.instant < self.next_heartbeat {
            return false;
        }
        self.next_heartbeat += self.heartbeat_interval;
        if self.next_heartbeat <= now.instant {
            self.next_heartbeat = now.instant + self.heartbeat_interval;
        }
        true
    }

    pub(super) fn wakes_at(&self, now: Moment) -> Instant {
        let token_ms = self
            .token_ends_at
            .unix_ms()
            .saturating_sub(now.time.unix_ms());
        let token_ends_in = Duration::from_millis(u64::try_from(token_ms).unwrap_or(0));
        let token_ends_at = now.instant + token_ends_in.min(LONGEST_SLEEP);
        let silent_at = self.heard_at + self.connection_timeout;
        self.next_heartbeat.min(silent_at).min(token_ends_at)
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by_ms = i64::try_from(by.as_millis()).unwrap_or(0);
    Timestamp::from_unix_ms(time.unix_ms().saturating_add(by_ms))
}

/// What is counted against a peer.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    /// When the last invalid messages came; the oldest first.
    mistakes: VecDeque<Instant>,
    signs: u32,
    signs_since: Option<Instant>,
}

impl Strikes {
    /// Notes an invalid message. Whether there were ten within the last minute.
    pub(super) fn is_too_many_mistakes(&mut self, now: Instant) -> bool {
        self.mistakes
            .retain(|at| now.saturating_duration_since(*at) < MINUTE);
        self.mistakes.push_back(now);
        self.mistakes.len() >= MISTAKES
    }

    /// Notes a ping or pong. Whether there are so many that they are no signs of life any more.
    pub(super) fn is_too_many_signs(&mut self, now: Instant) -> bool {
        let is_new_minute = self
            .signs_since
            .is_none_or(|since| now.saturating_duration_since(since) >= MINUTE);
        if is_new_minute {
            self.signs_since = Some(now);
            self.signs = 0;
        }
        self.signs += 1;
        self.signs > SIGNS
    }
}
