//! What is known of the fleet: events go in, changes come out. Pure.

mod client;
mod counts;
mod goal;

use std::collections::BTreeMap;

use protocol::api::ReleaseState;
use protocol::message::{
    ClientConnected, ClientDisconnected, CompatibilityIssue, DownloadProgress,
    InstallationCompleted, InstallationProgress, IssueType, RateLimited, ReleaseChanged,
};
use protocol::{ClientId, ServerMessage, Timestamp, Version};

pub(super) use client::{Client, Stage, Standing, Way};
use counts::Pace;
pub(super) use counts::{Bytes, Counts};
pub(super) use goal::Goal;

/// The fleet as far as it was seen.
#[derive(Debug)]
pub(super) struct Fleet {
    goal: Option<Goal>,
    /// Whether the user named the goal; else it follows what is published.
    is_pinned: bool,
    /// The named goal was offered, and is no longer.
    is_withdrawn: bool,
    clients: BTreeMap<ClientId, Client>,
    counts: Counts,
    bytes: Bytes,
    pace: Pace,
}

/// Something worth a line or a picture.
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
        way: Option<Way>,
    },
    Limited(RateLimited),
    Incompatible(CompatibilityIssue),
    Release(ReleaseChanged),
}

impl Fleet {
    pub(super) fn new(goal: Option<Goal>, is_pinned: bool) -> Self {
        Self {
            goal,
            is_pinned,
            is_withdrawn: false,
            clients: BTreeMap::new(),
            counts: Counts::default(),
            bytes: Bytes::default(),
            pace: Pace::default(),
        }
    }

