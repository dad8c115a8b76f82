//! The one table of error codes (contract section 1), and the body that carries them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Makes the enum and its table from one list, so that a code exists exactly once.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:expr;)*) => {
        /// What went wrong, for programs. The same codes serve HTTP bodies and WebSocket `ERROR` messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of the contract's table.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The name that is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status that goes with it; `None` for the codes that only a WebSocket session sends.
            #[must_use]
            pub const fn http_status(self) -> Option<u16> {
                match self { $(Code::$name => $status,)* }
            }

            /// The code of a name; `None` when a newer daemon sends one that this version does not know.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// Malformed query, path, JSON or multipart, or a field out of bounds; `details` names it.
    InvalidRequest = "INVALID_REQUEST", Some(400);
    /// Not a SemVer 2.0 version.
    InvalidVersion = "INVALID_VERSION", Some(400);
    /// No valid token, or its user is unknown, disabled, or the token was revoked.
    Unauthorized = "UNAUTHORIZED", Some(401);
    /// The role is missing, or the origin is not allowed.
    Forbidden = "FORBIDDEN", Some(403);
    /// No such version, delta, client, user or route.
    NotFound = "NOT_FOUND", Some(404);
    /// The route exists, but not with this method; `Allow` tells which.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Some(405);
    /// The version exists with other bytes or metadata, or the state changed meanwhile.
    Conflict = "CONFLICT", Some(409);
    /// An upload or body is over its limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Some(413);
    /// Not the content type that the endpoint takes.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Some(415);
    /// The range lies outside the file; `Content-Range: bytes */SIZE` tells its size.
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE", Some(416);
    /// The bytes received do not have the SHA-256 that the publisher stated.
    ChecksumMismatch = "CHECKSUM_MISMATCH", Some(422);
    /// Not a readable JAR, or a delta that does not rebuild its target.
    InvalidArtifact = "INVALID_ARTIFACT", Some(422);
    /// The scanner found something.
    MalwareDetected = "MALWARE_DETECTED", Some(422);
    /// Too many connections, messages or downloads; `Retry-After` tells how long to wait.
    RateLimited = "RATE_LIMITED", Some(429);
    /// A fault of the daemon. It never carries internals; the log has them under the request id.
    ServerError = "SERVER_ERROR", Some(500);
    /// Shutting down, read-only, or the scanner is required and down.
    Unavailable = "UNAVAILABLE", Some(503);
    /// The disk is full; nothing half-written remains.
    InsufficientStorage = "INSUFFICIENT_STORAGE", Some(507);

    /// WebSocket: the text was not a message that the daemon takes.
    InvalidMessage = "INVALID_MESSAGE", None;
    /// WebSocket: the message was over 64 KiB.
    MessageTooLarge = "MESSAGE_TOO_LARGE", None;
    /// WebSocket: the token of this session is no longer valid.
    AuthenticationFailed = "AUTHENTICATION_FAILED", None;
    /// WebSocket: nothing was heard from the client for `connection-timeout`.
    ConnectionTimeout = "CONNECTION_TIMEOUT", None;
    /// WebSocket: reports need a REGISTER first.
    NotRegistered = "NOT_REGISTERED", None;
    /// WebSocket: the daemon has no such channel.
    UnknownChannel = "UNKNOWN_CHANNEL", None;
    /// WebSocket: the session did not read fast enough to keep up.
    SlowConsumer = "SLOW_CONSUMER", None;
}

impl Code {
    /// Whether the same request may succeed later without a change by the caller.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::ServerError | Self::Unavailable | Self::InsufficientStorage
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A name that this version does not know reads as [`Code::ServerError`]: the HTTP status still tells the kind.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from_name(&name).unwrap_or(Self::ServerError))
    }
}

impl schemars::JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// One field of a request, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldProblem {
    /// The field's name as it is sent.
    pub field: String,
    /// A sentence without a full stop.
    pub problem: String,
}

impl FieldProblem {
    /// A problem with a field.
    pub fn new(field: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}

/// What `RATE_LIMITED` carries in HTTP, beside the message (contract section 7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitDetails {
    /// Seconds after which the next try may succeed.
    pub retry_after: u64,
    /// Which limit was passed.
    pub violation_type: crate::message::ViolationType,
    /// How many there were in the window.
    pub current_count: u64,
    /// How many are allowed.
    pub max_allowed: u64,
    /// Length of the window in minutes.
    pub window_minutes: u64,
}

/// What is known beyond the message: problems of single fields, or the numbers of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)] // The contract gives both shapes to the one field `details`: a list or an object.
pub enum Details {
    /// Fields that were refused.
    Fields(Vec<FieldProblem>),
    /// The limit that was passed.
    RateLimit(RateLimitDetails),
}

/// The `error` of a failed answer (contract section 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// For programs.
    pub code: Code,
    /// For people: what happened and, where it helps, what to do.
    pub message: String,
    /// Left out where there is nothing to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// What a reader of JSON says is wrong, in the words of JSON: callers need not know what our types are called.
#[must_use]
pub fn in_plain_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text = text
        .replace("invalid type: map", "invalid type: object")
        .replace("invalid type: sequence", "invalid type: list");
    let Some((before, expected)) = text.rsplit_once("expected ") else {
        return text;
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        name if name.starts_with("struct ") => "an object",
        plain => plain,
    };
    format!("{before}expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_code() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn the_codes_of_the_specification_are_all_there() {
        for name in [
            "UNAUTHORIZED",
            "FORBIDDEN",
            "NOT_FOUND",
            "RATE_LIMITED",
            "SERVER_ERROR",
            "INVALID_MESSAGE",
            "CONNECTION_TIMEOUT",
            "AUTHENTICATION_FAILED",
        ] {
            assert!(Code::from_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn details_are_a_list_or_an_object_and_otherwise_absent() {
        let body = ErrorBody {
            code: Code::NotFound,
            message: "version 9.9.9 does not exist".into(),
            details: None,
            timestamp: Timestamp::from_unix_ms(0),
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"code":"NOT_FOUND","message":"version 9.9.9 does not exist","timestamp":"1970-01-01T00:00:00Z"}"#
        );
        let body = ErrorBody {
            details: Some(Details::Fields(vec![FieldProblem::new("version", "bad")])),
            ..body
        };
        let text = serde_json::to_string(&body).unwrap();
        assert!(text.contains(r#""details":[{"field":"version","problem":"bad"}]"#));
        assert_eq!(serde_json::from_str::<ErrorBody>(&text).unwrap(), body);
    }

    #[test]
    fn a_code_of_a_newer_daemon_does_not_stop_the_reader() {
        assert_eq!(
            serde_json::from_str::<Code>(r#""FROM_THE_FUTURE""#).unwrap(),
            Code::ServerError
        );
    }

    #[test]
    fn refusals_use_the_words_of_json() {
        fn refusal<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
            in_plain_words(&serde_json::from_str::<T>(text).unwrap_err())
        }
        for (told, expected) in [
            (
                refusal::<u64>("\"1h\""),
                "invalid type: string \"1h\", expected a whole number",
            ),
            (
                refusal::<u8>("300"),
                "invalid value: integer `300`, expected a whole number",
            ),
            (
                refusal::<String>("{}"),
                "invalid type: object, expected a string",
            ),
            (
                refusal::<Vec<u8>>("{}"),
                "invalid type: object, expected a list",
            ),
            (
                refusal::<bool>("[]"),
                "invalid type: list, expected a boolean",
            ),
        ] {
            assert_eq!(told, expected);
        }
    }
}
