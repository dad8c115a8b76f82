//! What clients say, and the reader that tells them what is wrong with it.
//!
//! Reading goes field by field so that an answer can name every bad field at once, which serde's derive cannot.

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::is_printable;
use crate::limits::{
    CAPABILITIES, CAPABILITY_CHARS, MESSAGE_ID_CHARS, PHASE_CHARS, REPORT_TEXT_CHARS, SAFE_INTEGER,
};
use crate::{Architecture, Channel, ClientId, FieldProblem, Platform, Timestamp, Version};

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
        match read_envelope(text, &mut id) {
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

type Problems = Vec<FieldProblem>;

fn read_envelope(text: &str, id: &mut Option<String>) -> Result<ClientMessage, Problems> {
    let whole = |problem: String| vec![FieldProblem::new("", problem)];
    let value: Value =
        serde_json::from_str(text).map_err(|error| whole(format!("not JSON: {error}")))?;
    let Value::Object(mut object) = value else {
        return Err(whole(
            "expected a JSON object with \"type\" and \"data\"".into(),
        ));
    };
    match object.remove("id") {
        None => {}
        Some(Value::String(text))
            if text.chars().count() <= MESSAGE_ID_CHARS && is_printable(&text) =>
        {
            *id = Some(text)
        }
        Some(_) => {
            return Err(vec![FieldProblem::new(
                "id",
                format!("expected at most {MESSAGE_ID_CHARS} printable characters"),
            )]);
        }
    }
    let Some(Value::String(kind)) = object.remove("type") else {
        return Err(vec![FieldProblem::new(
            "type",
            format!("expected one of {}", ClientMessage::TYPES.join(", ")),
        )]);
    };
    let data = match object.remove("data") {
        Some(Value::Object(data)) => data,
        Some(_) => return Err(vec![FieldProblem::new("data", "expected an object")]),
        None => return Err(vec![FieldProblem::new("data", "is missing")]),
    };
    read_message(&kind, data)
}

fn read_message(kind: &str, data: Map<String, Value>) -> Result<ClientMessage, Problems> {
    let mut fields = Fields {
        data,
        problems: Vec::new(),
    };
    let message = match kind {
        "REGISTER" => fields.register().map(ClientMessage::Register),
        "SUBSCRIBE" => fields
            .required("channel")
            .map(|channel| ClientMessage::Subscribe(Subscription { channel })),
        "UNSUBSCRIBE" => fields
            .required("channel")
            .map(|channel| ClientMessage::Unsubscribe(Subscription { channel })),
        "PING" => Some(ClientMessage::Ping(Ping {
            timestamp: fields.optional("timestamp"),
        })),
        "DOWNLOAD_PROGRESS" => fields
            .download_report()
            .map(ClientMessage::DownloadProgress),
        "INSTALLATION_PROGRESS" => fields
            .installation_report()
            .map(ClientMessage::InstallationProgress),
        "INSTALLATION_COMPLETED" => fields
            .installation_result()
            .map(ClientMessage::InstallationCompleted),
        "WATCH" => Some(ClientMessage::Watch(fields.watch())),
        "UNWATCH" => Some(ClientMessage::Unwatch {}),
        _ => {
            fields.problem(
                "type",
                format!("expected one of {}", ClientMessage::TYPES.join(", ")),
            );
            None
        }
    };
    match message {
        Some(message) if fields.problems.is_empty() => Ok(message),
        _ => Err(fields.problems),
    }
}

/// The fields of `data`, taken out one by one; problems gather so that all of them are told at once.
struct Fields {
    data: Map<String, Value>,
    problems: Problems,
}

impl Fields {
    fn problem(&mut self, field: &str, problem: impl fmt::Display) {
        self.problems.push(FieldProblem::new(field, problem));
    }

    /// `None` stands for "absent or null" as well as for "refused"; the latter has left a problem.
    fn optional<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        let value = self.data.remove(field).filter(|value| !value.is_null())?;
        match serde_json::from_value(value) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.problem(field, error);
                None
            }
        }
    }

    fn required<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        if self.data.get(field).is_none_or(Value::is_null) {
            self.problem(field, "is missing");
            return None;
        }
        self.optional(field)
    }

    fn text(&mut self, field: &str, value: Option<String>, max_chars: usize) -> Option<String> {
        let value = value?;
        if value.chars().count() > max_chars || !is_printable(&value) {
            self.problem(
                field,
                format!("expected at most {max_chars} printable characters"),
            );
            return None;
        }
        Some(value)
    }

    fn integer(&mut self, field: &str, value: Option<u64>) -> Option<u64> {
        let value = value?;
        if value > SAFE_INTEGER {
            self.problem(field, format!("expected at most {SAFE_INTEGER}"));
            return None;
        }
        Some(value)
    }

    fn percentage(&mut self, field: &str, value: Option<u64>) -> Option<u8> {
        match u8::try_from(value?) {
            Ok(percentage) if percentage <= 100 => Some(percentage),
            _ => {
                self.problem(field, "expected a whole number from 0 to 100");
                None
            }
        }
    }

    fn register(&mut self) -> Option<Register> {
        let client_version = self.required("clientVersion");
        let client_id = self.required("clientId");
        let platform = self.required("platform");
        let architecture = self.required("architecture");
        let capabilities: Vec<Capability> = self.optional("capabilities").unwrap_or_default();
        if capabilities.len() > CAPABILITIES
            || capabilities
                .iter()
                .any(|name| name.0.chars().count() > CAPABILITY_CHARS)
        {
            self.problem(
                "capabilities",
                format!(
                    "expected at most {CAPABILITIES} names of at most {CAPABILITY_CHARS} characters"
                ),
            );
        }
        Some(Register {
            client_version: client_version?,
            client_id: client_id?,
            platform: platform?,
            architecture: architecture?,
            capabilities,
        })
    }

    fn download_report(&mut self) -> Option<DownloadReport> {
        let version = self.required("version");
        let bytes_downloaded = self.required("bytesDownloaded");
        let bytes_downloaded = self.integer("bytesDownloaded", bytes_downloaded);
        let total_bytes = self.required("totalBytes");
        let total_bytes = self.integer("totalBytes", total_bytes);
        let percentage = self.optional("progressPercentage");
        let percentage = self.percentage("progressPercentage", percentage);
        let speed = self.optional("downloadSpeed");
        let speed = self.integer("downloadSpeed", speed);
        let remaining = self.optional("estimatedTimeRemaining");
        let remaining = self.integer("estimatedTimeRemaining", remaining);
        let (bytes_downloaded, total_bytes) = (bytes_downloaded?, total_bytes?);
        if bytes_downloaded > total_bytes {
            self.problem("bytesDownloaded", "expected at most totalBytes");
        }
        Some(DownloadReport {
            version: version?,
            bytes_downloaded,
            total_bytes,
            progress_percentage: percentage.unwrap_or_else(|| share(bytes_downloaded, total_bytes)),
            download_speed: speed.unwrap_or(0),
            estimated_time_remaining: remaining.unwrap_or(0),
        })
    }

    fn installation_report(&mut self) -> Option<InstallationReport> {
        let version = self.required("version");
        let phase = self.required("phase");
        let phase = self.text("phase", phase, PHASE_CHARS);
        let percentage = self.required("progressPercentage");
        let percentage = self.percentage("progressPercentage", percentage);
        let operation = self
            .optional("currentOperation")
            .or_else(|| Some(String::new()));
        let operation = self.text("currentOperation", operation, REPORT_TEXT_CHARS);
        Some(InstallationReport {
            version: version?,
            phase: phase?,
            progress_percentage: percentage?,
            current_operation: operation?,
        })
    }

    fn installation_result(&mut self) -> Option<InstallationResult> {
        let version = self.required("version");
        let previous_version = self.optional("previousVersion");
        let success = self.required("success");
        let message = self.optional("message").or_else(|| Some(String::new()));
        let message = self.text("message", message, REPORT_TEXT_CHARS);
        Some(InstallationResult {
            version: version?,
            previous_version,
            success: success?,
            message: message?,
        })
    }

    fn watch(&mut self) -> Watch {
        let since = self.optional("since");
        Watch {
            channel: self.optional("channel"),
            version: self.optional("version"),
            client_id: self.optional("clientId"),
            since: self.integer("since", since),
        }
    }
}

/// How much of the whole is there, 0 to 100; 100 only when all of it is.
fn share(part: u64, whole: u64) -> u8 {
    if part >= whole {
        return 100;
    }
    u8::try_from(u128::from(part) * 100 / u128::from(whole)).unwrap_or(100)
}

#[cfg(test)]
mod tests;
