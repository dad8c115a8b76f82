//! What the daemon says. Fields stand in the order of the specification's examples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::ReleaseState;
use crate::{
    Architecture, Channel, Checksum, ClientId, Code, FieldProblem, Platform, SessionId, Timestamp,
    Version,
};

/// A message from the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerMessage {
    /// First in every session.
    Welcome(Welcome),
    /// A release that this client can install.
    NewVersionAvailable(NewVersionAvailable),
    /// A download of this client goes on; measured by the daemon or reported.
    DownloadProgress(DownloadProgress),
    /// An installation of this client goes on.
    InstallationProgress(InstallationProgress),
    /// An installation of this client ended.
    InstallationCompleted(InstallationCompleted),
    /// A limit was passed.
    RateLimited(RateLimited),
    /// A release that this client cannot install, and what to do about it.
    CompatibilityIssue(CompatibilityIssue),
    /// Something that the client sent, or the session itself, failed.
    Error(ErrorData),
    /// The daemon is alive.
    Heartbeat(Heartbeat),
    /// A message with an `id` was carried out.
    Ack(Ack),
    /// Watchers only: a client registered.
    ClientConnected(ClientConnected),
    /// Watchers only: a registered client is gone.
    ClientDisconnected(ClientDisconnected),
    /// Watchers only: a release was created, toggled, recalled, or its rollout changed.
    ReleaseChanged(ReleaseChanged),
}

/// A text from the daemon that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the daemon sent a message that cannot be read: {0}")]
pub struct UnreadableMessage(#[from] serde_json::Error);

impl ServerMessage {
    /// Every message type that this version knows, as sent.
    pub const TYPES: &'static [&'static str] = &[
        "WELCOME",
        "NEW_VERSION_AVAILABLE",
        "DOWNLOAD_PROGRESS",
        "INSTALLATION_PROGRESS",
        "INSTALLATION_COMPLETED",
        "RATE_LIMITED",
        "COMPATIBILITY_ISSUE",
        "ERROR",
        "HEARTBEAT",
        "ACK",
        "CLIENT_CONNECTED",
        "CLIENT_DISCONNECTED",
        "RELEASE_CHANGED",
    ];

    /// Reads a text from the daemon. `None` is a type of a newer daemon, which a client passes over.
    ///
    /// # Errors
    /// The text is not a message, or a message of a known type has other fields than expected.
    pub fn parse(text: &str) -> Result<Option<Self>, UnreadableMessage> {
        #[derive(Deserialize)]
        struct Outline {
            r#type: String,
        }
        let outline: Outline = serde_json::from_str(text)?;
        if !Self::TYPES.contains(&outline.r#type.as_str()) {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(text)?))
    }

    /// The text to send.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Serialising these structs cannot fail: no map has keys that are not text, and no number is not finite.
        serde_json::to_string(self)
            .unwrap_or_else(|error| Value::String(error.to_string()).to_string())
    }
}

/// `WELCOME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// This session.
    pub session_id: SessionId,
    /// The daemon's clock.
    pub server_time: Timestamp,
    /// How often the daemon sends HEARTBEAT, in milliseconds.
    pub heartbeat_interval: u64,
}

/// `NEW_VERSION_AVAILABLE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewVersionAvailable {
    /// The release to install.
    pub version: Version,
    /// Whether the client must take it.
    pub is_mandatory: bool,
    /// Notes for users.
    pub release_notes: String,
    /// Path of the download.
    pub download_url: String,
    /// The file's size in bytes.
    pub file_size: u64,
    /// The file's SHA-256.
    pub checksum: Checksum,
    /// Clients below this version cannot take it directly; `0.0.0` where there is no such bound.
    pub minimum_client_version: Version,
    /// Where it was published.
    pub release_channel: Channel,
    /// When this was sent.
    pub timestamp: Timestamp,
    /// Extended sessions only: present and true when an older release is offered because the running one was recalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_rollback: Option<bool>,
}

/// What `format` of a `DOWNLOAD_PROGRESS` says of a whole file that travels compressed.
pub const COMPRESSED: &str = "compressed";

