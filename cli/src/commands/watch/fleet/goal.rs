//! The release that clients should run, and which clients that are. Pure.

use protocol::api::ReleaseView;
use protocol::message::ReleaseChanged;
use protocol::{Channel, ClientId, Platform, Version};

/// The release that clients should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) struct Goal {
    pub(in crate::commands::watch) version: Version,
    pub(in crate::commands::watch) rollout_percentage: u8,
    /// Where it was published; unknown as long as it is not.
    pub(in crate::commands::watch) channel: Option<Channel>,
    /// What it runs on; empty means everything, or that nobody told.
    pub(in crate::commands::watch) platforms: Vec<Platform>,
}

/// The channels that every daemon has, the most stable first. What else it has is its own affair.
const BUILT_IN: [&str; 3] = ["stable", "beta", "alpha"];

impl Goal {
    /// A version that nobody published yet.
    pub(in crate::commands::watch) fn unpublished(version: Version) -> Self {
        Self {
            version,
            rollout_percentage: 100,
            channel: None,
            platforms: Vec::new(),
        }
    }

    /// What became of a release; an event does not tell the platforms.
    pub(super) fn after(changed: &ReleaseChanged, before: Option<&Self>) -> Self {
        let before = before.filter(|before| before.version == changed.version);
        Self {
            version: changed.version.clone(),
            rollout_percentage: changed.rollout_percentage,
            channel: Some(changed.release_channel.clone()),
            platforms: before.map_or_else(Vec::new, |before| before.platforms.clone()),
        }
    }

    /// Whether the release is rolled out to a client (contract section 3).
    pub(super) fn is_rolled_out_to(&self, client: &ClientId) -> bool {
        let digest = delta::checksum::sha256(format!("{client}:{}", self.version).as_bytes());
        let head = digest
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        head % 10_000 < u64::from(self.rollout_percentage) * 100
    }

    /// Whether it may run there. A client that did not say where it runs may.
    pub(super) fn runs_on(&self, platform: Option<&Platform>) -> bool {
        self.platforms.is_empty()
            || platform.is_none_or(|platform| self.platforms.contains(platform))
    }

    /// False when a client is sure not to hear of it: all that it follows is more stable than where it was published.
    pub(super) fn is_heard_on(&self, followed: &[Channel]) -> bool {
        let rank = |channel: &Channel| BUILT_IN.iter().position(|name| *name == channel.as_str());
        let Some(published) = self.channel.as_ref().and_then(rank) else {
            return true;
        };
        followed.is_empty()
            || followed
                .iter()
                .any(|channel| rank(channel).is_none_or(|rank| rank >= published))
    }
}

impl From<ReleaseView> for Goal {
    fn from(release: ReleaseView) -> Self {
        Self {
            version: release.version_number,
            rollout_percentage: release.rollout_percentage,
            channel: Some(release.release_channel),
            platforms: release.platforms,
        }
    }
}
