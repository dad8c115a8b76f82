//! What is known of the fleet: events go in, changes come out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use protocol::api::ReleaseState;
use protocol::message::{
    ClientConnected, CompatibilityIssue, DownloadProgress, InstallationCompleted,
    InstallationProgress, RateLimited, ReleaseChanged,
};
use protocol::{ClientId, ServerMessage, SessionId, Timestamp, Version};

/// The release that clients should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    pub(super) version: Version,
    pub(super) rollout_percentage: u8,
}

/// The fleet as far as it was seen.
#[derive(Debug)]
pub(super) struct Fleet {
    goal: Option<Goal>,
    /// Whether the user named the goal; else it follows what is published.
    is_pinned: bool,
    clients: BTreeMap<ClientId, Client>,
    rate_limited: u64,
}

#[derive(Debug, Default)]
struct Client {
    runs: Option<Version>,
    /// The sessions that it opened, and has not closed.
    sessions: BTreeSet<SessionId>,
    /// What it is on its way to, since when, and how the bytes travel.
    under_way: Option<UnderWay>,
    /// The version that it failed to install last.
    failed: Option<Version>,
}

#[derive(Clone, Debug)]
struct UnderWay {
    version: Version,
    since: Timestamp,
    format: Option<String>,
}

/// Numbers for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Clients that should run the goal.
    pub(super) eligible: u64,
    /// Those that do, or run something newer.
    pub(super) done: u64,
    /// Those whose installation failed and was not made good.
    pub(super) failed: u64,
    /// How often a limit was passed.
    pub(super) rate_limited: u64,
}

/// Something worth a line or a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Connected(ClientConnected),
    /// A connected client runs another version now, as its update said before.
    Registered,
    Disconnected {
        client_id: ClientId,
        time: Timestamp,
    },
    Downloading(DownloadProgress),
    Installing(InstallationProgress),
    Ended {
        completed: InstallationCompleted,
        elapsed_ms: Option<u64>,
        format: Option<String>,
    },
    Limited(RateLimited),
    Incompatible(CompatibilityIssue),
    Release(ReleaseChanged),
}

impl Counts {
    pub(super) fn done_is_at_least(&self, percent: u8) -> bool {
        self.eligible > 0 && self.done * 100 >= self.eligible * u64::from(percent)
    }

    pub(super) fn failed_is_over(&self, percent: u8) -> bool {
        self.failed * 100 > self.eligible * u64::from(percent)
    }
}

impl Fleet {
    pub(super) fn new(goal: Option<Goal>, is_pinned: bool) -> Self {
        Self {
            goal,
            is_pinned,
            clients: BTreeMap::new(),
            rate_limited: 0,
        }
    }

    pub(super) fn goal(&self) -> Option<&Goal> {
        self.goal.as_ref()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts {
            eligible: 0,
            done: 0,
            failed: 0,
            rate_limited: self.rate_limited,
        };
        let Some(goal) = &self.goal else {
            return counts;
        };
        for (id, client) in &self.clients {
            let is_done = client
                .runs
                .as_ref()
                .is_some_and(|runs| !goal.version.is_newer_than(runs));
            let is_concerned = client
                .under_way
                .as_ref()
                .is_some_and(|under_way| under_way.version == goal.version)
                || client.failed.as_ref() == Some(&goal.version);
            if !is_done && !is_concerned && !is_included(id, goal) {
                continue;
            }
            counts.eligible += 1;
            counts.done += u64::from(is_done);
            counts.failed += u64::from(!is_done && client.failed.as_ref() == Some(&goal.version));
        }
        counts
    }

