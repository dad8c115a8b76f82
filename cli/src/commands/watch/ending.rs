//! How a watch ended: as an exit code, and as the line that comes last.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::fleet::{Bytes, Fleet};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::units::{format_duration, format_share};

/// Why the watch ended.
#[derive(Debug)]
pub(super) enum End {
    Reached,
    Failed,
    /// The version that was named is no longer offered.
    Withdrawn,
    TimedOut,
    Stopped(Exit),
    /// Something went wrong after the watch had begun.
    Broken(Failure),
}

/// The last line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Summary {
    /// `reached`, `failed`, `withdrawn`, `timeout`, `interrupted`, `lost` or `error`; `stopped` is only seen on a terminal.
    pub(super) result: &'static str,
    /// Why, where the result alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Clients that should run the version.
    pub(super) eligible: u64,
    /// Those that have not begun.
    pub(super) waiting: u64,
    /// Those on their way.
    pub(super) under_way: u64,
    /// Those that run it.
    pub(super) completed: u64,
    /// Those whose installation failed and was not made good.
    pub(super) failed: u64,
    /// How often a limit was passed.
    pub(super) rate_limited: u64,
    /// What travelled, as far as it was seen.
    pub(super) bytes: Bytes,
    /// How often events were lost, so that numbers may be too small.
    pub(super) gaps: u64,
    pub(super) duration_ms: u64,
}

impl End {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Reached => Exit::Ok,
            Self::Failed | Self::Withdrawn => Exit::RolloutFailed,
            Self::TimedOut => Exit::Timeout,
            Self::Stopped(exit) => *exit,
            Self::Broken(failure) => failure.exit,
        }
    }

    pub(super) fn result(&self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
            Self::TimedOut => "timeout",
            Self::Stopped(Exit::Ok) => "stopped",
            Self::Stopped(_) => "interrupted",
            Self::Broken(failure) if failure.exit == Exit::Network => "lost",
            Self::Broken(_) => "error",
        }
    }

    /// Why, where the result alone does not say it.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::Withdrawn => Some("the version is no longer offered".to_owned()),
            Self::Broken(failure) => Some(failure.message.clone()),
            Self::Reached | Self::Failed | Self::TimedOut | Self::Stopped(_) => None,
        }
    }
}

impl Summary {
    /// The numbers; how it ended is another matter.
    pub(super) fn of(fleet: &Fleet, elapsed: Duration) -> Self {
        let counts = fleet.counts();
        Self {
            result: "",
            reason: None,
            target: None,
            version: fleet.goal().map(|goal| goal.version.to_string()),
            eligible: counts.eligible(),
            waiting: counts.waiting,
            under_way: counts.downloading + counts.installing,
            completed: counts.done,
            failed: counts.failed,
            rate_limited: counts.rate_limited,
            bytes: fleet.bytes(),
            gaps: 0,
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The same for people.
    pub(super) fn in_words(&self) -> String {
        let mut words = self.result.to_owned();
        if let Some(target) = &self.target {
            words.push_str(&format!(" ({target})"));
        }
        let (done, eligible) = (self.completed, self.eligible);
        words.push_str(&format!(
            ": {} done ({done} of {eligible}), {} failed, in {}",
            format_share(done, eligible),
            self.failed,
            format_duration(Duration::from_millis(self.duration_ms))
        ));
        if self.gaps > 0 {
            words.push_str("; events were lost, so these numbers may be too small");
        }
        words
    }
}
