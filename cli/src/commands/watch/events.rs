//! Events, and what becomes of the watch itself, as lines for programs. The last one is SUMMARY.

use protocol::{ServerMessage, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::fleet::Bytes;

const SCHEMA: &str = "relctl/event/v1";

/// One line for programs: what happened, when, and where in the stream.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct EventLine<T> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Value>,
    time: Value,
    r#type: Value,
    data: T,
}

/// An event with its position and time in front; `None` for what is no event.
pub(super) fn event(message: &ServerMessage) -> Option<EventLine<Value>> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(message) else {
        return None;
    };
    let kind = object.remove("type")?;
    let mut data = object.remove("data")?;
    let fields = data.as_object_mut()?;
    Some(EventLine {
        schema: SCHEMA,
        seq: fields.remove("seq"),
        time: fields.remove("timestamp")?,
        r#type: kind,
        data,
    })
}

/// What happens to the connection itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct StreamState {
    /// `live`, `reconnecting` or `gap`.
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_in_ms: Option<u64>,
}

/// A line that the daemon did not send.
pub(in crate::commands) fn own<T: Serialize>(kind: &str, data: T) -> EventLine<T> {
    EventLine {
        schema: SCHEMA,
        seq: None,
        time: Timestamp::now().to_string().into(),
        r#type: kind.into(),
        data,
    }
}

/// The last line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Summary {
    /// `reached`, `failed`, `withdrawn`, `timeout`, `interrupted`, `lost` or `error`.
    pub(super) result: &'static str,
    /// Why, where the result alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Clients that should run the version.
    pub(super) eligible: u64,
    /// Those that have not begun.
    pub(super) waiting: u64,
    /// Those on their way.
    pub(super) under_way: u64,
    /// Those that run it.
    pub(super) completed: u64,
    /// Those whose installation failed and was not made good.
    pub(super) failed: u64,
    /// How often a limit was passed.
    pub(super) rate_limited: u64,
    /// What travelled, as far as it was seen.
    pub(super) bytes: Bytes,
    /// How often events were lost, so that numbers may be too small.
    pub(super) gaps: u64,
    pub(super) duration_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stands_alone_on_its_line() {
        let text = r#"{"type":"CLIENT_DISCONNECTED","data":{"clientId":"a","sessionId":"019376f4-0000-7000-8000-000000000000","timestamp":"2026-01-15T10:30:00Z","seq":5}}"#;
        let message = ServerMessage::parse(text).unwrap().unwrap();
        insta::assert_snapshot!(
            serde_json::to_string(&event(&message).unwrap()).unwrap(),
            @r#"{"schema":"relctl/event/v1","seq":5,"time":"2026-01-15T10:30:00Z","type":"CLIENT_DISCONNECTED","data":{"clientId":"a","sessionId":"019376f4-0000-7000-8000-000000000000"}}"#
        );
    }
}