    /// Takes an event in. `None` when it is none, or about another version than the one that is watched.
    pub(super) fn apply(&mut self, message: &ServerMessage) -> Option<Change> {
        let change = match message {
            ServerMessage::ClientConnected(connected) => self.connected(connected),
            ServerMessage::ClientDisconnected(gone) => {
                if let Some(client) = self.clients.get_mut(&gone.client_id) {
                    client.sessions.remove(&gone.session_id);
                }
                Change::Disconnected {
                    client_id: gone.client_id.clone(),
                    time: gone.timestamp,
                }
            }
            ServerMessage::DownloadProgress(progress) => {
                self.about(&progress.version)?;
                self.under_way(&progress.client_id, &progress.version, progress.timestamp)
                    .format = progress.format.clone();
                Change::Downloading(progress.clone())
            }
            ServerMessage::InstallationProgress(progress) => {
                self.about(&progress.version)?;
                self.under_way(&progress.client_id, &progress.version, progress.timestamp);
                Change::Installing(progress.clone())
            }
            ServerMessage::InstallationCompleted(completed) => {
                self.about(&completed.version)?;
                self.completed(completed)
            }
            ServerMessage::RateLimited(limited) => {
                self.rate_limited += 1;
                Change::Limited(limited.clone())
            }
            ServerMessage::CompatibilityIssue(issue) => {
                self.about(&issue.version)?;
                Change::Incompatible(issue.clone())
            }
            ServerMessage::ReleaseChanged(changed) => {
                self.release_changed(changed);
                self.about(&changed.version)?;
                Change::Release(changed.clone())
            }
            ServerMessage::Welcome(_)
            | ServerMessage::NewVersionAvailable(_)
            | ServerMessage::Error(_)
            | ServerMessage::Heartbeat(_)
            | ServerMessage::Ack(_) => return None,
        };
        Some(change)
    }

    fn about(&self, version: &Version) -> Option<()> {
        match (&self.goal, self.is_pinned) {
            (Some(goal), true) if goal.version != *version => None,
            _ => Some(()),
        }
    }

    fn connected(&mut self, connected: &ClientConnected) -> Change {
        let client = self.clients.entry(connected.client_id.clone()).or_default();
        client.runs = Some(connected.client_version.clone());
        // After an update a client registers again, in the session that it has.
        match client.sessions.insert(connected.session_id) {
            true => Change::Connected(connected.clone()),
            false => Change::Registered,
        }
    }

    fn under_way(&mut self, id: &ClientId, version: &Version, now: Timestamp) -> &mut UnderWay {
        let client = self.clients.entry(id.clone()).or_default();
        // Another version is another journey; so is the same one after a failure.
        client.under_way = client
            .under_way
            .take()
            .filter(|under_way| under_way.version == *version);
        client.under_way.get_or_insert_with(|| UnderWay {
            version: version.clone(),
            since: now,
            format: None,
        })
    }

    fn completed(&mut self, completed: &InstallationCompleted) -> Change {
        let client = self.clients.entry(completed.client_id.clone()).or_default();
        let under_way = client
            .under_way
            .take()
            .filter(|under_way| under_way.version == completed.version);
        if completed.success {
            client.runs = Some(completed.version.clone());
            client.failed = None;
        } else {
            client.failed = Some(completed.version.clone());
        }
        let elapsed_ms = under_way.as_ref().map(|under_way| {
            let elapsed = completed.timestamp.unix_ms() - under_way.since.unix_ms();
            u64::try_from(elapsed).unwrap_or(0)
        });
        Change::Ended {
            completed: completed.clone(),
            elapsed_ms,
            format: under_way.and_then(|under_way| under_way.format),
        }
    }

    fn release_changed(&mut self, changed: &ReleaseChanged) {
        let news = Goal {
            version: changed.version.clone(),
            rollout_percentage: changed.rollout_percentage,
        };
        match &self.goal {
            // What is no longer offered is not waited for, unless the user named it.
            Some(goal) if goal.version == news.version => {
                let is_kept = self.is_pinned || changed.state == ReleaseState::Active;
                self.goal = is_kept.then_some(news);
            }
            _ if self.is_pinned => {}
            Some(goal) if !news.version.is_newer_than(&goal.version) => {}
            _ if changed.state == ReleaseState::Active => self.goal = Some(news),
            _ => {}
        }
    }
}

/// Whether the release is rolled out to a client (contract section 3).
fn is_included(client: &ClientId, goal: &Goal) -> bool {
    let digest = delta::checksum::sha256(format!("{client}:{}", goal.version).as_bytes());
    let head = digest
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    head % 10_000 < u64::from(goal.rollout_percentage) * 100
}

#[cfg(test)]
mod tests;
