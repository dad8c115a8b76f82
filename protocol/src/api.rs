//! Request and response bodies of the HTTP API, and the envelope around them (contract sections 1, 3, 4 and 6).
//!
//! Bodies may grow: a reader ignores fields that it does not know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::CompatibilityIssue;
use crate::{
    Architecture, Channel, Checksum, ErrorBody, Platform, ReleaseId, Timestamp, TokenId, Username,
    Version,
};

/// Where each part of the API lives.
pub mod paths {
    /// Endpoints for clients.
    pub const CLIENT: &str = "/api/v1/updates";
    /// Endpoints for publishers: releases.
    pub const ADMIN: &str = "/api/v1/admin/updates";
    /// Endpoints for administrators: users and tokens.
    pub const IDENTITY: &str = "/api/v1/admin";
    /// Who the token belongs to.
    pub const WHOAMI: &str = "/api/v1/whoami";
    /// The WebSocket endpoint.
    pub const LIVE: &str = "/ws/updates";
}

/// A successful answer: `{"success":true,"data":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Success<T> {
    /// Always `true`.
    pub success: bool,
    /// The answer.
    pub data: T,
}

impl<T> Success<T> {
    /// Wraps an answer.
    pub const fn new(data: T) -> Self {
        Self {
            success: true,
            data,
        }
    }
}

/// A failed answer: `{"success":false,"error":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Always `false`.
    pub success: bool,
    /// What went wrong.
    pub error: ErrorBody,
}

impl Failure {
    /// Wraps an error.
    #[must_use]
    pub const fn new(error: ErrorBody) -> Self {
        Self {
            success: false,
            error,
        }
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items of this page.
    pub content: Vec<T>,
    /// Its number, from 0.
    pub page: u32,
    /// How many items a page holds, 1 to 100.
    pub size: u32,
    /// How many items there are in all.
    pub total_elements: u64,
    /// How many pages there are in all.
    pub total_pages: u64,
}

impl<T> Page<T> {
    /// Cuts a page out of all items. A page behind the end is empty.
    #[must_use]
    pub fn cut(all: Vec<T>, page: u32, size: u32) -> Self {
        let size = size.max(1);
        let total_elements = all.len() as u64;
        let skipped = usize::try_from(u64::from(page) * u64::from(size)).unwrap_or(usize::MAX);
        let content = all.into_iter().skip(skipped).take(size as usize).collect();
        Self {
            content,
            page,
            size,
            total_elements,
            total_pages: total_elements.div_ceil(u64::from(size)),
        }
    }
}

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
    pub client_id: Option<crate::ClientId>,
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
    /// The version that must be there.
    pub from_version: Version,
    /// The version that it rebuilds.
    pub to_version: Version,
    /// SHA-256 of the file that must be there.
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

/// A stored delta, as a publisher sees it in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeltaSummary {
    /// The version that must be there.
    pub from_version: Version,
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

/// What a user may do (contract section 2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Check, download, report.
    User,
    /// All but users and tokens.
    Publisher,
    /// Everything.
    Admin,
}

impl Role {
    /// The name that is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Publisher => "PUBLISHER",
            Self::Admin => "ADMIN",
        }
    }

    /// The role of a name; a `ROLE_` prefix, which some issuers of tokens write, is forgiven.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("ROLE_").unwrap_or(name) {
            "USER" => Some(Self::User),
            "PUBLISHER" => Some(Self::Publisher),
            "ADMIN" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// A user of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// Whether its tokens are accepted.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Body of `POST /api/v1/admin/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
}

/// Body of `PATCH /api/v1/admin/users/{username}`: the fields that shall change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserChange {
    /// What it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether its tokens are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Body of `POST /api/v1/admin/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// Whose token it is.
    pub username: Username,
    /// How long it lives, in seconds.
    pub ttl_seconds: u64,
}

/// A token that was issued. The daemon keeps no copy of the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedToken {
    /// The token, shown this once.
    pub token: String,
    /// Its id, for revoking.
    pub token_id: TokenId,
    /// Whose it is.
    pub username: Username,
    /// What its user may do.
    pub role: Role,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token as administrators see it: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Its id, for revoking.
    pub token_id: TokenId,
    /// Whose it is.
    pub username: Username,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked before.
    pub revoked: bool,
}

/// Answer of `DELETE /api/v1/admin/tokens/{tokenId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokedToken {
    /// The token that no longer counts.
    pub token_id: TokenId,
}

/// Answer of `GET /api/v1/whoami`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// Whose token it is.
    pub username: Username,
    /// What it may do: the stored role, narrowed by the token's claims.
    pub role: Role,
    /// The token's id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
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

/// Counts of one release in the statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatistics {
    /// The version number.
    pub version: String,
    /// Sessions that run it now.
    pub connected_clients: u64,
    /// Full downloads that began at the first byte.
    pub downloads_started: u64,
    /// Full downloads whose last byte was handed over.
    pub downloads_completed: u64,
    /// Delta downloads whose last byte was handed over.
    pub delta_downloads_completed: u64,
    /// Bytes sent for it, full and delta.
    pub bytes_sent: u64,
    /// Installations reported as done.
    pub installations_succeeded: u64,
    /// Installations reported as failed.
    pub installations_failed: u64,
}

/// Answer of `GET /statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Open sessions.
    pub connected_sessions: u64,
    /// Different clients among them.
    pub connected_clients: u64,
    /// Watching sessions.
    pub watchers: u64,
    /// Downloads that run now.
    pub active_downloads: u64,
    /// Releases in all.
    pub total_versions: u64,
    /// Releases that are offered.
    pub active_versions: u64,
    /// Full and delta downloads whose last byte was handed over.
    pub total_downloads: u64,
    /// Installations reported as done.
    pub successful_installations: u64,
    /// Installations reported as failed.
    pub failed_installations: u64,
    /// Bytes that deltas saved against full downloads.
    pub bytes_saved_by_deltas: u64,
    /// Sessions by what they run on.
    pub clients_by_platform: std::collections::BTreeMap<String, u64>,
    /// Sessions by the channel they follow.
    pub clients_by_channel: std::collections::BTreeMap<String, u64>,
    /// Counts by release, newest first.
    pub versions: Vec<VersionStatistics>,
    /// Since when the counts run.
    pub since: Timestamp,
    /// When this was taken.
    pub timestamp: Timestamp,
}

/// Answer of `/livez` and `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `ok`, `read-only` or `shutting-down`.
    pub status: String,
    /// The daemon's version.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_without_regard_to_how_far_it_lies() {
        let page = Page::cut((0..25).collect::<Vec<u32>>(), 2, 10);
        assert_eq!(
            (page.content, page.total_elements, page.total_pages),
            ((20..25).collect(), 25, 3)
        );
        let beyond = Page::cut(vec![1, 2, 3], u32::MAX, 100);
        assert_eq!((beyond.content, beyond.total_pages), (Vec::<i32>::new(), 1));
        assert_eq!(Page::cut(Vec::<u8>::new(), 0, 10).total_pages, 0);
    }

    #[test]
    fn roles_order_by_what_they_may_do() {
        assert!(Role::Admin > Role::Publisher && Role::Publisher > Role::User);
        assert_eq!(Role::from_name("ROLE_ADMIN"), Some(Role::Admin));
        assert_eq!(Role::from_name("admin"), None);
    }
}
