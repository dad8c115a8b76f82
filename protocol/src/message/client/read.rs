//! The reader of client messages, which tells what is wrong with them.
//!
//! It goes field by field so that an answer can name every bad field at once, which serde's derive cannot.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Capability, ClientMessage, DownloadReport, InstallationReport, InstallationResult, Ping,
    Register, Subscription, Watch,
};
use crate::FieldProblem;
use crate::error::in_plain_words;
use crate::ids::is_printable;
use crate::limits::{
    CAPABILITIES, CAPABILITY_CHARS, MESSAGE_ID_CHARS, PHASE_CHARS, REPORT_TEXT_CHARS, SAFE_INTEGER,
};

type Problems = Vec<FieldProblem>;

pub(super) fn read_envelope(
    text: &str,
    id: &mut Option<String>,
) -> Result<ClientMessage, Problems> {
    let whole = |problem: String| vec![FieldProblem::new("", problem)];
    let value: Value =
        serde_json::from_str(text).map_err(|error| whole(format!("not JSON: {error}")))?;
    let Value::Object(mut object) = value else {
        return Err(whole(
            "expected a JSON object with \"type\" and \"data\"".into(),
        ));
    };
    match object.remove("id") {
        // As with every field that may be left out.
        None | Some(Value::Null) => {}
        Some(Value::String(text))
            if text.chars().count() <= MESSAGE_ID_CHARS && is_printable(&text) =>
        {
            *id = Some(text)
        }
        Some(_) => {
            return Err(vec![FieldProblem::new(
                "id",
                format!("expected a string of at most {MESSAGE_ID_CHARS} printable characters"),
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
        // It has nothing to say beyond its name.
        None if kind == "UNWATCH" => Map::new(),
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
                self.problem(field, in_plain_words(&error));
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
        let is_name = |name: &Capability| {
            name.as_str().chars().count() <= CAPABILITY_CHARS && is_printable(name.as_str())
        };
        if capabilities.len() > CAPABILITIES || !capabilities.iter().all(is_name) {
            self.problem(
                "capabilities",
                format!(
                    "expected at most {CAPABILITIES} names of at most {CAPABILITY_CHARS} printable characters"
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
