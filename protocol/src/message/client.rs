//! What clients say.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Architecture, Channel, ClientId, FieldProblem, Platform, Timestamp, Version};

mod read;

/// A message from a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClientMessage {
    /// Makes the session a client.
    Register(Register),
    /// Follows a channel.
    Subscribe(Subscription),
    /// Leaves a channel.
    Unsubscribe(Subscription),
    /// Asks for a HEARTBEAT.
    Ping(Ping),
    /// Reports a download from elsewhere.
    DownloadProgress(DownloadReport),
    /// Reports an installation that goes on.
    InstallationProgress(InstallationReport),
    /// Reports an installation that ended.
    InstallationCompleted(InstallationResult),
    /// Follows the fleet; ADMIN and PUBLISHER only.
    Watch(Watch),
    /// Ends WATCH.
    Unwatch {},
}

/// A client's message with the `id` that it may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// When present, the message is answered with ACK, and its ERROR carries it.
    pub id: Option<String>,
    /// The message.
    pub message: ClientMessage,
}

/// A text that is no message that the daemon takes, and every reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMessage {
    /// The message's `id`, where it could be read.
    pub id: Option<String>,
    /// What is wrong, field by field; the field is empty where the whole text is meant.
    pub problems: Vec<FieldProblem>,
}

impl std::error::Error for InvalidMessage {}

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, FieldProblem { field, problem }) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            match field.as_str() {
                "" => write!(f, "{separator}{problem}")?,
                field => write!(f, "{separator}{field}: {problem}")?,
            }
        }
        Ok(())
    }
}

/// `REGISTER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// What it runs.
    pub client_version: Version,
    /// Who it is.
    pub client_id: ClientId,
    /// What it runs on.
    pub platform: Platform,
    /// Its processor.
    pub architecture: Architecture,
    /// What it understands beyond the specification; names that the daemon does not know are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
}

/// A name in `capabilities`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capability(String);

impl Capability {
    /// The client takes fields and message types that the specification does not show.
    pub const EXTENDED: &'static str = "extended";

    /// The capability [`Self::EXTENDED`].
    #[must_use]
    pub fn extended() -> Self {
        Self(Self::EXTENDED.into())
    }

    /// The name that is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `SUBSCRIBE` and `UNSUBSCRIBE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// What to follow.
    pub channel: Channel,
}

/// `PING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// The client's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// `DOWNLOAD_PROGRESS` from a client. The daemon adds `clientId` and `timestamp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadReport {
    /// The release that it will have.
    pub version: Version,
    /// Bytes from the start of the file.
    pub bytes_downloaded: u64,
    /// Size of the file in bytes, at least `bytesDownloaded`.
    pub total_bytes: u64,
    /// 0 to 100; worked out from the bytes when absent.
    pub progress_percentage: u8,
    /// Bytes a second; 0 when absent.
    pub download_speed: u64,
    /// Whole seconds; 0 when absent.
    pub estimated_time_remaining: u64,
}

/// `INSTALLATION_PROGRESS` from a client. The daemon adds `clientId` and `timestamp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationReport {
    /// What it installs.
    pub version: Version,
    /// A word such as `extracting`.
    pub phase: String,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// A sentence for people; empty when absent.
    pub current_operation: String,
}

/// `INSTALLATION_COMPLETED` from a client. The daemon adds `clientId` and `timestamp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallationResult {
    /// What it installed.
    pub version: Version,
    /// What it ran before; the registered `clientVersion` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<Version>,
    /// Whether it runs now.
    pub success: bool,
    /// A sentence for people; empty when absent.
    pub message: String,
}

/// `WATCH`: only what matches every given filter arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Releases of this channel, and clients that follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// This release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// This client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Replay the kept events after this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

impl ClientMessage {
    /// Every message type, as sent.
    pub const TYPES: &'static [&'static str] = &[
        "REGISTER",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "PING",
        "DOWNLOAD_PROGRESS",
        "INSTALLATION_PROGRESS",
        "INSTALLATION_COMPLETED",
        "WATCH",
        "UNWATCH",
    ];

    /// The text to send, without an `id`.
    #[must_use]
    pub fn to_text(&self) -> String {
        Envelope::write(self, None)
    }
}

impl Envelope {
    /// Reads a text from a client.
    ///
    /// # Errors
    /// [`InvalidMessage`] names every field that is missing, ill-typed or out of bounds.
    pub fn parse(text: &str) -> Result<Self, InvalidMessage> {
        let mut id = None;
        match read::read_envelope(text, &mut id) {
            Ok(message) => Ok(Self { id, message }),
            Err(problems) => Err(InvalidMessage { id, problems }),
        }
    }

    /// The text to send.
    #[must_use]
    pub fn to_text(&self) -> String {
        Self::write(&self.message, self.id.as_deref())
    }

    fn write(message: &ClientMessage, id: Option<&str>) -> String {
        let mut value = serde_json::to_value(message).unwrap_or_default();
        if let (Some(object), Some(id)) = (value.as_object_mut(), id) {
            object.insert("id".into(), id.into());
        }
        value.to_string()
    }
}

#[cfg(test)]
mod tests;
