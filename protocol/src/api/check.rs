//! What a client asks before it updates, and the deltas that it may take (contract sections 4 and 6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::CompatibilityIssue;
use crate::{Architecture, Channel, Checksum, ClientId, DeltaSource, Platform, Version};

/// Query of `GET /check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckQuery {
    /// What the client runs.
    pub current_version: Version,
    /// What it follows; `stable` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Who it is; without it a client is only in a rollout of 100 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Its processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
}

/// Answer of `GET /check` (specification, "Check for Updates"; contract section 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    /// Whether there is something to install.
    pub update_available: bool,
    /// The version to install next, or the current one.
    pub latest_version: Version,
    /// What the client said it runs.
    pub current_version: Version,
    /// Whether the client must take it.
    pub is_mandatory: bool,
    /// Notes for users.
    pub release_notes: String,
    /// Path of the download; `null` when there is nothing to install.
    pub download_url: Option<String>,
    /// The file's size in bytes; `null` when there is nothing to install.
    pub file_size: Option<u64>,
    /// The file's SHA-256; `null` when there is nothing to install.
    pub checksum: Option<Checksum>,
    /// Clients below this version cannot take it directly; `0.0.0` where there is no such bound.
    pub minimum_client_version: Version,
    /// Where it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_channel: Option<Channel>,
    /// Present and true when the running version was recalled and an older one is offered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_rollback: bool,
    /// The newest release, when it cannot be installed directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_version: Option<Version>,
    /// Why the newest release cannot be installed directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compatibility_issue: Option<CompatibilityIssue>,
    /// The deltas from the current version, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaAnswer>,
    /// The whole file, compressed: a delta from nothing. Present where there is one, whatever the client runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressed: Option<DeltaAnswer>,
    /// The publisher's detached signature, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// One delta in an answer (contract section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeltaOffer {
    /// How to apply it: `zstd` or `jar`.
    pub format: String,
    /// Path of its bytes.
    pub download_url: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its own SHA-256.
    pub checksum: Checksum,
    /// How much smaller than the full file it is, 0 to 100.
    pub savings_percentage: u8,
}

/// Answer of `GET /delta/{from}/{to}`: the deltas, best first, with the first one's fields repeated at the top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeltaAnswer {
    /// The version that must be there; absent when nothing must, and the delta is the whole file, compressed.
    #[serde(default, skip_serializing_if = "DeltaSource::is_nothing")]
    pub from_version: DeltaSource,
    /// The version that it rebuilds.
    pub to_version: Version,
    /// SHA-256 of the file that must be there; of no bytes when nothing must.
    pub source_checksum: Checksum,
    /// SHA-256 of the file that it rebuilds.
    pub target_checksum: Checksum,
    /// Size of the full file in bytes.
    pub full_size: u64,
    /// How to apply the best one.
    pub format: String,
    /// Path of the best one's bytes.
    pub download_url: String,
    /// Size of the best one in bytes.
    pub size: u64,
    /// SHA-256 of the best one.
    pub checksum: Checksum,
    /// How much smaller than the full file the best one is, 0 to 100.
    pub savings_percentage: u8,
    /// All of them, best first.
    pub deltas: Vec<DeltaOffer>,
}
