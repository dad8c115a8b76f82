//! What a journal record says: who changed what, when and from where.
//!
//! These structs are what lies on the disk for years, so they are apart from the daemon's own records and from the wire.
//! A reader ignores fields that it does not know. Therefore a field that an older daemon must not ignore, and a new
//! kind of change, need a higher format version in the file's header; a new optional field does not.
//! `tests/golden/journal-v1.log` holds one of each kind.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::api::{ReleaseState, Role};
use protocol::{Channel, Checksum, Platform, ReleaseId, Timestamp, TokenId, Username, Version};
use serde::{Deserialize, Serialize};

/// The payload of one journal record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) time: Timestamp,
    pub(super) actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpAddr>,
    pub(super) change: Change,
}

/// Everything that can change. Releases are named with their versions as well, so that the file can be read by people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub(super) enum Change {
    UserCreated {
        username: Username,
        role: Role,
    },
    UserChanged {
        username: Username,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enabled: Option<bool>,
    },
    TokenIssued {
        id: TokenId,
        username: Username,
        issued_at: Timestamp,
        expires_at: Timestamp,
    },
    TokenRevoked {
        jti: String,
    },
    ReleaseCreated(Box<CreatedRelease>),
    ReleaseChanged {
        release: ReleaseName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<ReleaseState>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollout_percentage: Option<u8>,
    },
    ChannelRolledBack {
        channel: Channel,
        to: ReleaseName,
        recalled: Vec<ReleaseName>,
    },
    DeltaAdded(Box<AddedDelta>),
}

/// Which release: the id decides, the version tells people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReleaseName {
    pub(super) id: ReleaseId,
    pub(super) version: Version,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedRelease {
    pub(super) id: ReleaseId,
    pub(super) version: Version,
    pub(super) channel: Channel,
    pub(super) state: ReleaseState,
    pub(super) is_mandatory: bool,
    pub(super) release_notes: Arc<str>,
    pub(super) minimum_client_version: Version,
    pub(super) file_name: String,
    pub(super) checksum: Checksum,
    pub(super) size_bytes: u64,
    pub(super) rollout_percentage: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) platforms: Vec<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
    pub(super) created_by: Username,
    pub(super) created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedDelta {
    /// The release that it leads to.
    pub(super) release_id: ReleaseId,
    /// `0.0.0` for a delta from nothing: a daemon from before there were such reads it as a delta from a version that no
    /// client has, whose source checksum no client's file has either, and does no harm with it.
    pub(super) from: Version,
    /// Present and true for a delta from nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) from_nothing: bool,
    pub(super) to: Version,
    pub(super) format: String,
    pub(super) checksum: Checksum,
    pub(super) size_bytes: u64,
    pub(super) source_checksum: Checksum,
    pub(super) target_checksum: Checksum,
    pub(super) created_at: Timestamp,
}

impl Change {
    /// The releases in whose history the change belongs.
    pub(super) fn releases(&self) -> Vec<ReleaseId> {
        match self {
            Self::UserCreated { .. }
            | Self::UserChanged { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. } => Vec::new(),
            Self::ReleaseCreated(created) => vec![created.id],
            Self::ReleaseChanged { release, .. } => vec![release.id],
            Self::ChannelRolledBack { to, recalled, .. } => {
                let all = recalled.iter().chain([to]);
                all.map(|release| release.id).collect()
            }
            Self::DeltaAdded(added) => vec![added.release_id],
        }
    }

    /// What happened, as a word.
    pub(super) const fn action(&self) -> &'static str {
        match self {
            Self::UserCreated { .. } => "USER_CREATED",
            Self::UserChanged { .. } => "USER_CHANGED",
            Self::TokenIssued { .. } => "TOKEN_ISSUED",
            Self::TokenRevoked { .. } => "TOKEN_REVOKED",
            Self::ReleaseCreated(_) => "RELEASE_CREATED",
            Self::ReleaseChanged { .. } => "RELEASE_CHANGED",
            Self::ChannelRolledBack { .. } => "CHANNEL_ROLLED_BACK",
            Self::DeltaAdded(_) => "DELTA_ADDED",
        }
    }

    /// What happened, in a sentence.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::UserCreated { username, role } => {
                format!("created user {username} as {}", role.as_str())
            }
            Self::UserChanged {
                username,
                role,
                enabled,
            } => {
                let role = role.map(|role| format!("role to {}", role.as_str()));
                let enabled = enabled.map(|enabled| format!("enabled to {enabled}"));
                format!("set {} of user {username}", and(role, enabled))
            }
            Self::TokenIssued { id, username, .. } => format!("issued token {id} to {username}"),
            Self::TokenRevoked { jti } => format!("revoked token {jti}"),
            Self::ReleaseCreated(created) => format!(
                "created {} in {} as {}, rollout {} %",
                created.version,
                created.channel,
                created.state.as_str(),
                created.rollout_percentage
            ),
            Self::ReleaseChanged {
                release,
                state,
                rollout_percentage,
            } => {
                let state = state.map(|state| format!("state to {}", state.as_str()));
                let rollout = rollout_percentage.map(|percent| format!("rollout to {percent} %"));
                format!("set {} of {}", and(state, rollout), release.version)
            }
            Self::ChannelRolledBack {
                channel,
                to,
                recalled,
            } => {
                let recalled: Vec<_> = recalled.iter().map(|r| r.version.to_string()).collect();
                let recalled = recalled.join(", ");
                format!(
                    "rolled {channel} back to {}, recalling {recalled}",
                    to.version
                )
            }
            Self::DeltaAdded(added) if added.from_nothing => format!(
                "added {} compressed as {}, {} bytes",
                added.to, added.format, added.size_bytes
            ),
            Self::DeltaAdded(added) => format!(
                "added a {} delta from {} to {}, {} bytes",
                added.format, added.from, added.to, added.size_bytes
            ),
        }
    }
}

fn and(first: Option<String>, second: Option<String>) -> String {
    let parts: Vec<_> = first.into_iter().chain(second).collect();
    parts.join(" and ")
}