    pub(super) fn goal(&self) -> Option<&Goal> {
        self.goal.as_ref()
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.is_withdrawn
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = (&ClientId, &Client)> {
        self.clients.iter()
    }

    /// Seconds until the rest ended, if it goes on as in the last minute.
    pub(super) fn seconds_left(&self, now: Timestamp) -> Option<u64> {
        self.pace.seconds_left(now, self.counts.open())
    }

    /// Takes an event in. `None` when it is none, or about another version than the one that is watched.
    pub(super) fn apply(&mut self, message: &ServerMessage) -> Option<Change> {
        let change = match message {
            ServerMessage::ClientConnected(connected) => self.connected(connected),
            ServerMessage::ClientDisconnected(gone) => self.disconnected(gone),
            ServerMessage::DownloadProgress(progress) => {
                self.about(&progress.version)?;
                self.downloading(progress)
            }
            ServerMessage::InstallationProgress(progress) => {
                self.about(&progress.version)?;
                self.installing(progress)
            }
            ServerMessage::InstallationCompleted(completed) => {
                self.about(&completed.version)?;
                self.completed(completed)
            }
            ServerMessage::RateLimited(limited) => self.limited(limited),
            ServerMessage::CompatibilityIssue(issue) => {
                self.about(&issue.version)?;
                self.incompatible(issue)
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

    /// Changes what is known of a client, and counts it as what it is then.
    fn update<T>(&mut self, id: &ClientId, change: impl FnOnce(&mut Client) -> T) -> T {
        let client = self.clients.entry(id.clone()).or_default();
        let outcome = change(client);
        let standing = client.stand(id, self.goal.as_ref());
        self.counts.move_one(client.standing, standing);
        client.standing = standing;
        outcome
    }

    fn connected(&mut self, connected: &ClientConnected) -> Change {
        let is_new = self.update(&connected.client_id, |client| {
            client.runs = Some(connected.client_version.clone());
            client.machine = Some((connected.platform.clone(), connected.architecture.clone()));
            client.channels.clone_from(&connected.channels);
            client.is_away = false;
            client.sessions.insert(connected.session_id)
        });
        // After an update a client registers again, in the session that it has.
        match is_new {
            true => Change::Connected(connected.clone()),
            false => Change::Registered,
        }
    }

    fn disconnected(&mut self, gone: &ClientDisconnected) -> Change {
        self.update(&gone.client_id, |client| {
            client.sessions.remove(&gone.session_id);
            client.is_away = client.sessions.is_empty();
        });
        Change::Disconnected {
            client_id: gone.client_id.clone(),
            time: gone.timestamp,
        }
    }

    fn downloading(&mut self, progress: &DownloadProgress) -> Change {
        let way = Way::of(progress.format.as_deref());
        let stage = Stage::Downloading {
            percentage: progress.progress_percentage,
            bytes_a_second: progress.download_speed,
            seconds_left: progress.estimated_time_remaining,
        };
        let fresh = self.update(&progress.client_id, |client| {
            let journey = client.travel(&progress.version, progress.timestamp, stage);
            // After a delta that did not do, the whole file is counted anew.
            if journey.way.as_ref() != Some(&way) {
                journey.bytes = 0;
            }
            journey.way = Some(way.clone());
            let fresh = progress.bytes_downloaded.saturating_sub(journey.bytes);
            journey.bytes = journey.bytes.max(progress.bytes_downloaded);
            fresh
        });
        self.bytes.add(&way, fresh);
        Change::Downloading(progress.clone())
    }

    fn installing(&mut self, progress: &InstallationProgress) -> Change {
        let stage = Stage::Installing {
            phase: progress.phase.clone(),
            percentage: progress.progress_percentage,
        };
        self.update(&progress.client_id, |client| {
            client.travel(&progress.version, progress.timestamp, stage);
        });
        Change::Installing(progress.clone())
    }

    fn completed(&mut self, completed: &InstallationCompleted) -> Change {
        let (version, time) = (&completed.version, completed.timestamp);
        let journey = self.update(&completed.client_id, |client| {
            client.is_away = false;
            if completed.success {
                client.runs = Some(version.clone());
                client.failed = None;
            } else {
                client.failed = Some((version.clone(), completed.message.clone()));
            }
            let journey = client.journey.take();
            journey.filter(|journey| journey.version == *version)
        });
        self.pace.note(time);
        let elapsed_ms = journey
            .as_ref()
            .map(|journey| u64::try_from(time.unix_ms() - journey.since.unix_ms()).unwrap_or(0));
        Change::Ended {
            completed: completed.clone(),
            elapsed_ms,
            way: journey.and_then(|journey| journey.way),
        }
    }

    fn limited(&mut self, limited: &RateLimited) -> Change {
        self.counts.rate_limited += 1;
        // Who gives no client id is named by user and address, and is none of the clients here.
        if let Ok(id) = limited.client_id.parse::<ClientId>()
            && self.clients.contains_key(&id)
        {
            self.update(&id, |client| {
                if let Some(journey) = &mut client.journey {
                    journey.stage = Stage::Limited;
                }
            });
        }
        Change::Limited(limited.clone())
    }

    fn incompatible(&mut self, issue: &CompatibilityIssue) -> Change {
        // A client that is too old gets there by a version in between; one on another platform never does.
        if let (Some(id), IssueType::UnsupportedPlatform) = (&issue.client_id, issue.issue_type) {
            self.update(id, |client| client.unfit = Some(issue.version.clone()));
        }
        Change::Incompatible(issue.clone())
    }

    fn release_changed(&mut self, changed: &ReleaseChanged) {
        let is_active = changed.state == ReleaseState::Active;
        let news = Goal::after(changed, self.goal.as_ref());
        match &self.goal {
            // What is no longer offered is not waited for, unless the user named it.
            Some(goal) if goal.version == news.version => {
                self.is_withdrawn = match changed.state {
                    ReleaseState::Draft | ReleaseState::Active => false,
                    ReleaseState::Inactive | ReleaseState::Recalled => self.is_pinned,
                };
                self.goal = (self.is_pinned || is_active).then_some(news);
            }
            _ if self.is_pinned || !is_active => return,
            Some(goal) if !news.version.is_newer_than(&goal.version) => return,
            _ => self.goal = Some(news),
        }
        self.count_anew();
    }

    /// Another goal, or other clients that it is meant for.
    fn count_anew(&mut self) {
        let mut counts = Counts {
            rate_limited: self.counts.rate_limited,
            ..Counts::default()
        };
        for (id, client) in &mut self.clients {
            client.standing = client.stand(id, self.goal.as_ref());
            counts.move_one(Standing::Outside, client.standing);
        }
        self.counts = counts;
    }
}

#[cfg(test)]
mod tests;
