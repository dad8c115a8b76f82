//! The one decision of what a client should install next (contract sections 3, 4 and 7).
//!
//! The answer to a check, the catch-up of a session and the announcement of a release all come from [`offer`], so
//! they cannot differ. It is a function of the catalog and of what the client said; it remembers nothing.

use std::sync::Arc;

use protocol::api::ReleaseState;
use protocol::message::{CompatibilityIssue, IssueType};
use protocol::{Channel, ClientId, Platform, Timestamp, Version};

use crate::config::Channels;
use crate::rollout;
use crate::store::{Catalog, Release};

/// What a client said of itself.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What it runs.
    pub current_version: &'a Version,
    /// What it follows.
    pub channels: &'a [Channel],
    /// Who it is; without it, it is in no partial rollout.
    pub client_id: Option<&'a ClientId>,
    /// What it runs on; without it, it is taken to run on what a release needs.
    pub platform: Option<&'a Platform>,
}

/// What a client should do. All empty: it is up to date.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// What to install next.
    pub install: Option<Arc<Release>>,
    /// Whether that is older than what the client runs, because that was recalled.
    pub is_rollback: bool,
    /// The newest release, when the client cannot install it directly.
    pub newest: Option<Arc<Release>>,
    /// Why it cannot, and what to do; always there with `newest`.
    pub issue: Option<CompatibilityIssue>,
}

/// What this client should install next.
#[must_use]
pub fn offer(catalog: &Catalog, channels: &Channels, query: &Query<'_>, now: Timestamp) -> Offer {
    // The catalog has the highest precedence first, so the first one that fits is the newest that fits. What is not active
    // goes first, since that is found out at once, and drafts stand at the top.
    let mut newer = catalog
        .releases()
        .iter()
        .filter(|release| release.state == ReleaseState::Active)
        .take_while(|release| release.version.is_newer_than(query.current_version))
        .filter(|release| is_open_to(release, channels, query.channels, query.client_id));
    let Some(newest) = newer.next() else {
        return rollback(catalog, channels, query);
    };
    let Some(obstacle) = obstacle(newest, query) else {
        return Offer {
            install: Some(Arc::clone(newest)),
            ..Offer::default()
        };
    };
    let stepping_stone = newer.find(|release| self::obstacle(release, query).is_none());
    let resolution = obstacle.resolution(newest, stepping_stone.map(Arc::as_ref), query);
    let way = match stepping_stone {
        Some(release) => Offer {
            install: Some(Arc::clone(release)),
            ..Offer::default()
        },
        None => rollback(catalog, channels, query),
    };
    let issue = CompatibilityIssue {
        client_id: query.client_id.cloned(),
        version: newest.version.clone(),
        issue_type: obstacle.issue_type(),
        description: obstacle.description(newest),
        resolution,
        timestamp: now,
        seq: None,
    };
    Offer {
        newest: Some(Arc::clone(newest)),
        issue: Some(issue),
        ..way
    }
}

/// The way back for a client that runs a recalled release: the newest older one that it can run.
fn rollback(catalog: &Catalog, channels: &Channels, query: &Query<'_>) -> Offer {
    let is_recalled = catalog
        .same_precedence(query.current_version)
        .is_some_and(|running| running.state == ReleaseState::Recalled);
    if !is_recalled {
        return Offer::default();
    }
    let install = catalog
        .releases()
        .iter()
        .filter(|release| query.current_version.is_newer_than(&release.version))
        .filter(|release| is_open_to(release, channels, query.channels, query.client_id))
        .find(|release| obstacle(release, query).is_none())
        .map(Arc::clone);
    Offer {
        is_rollback: install.is_some(),
        install,
        ..Offer::default()
    }
}

/// The newest release for who follows these channels and does not say what it is: one that is rolled out to everybody.
#[must_use]
pub fn newest_for_anybody<'a>(
    catalog: &'a Catalog,
    channels: &Channels,
    followed: &[Channel],
) -> Option<&'a Arc<Release>> {
    let mut releases = catalog.releases().iter();
    releases.find(|release| is_open_to(release, channels, followed, None))
}

/// Whether a release is meant for this client at all: offered, on a channel that it follows, rolled out to it.
fn is_open_to(
    release: &Release,
    channels: &Channels,
    followed: &[Channel],
    client_id: Option<&ClientId>,
) -> bool {
    release.state == ReleaseState::Active
        && followed
            .iter()
            .any(|channel| channels.receives(channel, &release.channel))
        && rollout::is_included(client_id, &release.version, release.rollout_percentage)
}

/// Why a client cannot install a release that is meant for it.
enum Obstacle<'a> {
    /// The release does not run on the client's platform.
    Platform(&'a Platform),
    /// The client is too old to take it directly.
    MinimumVersion,
}

/// The platform comes first, since no other update helps against it.
fn obstacle<'a>(release: &Release, query: &Query<'a>) -> Option<Obstacle<'a>> {
    if let Some(platform) = query.platform
        && !runs_on(release, platform)
    {
        return Some(Obstacle::Platform(platform));
    }
    release
        .minimum_client_version
        .is_newer_than(query.current_version)
        .then_some(Obstacle::MinimumVersion)
}

/// Names of platforms come from people and from browsers, so their case does not matter.
fn runs_on(release: &Release, platform: &Platform) -> bool {
    release.platforms.is_empty()
        || release
            .platforms
            .iter()
            .any(|listed| listed.as_str().eq_ignore_ascii_case(platform.as_str()))
}

impl Obstacle<'_> {
    const fn issue_type(&self) -> IssueType {
        match self {
            Self::Platform(_) => IssueType::UnsupportedPlatform,
            Self::MinimumVersion => IssueType::MinimumVersion,
        }
    }

    fn description(&self, blocked: &Release) -> String {
        match self {
            Self::Platform(platform) => format!(
                "Version {} does not support the platform {platform}",
                blocked.version
            ),
            Self::MinimumVersion => "Client version too old for this update".into(),
        }
    }

    fn resolution(&self, blocked: &Release, next: Option<&Release>, query: &Query<'_>) -> String {
        match (self, next) {
            (Self::MinimumVersion, Some(Release { version, .. })) => {
                format!("Please update to version {version} first")
            }
            (Self::MinimumVersion, None) => format!(
                "Please install version {} or newer by hand: no version in between is offered to this client",
                blocked.minimum_client_version
            ),
            (Self::Platform(platform), Some(Release { version, .. })) => {
                format!(
                    "Please install version {version}, the newest that this client can run on {platform}"
                )
            }
            (Self::Platform(_), None) => {
                let listed: Vec<&str> = blocked.platforms.iter().map(Platform::as_str).collect();
                format!(
                    "Please stay on version {}: version {} supports {} only",
                    query.current_version,
                    blocked.version,
                    listed.join(", ")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
