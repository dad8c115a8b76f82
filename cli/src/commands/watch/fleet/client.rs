//! One client of the fleet, and where it stands on its way to the goal. Pure.

use std::collections::BTreeSet;

use protocol::message::COMPRESSED;
use protocol::{Architecture, Channel, ClientId, Platform, SessionId, Timestamp, Version};

use super::goal::Goal;

/// What is known of a client.
#[derive(Debug, Default)]
pub(in crate::commands::watch) struct Client {
    pub(in crate::commands::watch) runs: Option<Version>,
    pub(in crate::commands::watch) machine: Option<(Platform, Architecture)>,
    pub(super) channels: Vec<Channel>,
    /// The sessions that it opened, and has not closed.
    pub(super) sessions: BTreeSet<SessionId>,
    /// Its last session ended, and nothing was heard from it since.
    pub(in crate::commands::watch) is_away: bool,
    pub(in crate::commands::watch) journey: Option<Journey>,
    /// The version that it failed to install last, and why.
    pub(in crate::commands::watch) failed: Option<(Version, String)>,
    /// The version that it can never take.
    pub(super) unfit: Option<Version>,
    /// As it was counted last.
    pub(in crate::commands::watch) standing: Standing,
}

/// A version that a client is on its way to.
#[derive(Clone, Debug)]
pub(in crate::commands::watch) struct Journey {
    pub(in crate::commands::watch) version: Version,
    pub(in crate::commands::watch) since: Timestamp,
    pub(in crate::commands::watch) way: Option<Way>,
    pub(in crate::commands::watch) stage: Stage,
    /// Bytes that were counted.
    pub(super) bytes: u64,
}

/// What a client on its way is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) enum Stage {
    Downloading {
        percentage: u8,
        bytes_a_second: u64,
        seconds_left: u64,
    },
    Installing {
        phase: String,
        percentage: u8,
    },
    /// A limit of the daemon made it wait.
    Limited,
}

/// How the bytes travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) enum Way {
    Full,
    Compressed,
    /// The format of the delta.
    Delta(String),
}

/// What a client counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands::watch) enum Standing {
    /// The goal is not meant for it.
    #[default]
    Outside,
    Failed,
    Installing,
    Downloading,
    /// It should take the goal and has not begun.
    Waiting,
    /// It runs the goal or something newer.
    Done,
}

impl Way {
    pub(in crate::commands::watch) fn of(format: Option<&str>) -> Self {
        match format {
            None => Self::Full,
            Some(COMPRESSED) => Self::Compressed,
            Some(format) => Self::Delta(format.to_owned()),
        }
    }
}

impl Client {
    /// It is seen on its way. Another version is another journey; so is the same one after a failure.
    pub(super) fn travel(
        &mut self,
        version: &Version,
        now: Timestamp,
        stage: Stage,
    ) -> &mut Journey {
        self.is_away = false;
        let before = self.journey.take();
        let journey = match before.filter(|journey| journey.version == *version) {
            Some(journey) => Journey { stage, ..journey },
            None => Journey {
                version: version.clone(),
                since: now,
                way: None,
                stage,
                bytes: 0,
            },
        };
        self.journey.insert(journey)
    }

    /// Why it failed last.
    pub(in crate::commands::watch) fn reason(&self) -> &str {
        let failed = self.failed.as_ref();
        failed.map_or("", |(_, reason)| reason.as_str())
    }

    /// Where it stands with this goal.
    pub(super) fn stand(&self, id: &ClientId, goal: Option<&Goal>) -> Standing {
        let Some(goal) = goal else {
            return Standing::Outside;
        };
        if self
            .runs
            .as_ref()
            .is_some_and(|runs| !goal.version.is_newer_than(runs))
        {
            return Standing::Done;
        }
        // Also while it tries again: who fails over and over would else never count.
        let failed = self.failed.as_ref();
        if failed.is_some_and(|(version, _)| *version == goal.version) {
            return Standing::Failed;
        }
        let journey = self.journey.as_ref();
        if let Some(journey) = journey.filter(|journey| journey.version == goal.version) {
            return match journey.stage {
                Stage::Downloading { .. } | Stage::Limited => Standing::Downloading,
                Stage::Installing { .. } => Standing::Installing,
            };
        }
        let platform = self.machine.as_ref().map(|(platform, _)| platform);
        // Who never registered may be anybody, such as a publisher that fetches what a delta begins with.
        let is_meant = self.runs.is_some()
            && self.unfit.as_ref() != Some(&goal.version)
            && goal.runs_on(platform)
            && goal.is_heard_on(&self.channels)
            && goal.is_rolled_out_to(id);
        match is_meant {
            true => Standing::Waiting,
            false => Standing::Outside,
        }
    }
}
