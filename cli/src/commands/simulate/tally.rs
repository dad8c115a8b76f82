//! What became of a simulated fleet so far: happenings go in, numbers come out. Pure.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use client::simulate::What;
use protocol::Version;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::units::format_duration;

/// The fleet.
#[derive(Debug)]
pub(super) struct Tally {
    clients: Vec<Client>,
    announcements: u64,
    completed: u64,
    failed: u64,
    reconnects: u64,
    /// When the first client heard of a version.
    first_heard: HashMap<Version, Instant>,
    /// How long after the first the others heard of it.
    delays: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// Since when its session stands.
    connected: Option<Instant>,
    was_connected: bool,
    has_ended: bool,
    has_failed: bool,
}

/// Where the fleet stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct State {
    /// Clients there are to be.
    pub(super) clients: usize,
    /// Sessions that stand.
    pub(super) connected: usize,
    /// Times that a client heard of a version.
    pub(super) announced: u64,
    /// Installations that ended well.
    pub(super) completed: u64,
    /// Installations that did not.
    pub(super) failed: u64,
    /// Clients with at least one installation that ended, well or not.
    pub(super) done: usize,
}

/// The last line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Summary {
    result: &'static str,
    clients: usize,
    connected: usize,
    announced: u64,
    completed: u64,
    failed: u64,
    reconnects: u64,
    /// From the first client's hearing of a version to that of the others that were connected by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement_delay_ms: Option<Delays>,
    duration_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
struct Delays {
    p50: f64,
    p99: f64,
}

impl Tally {
    pub(super) fn new(clients: u32) -> Self {
        Self {
            clients: vec![Client::default(); clients as usize],
            announcements: 0,
            completed: 0,
            failed: 0,
            reconnects: 0,
            first_heard: HashMap::new(),
            delays: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, index: u32, what: &What) {
        let Some(client) = self.clients.get_mut(index as usize) else {
            return;
        };
        match what {
            What::Connected => {
                self.reconnects += u64::from(client.was_connected);
                client.connected = Some(Instant::now());
                client.was_connected = true;
            }
            What::Lost { .. } | What::Ended(_) => client.connected = None,
            What::Announced { version, at } => {
                self.announcements += 1;
                let Some(first) = self.first_heard.get(version) else {
                    self.first_heard.insert(version.clone(), *at);
                    return;
                };
                // Who connects later catches up: that is no delay of the announcement.
                if client.connected.is_some_and(|since| since <= *first) {
                    self.delays.push(at.saturating_duration_since(*first));
                }
            }
            What::Completed(_) => {
                self.completed += 1;
                client.has_ended = true;
            }
            What::Failed { .. } => {
                self.failed += 1;
                client.has_ended = true;
                client.has_failed = true;
            }
        }
    }

    /// Clients with an installation that did not end well.
    pub(super) fn failed_clients(&self) -> usize {
        let has_failed = |client: &&Client| client.has_failed;
        self.clients.iter().filter(has_failed).count()
    }

    /// Whether every client has installed a release, or failed to.
    pub(super) fn is_updated(&self) -> bool {
        self.clients.iter().all(|client| client.has_ended)
    }

    pub(super) fn state(&self) -> State {
        let count = |is: fn(&&Client) -> bool| self.clients.iter().filter(is).count();
        State {
            clients: self.clients.len(),
            connected: count(|client| client.connected.is_some()),
            announced: self.announcements,
            completed: self.completed,
            failed: self.failed,
            done: count(|client| client.has_ended),
        }
    }

    pub(super) fn summary(&self, result: &'static str, elapsed: Duration) -> Summary {
        let State {
            clients,
            connected,
            announced,
            completed,
            failed,
            done: _,
        } = self.state();
        Summary {
            result,
            clients,
            connected,
            announced,
            completed,
            failed,
            reconnects: self.reconnects,
            announcement_delay_ms: self.delays(),
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn delays(&self) -> Option<Delays> {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let share = |percent: usize| {
            let index = (delays.len() * percent).div_ceil(100).saturating_sub(1);
            delays
                .get(index)
                .map(|delay| delay.as_micros() as f64 / 1000.0)
        };
        Some(Delays {
            p50: share(50)?,
            p99: share(99)?,
        })
    }
}

impl State {
    /// How far the fleet is, for a bar.
    pub(super) fn percent_done(&self) -> u64 {
        (self.done * 100 / self.clients.max(1)) as u64
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            clients,
            connected,
            announced,
            completed,
            failed,
            done: _,
        } = self;
        write!(
            f,
            "{connected} of {clients} connected, {announced} announced, {completed} completed, {failed} failed"
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            result,
            clients,
            connected,
            announced,
            completed,
            failed,
            reconnects,
            announcement_delay_ms,
            duration_ms,
        } = self;
        write!(
            f,
            "{result}: {connected} of {clients} connected, {announced} announced, {completed} completed, {failed} failed, \
             {reconnects} reconnected"
        )?;
        if let Some(Delays { p50, p99 }) = announcement_delay_ms {
            write!(
                f,
                ", announced to the others within {p50:.1} ms (p50) and {p99:.1} ms (p99)"
            )?;
        }
        let elapsed = Duration::from_millis(*duration_ms);
        write!(f, ", in {}", format_duration(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(at: Instant) -> What {
        What::Announced {
            version: Version::new(2, 0, 0),
            at,
        }
    }

    #[test]
    fn a_fleet_is_updated_when_every_client_has_installed_or_failed() {
        let mut tally = Tally::new(2);
        for index in 0..2 {
            tally.note(index, &What::Connected);
            tally.note(index, &announced(Instant::now()));
        }
        tally.note(0, &What::Completed(Version::new(2, 0, 0)));
        assert!(!tally.is_updated());
        let failed = What::Failed {
            version: Version::new(2, 0, 0),
            reason: "no".into(),
        };
        tally.note(1, &failed);
        assert!(tally.is_updated());
        insta::assert_snapshot!(tally.state(), @"2 of 2 connected, 2 announced, 1 completed, 1 failed");
        assert_eq!(tally.state().percent_done(), 100);
    }

    #[test]
    fn who_connects_after_an_announcement_does_not_count_as_delayed() {
        let mut tally = Tally::new(3);
        tally.note(0, &What::Connected);
        tally.note(1, &What::Connected);
        let first = Instant::now();
        tally.note(0, &announced(first));
        tally.note(1, &announced(first + Duration::from_millis(20)));
        tally.note(2, &What::Connected);
        tally.note(2, &announced(first + Duration::from_secs(60)));
        assert_eq!(
            tally.delays(),
            Some(Delays {
                p50: 20.0,
                p99: 20.0
            })
        );
    }

    #[test]
    fn who_comes_back_is_counted_once_and_as_reconnected() {
        let mut tally = Tally::new(1);
        tally.note(0, &What::Connected);
        tally.note(
            0,
            &What::Lost {
                reason: "broke".into(),
            },
        );
        assert_eq!(tally.state().connected, 0);
        tally.note(0, &What::Connected);
        let summary = tally.summary("reached", Duration::from_secs(2));
        insta::assert_snapshot!(summary, @"reached: 1 of 1 connected, 0 announced, 0 completed, 0 failed, 1 reconnected, in 2.0 s");
    }
}
