//! Releases as publishers and clients see them, and how they change (contract section 3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Channel, Checksum, DeltaSource, Platform, ReleaseId, Timestamp, Username, Version};

/// What a release is doing (contract section 3).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReleaseState {
    /// Uploaded, never announced.
    Draft,
    /// Offered to clients.
    Active,
    /// Toggled off.
    Inactive,
    /// Rolled back: clients that run it are offered the older one.
    Recalled,
}

impl ReleaseState {
    /// The name that is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Recalled => "RECALLED",
        }
    }
}

/// A release as publishers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// Its id.
    pub id: ReleaseId,
    /// Its version number.
    pub version_number: Version,
    /// Where it was published.
    pub release_channel: Channel,
    /// What it is doing.
    pub state: ReleaseState,
    /// Whether it is offered: `state` is `ACTIVE`.
    pub is_active: bool,
    /// Whether clients must take it.
    pub is_mandatory: bool,
    /// Notes for users.
    pub release_notes: String,
    /// Clients below this version cannot take it directly; `0.0.0` where there is no such bound.
    pub minimum_client_version: Version,
    /// The file's name at download.
    pub file_name: String,
    /// The file's size in bytes.
    pub file_size: u64,
    /// The file's SHA-256.
    pub checksum: Checksum,
    /// Path of the download.
    pub download_url: String,
    /// The share of clients that are offered it, 0 to 100.
    pub rollout_percentage: u8,
    /// The platforms that it runs on; empty means all.
    #[serde(default)]
    pub platforms: Vec<Platform>,
    /// The publisher's detached signature, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The deltas that lead to it.
    #[serde(default)]
    pub deltas: Vec<DeltaSummary>,
    /// The whole file, compressed, where that is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressed: Option<DeltaSummary>,
    /// Who published it.
    pub created_by: Username,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A release as clients see it: `GET /versions/{version}/metadata`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseMetadata {
    /// Its id.
    pub id: ReleaseId,
    /// Its version number.
    pub version: Version,
    /// The same under the name that the upload form uses.
    pub version_number: Version,
    /// Where it was published.
    pub release_channel: Channel,
    /// Whether clients must take it.
    pub is_mandatory: bool,
    /// Notes for users.
    pub release_notes: String,
    /// Clients below this version cannot take it directly; `0.0.0` where there is no such bound.
    pub minimum_client_version: Version,
    /// Path of the download.
    pub download_url: String,
    /// The file's name at download.
    pub file_name: String,
    /// The file's size in bytes.
    pub file_size: u64,
    /// The file's SHA-256.
    pub checksum: Checksum,
    /// The platforms that it runs on; empty means all.
    #[serde(default)]
    pub platforms: Vec<Platform>,
    /// The publisher's detached signature, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// When it was uploaded.
    pub released_at: Timestamp,
}

/// A stored delta, as a publisher sees it in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeltaSummary {
    /// The version that must be there; absent when nothing must, and the delta is the whole file, compressed.
    #[serde(default, skip_serializing_if = "DeltaSource::is_nothing")]
    pub from_version: DeltaSource,
    /// How to apply it.
    pub format: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its own SHA-256.
    pub checksum: Checksum,
}

/// Body of `PATCH /versions/{id}`: the fields that shall change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseChange {
    /// `ACTIVE` or `INACTIVE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ReleaseState>,
    /// The share of clients that are offered it, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_percentage: Option<u8>,
}

/// Body of `POST /channels/{channel}/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackRequest {
    /// The version to go back to.
    pub to_version: Version,
}

/// Answer of `POST /channels/{channel}/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackAnswer {
    /// The channel that went back.
    pub channel: Channel,
    /// The release that is offered now.
    pub current: ReleaseView,
    /// The releases that were recalled, newest first.
    pub recalled: Vec<Version>,
}

/// One line of a release's history (contract section 3): when, who, from which address, what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Position in the daemon's journal.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// Who: a user name, or `relctld` for the daemon itself.
    pub actor: String,
    /// From which address; absent for what the daemon did itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What, as a word such as `RELEASE_CREATED`.
    pub action: String,
    /// What, in a sentence.
    pub summary: String,
}