/// `DOWNLOAD_PROGRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadProgress {
    /// Who downloads.
    pub client_id: ClientId,
    /// The release that it will have.
    pub version: Version,
    /// Bytes from the start of the file, also after a resume.
    pub bytes_downloaded: u64,
    /// Size of the file (or delta) in bytes.
    pub total_bytes: u64,
    /// 0 to 100; 100 only after the last byte.
    pub progress_percentage: u8,
    /// Bytes a second over the last few seconds.
    pub download_speed: u64,
    /// Whole seconds.
    pub estimated_time_remaining: u64,
    /// When this was measured.
    pub timestamp: Timestamp,
    /// Watchers only: the delta's format when it is a delta, [`COMPRESSED`] when it is the compressed whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Watchers only: position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `INSTALLATION_PROGRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationProgress {
    /// Who installs.
    pub client_id: ClientId,
    /// What it installs.
    pub version: Version,
    /// A word such as `extracting`.
    pub phase: String,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// A sentence for people.
    pub current_operation: String,
    /// When the daemon heard it.
    pub timestamp: Timestamp,
    /// Watchers only: position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `INSTALLATION_COMPLETED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationCompleted {
    /// Who installed.
    pub client_id: ClientId,
    /// What it installed.
    pub version: Version,
    /// What it ran before.
    pub previous_version: Version,
    /// Whether it runs now.
    pub success: bool,
    /// A sentence for people.
    pub message: String,
    /// When the daemon heard it.
    pub timestamp: Timestamp,
    /// Watchers only: position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ViolationType {
    /// Connections per client and minute.
    ConnectionLimit,
    /// Messages per client and minute.
    MessageLimit,
    /// Downloads of one client at the same time.
    DownloadLimit,
}

/// `RATE_LIMITED`, always in the full shape of the specification's section "Rate Limiting".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimited {
    /// Who was limited: the client id, or user and address where the client gave none.
    pub client_id: String,
    /// Seconds after which the next try may succeed.
    pub retry_after: u64,
    /// A sentence for people.
    pub message: String,
    /// Which limit was passed.
    pub violation_type: ViolationType,
    /// How many there were in the window.
    pub current_count: u64,
    /// How many are allowed.
    pub max_allowed: u64,
    /// Length of the window in minutes.
    pub window_minutes: u64,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Watchers only: position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Why a client cannot install a release directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IssueType {
    /// The client is older than `minimumClientVersion`.
    MinimumVersion,
    /// The release does not list the client's platform.
    UnsupportedPlatform,
}

/// `COMPATIBILITY_ISSUE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompatibilityIssue {
    /// Who cannot install it; absent only in the answer to a check without a client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What cannot be installed.
    pub version: Version,
    /// Why.
    pub issue_type: IssueType,
    /// Why, in a sentence.
    pub description: String,
    /// What to do, in a sentence.
    pub resolution: String,
    /// When this was found.
    pub timestamp: Timestamp,
    /// Watchers only: position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `ERROR`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// The `id` of the client's message, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Extended sessions only: the fields that were refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Vec<FieldProblem>>,
}

/// `HEARTBEAT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The daemon's clock.
    pub timestamp: Timestamp,
    /// Open sessions.
    pub connected_clients: u64,
}

/// `ACK`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The `id` of the client's message.
    pub id: String,
    /// Answer to WATCH only: the position of the newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Answer to WATCH only: the position of the oldest event that can still be replayed. When it lies behind
    /// `since` + 1, events in between are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_seq: Option<u64>,
}

/// `CLIENT_CONNECTED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientConnected {
    /// Who registered.
    pub client_id: ClientId,
    /// Its session.
    pub session_id: SessionId,
    /// What it runs.
    pub client_version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// Its processor.
    pub architecture: Architecture,
    /// What it follows.
    pub channels: Vec<Channel>,
    /// When it registered.
    pub timestamp: Timestamp,
    /// Position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `CLIENT_DISCONNECTED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientDisconnected {
    /// Who is gone.
    pub client_id: ClientId,
    /// The session that ended.
    pub session_id: SessionId,
    /// When it ended.
    pub timestamp: Timestamp,
    /// Position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `RELEASE_CHANGED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseChanged {
    /// The release.
    pub version: Version,
    /// Where it was published.
    pub release_channel: Channel,
    /// What it does now.
    pub state: ReleaseState,
    /// Whether clients must take it.
    pub is_mandatory: bool,
    /// The share of clients that are offered it, 0 to 100.
    pub rollout_percentage: u8,
    /// Sessions that were told of it at this moment.
    pub announced_to: u64,
    /// When it changed.
    pub timestamp: Timestamp,
    /// Position in the event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_a_newer_daemon_is_passed_over() {
        assert_eq!(
            ServerMessage::parse(r#"{"type":"FROM_THE_FUTURE","data":{"x":1}}"#).unwrap(),
            None
        );
        assert!(ServerMessage::parse("nonsense").is_err());
        assert!(ServerMessage::parse(r#"{"type":"HEARTBEAT","data":{}}"#).is_err());
    }

    #[test]
    fn fields_of_a_newer_daemon_are_passed_over() {
        let text = r#"{"type":"HEARTBEAT","data":{"timestamp":"2024-01-15T10:30:00Z","connectedClients":42,"new":[]}}"#;
        assert!(matches!(
            ServerMessage::parse(text),
            Ok(Some(ServerMessage::Heartbeat(Heartbeat {
                connected_clients: 42,
                ..
            })))
        ));
    }
}
