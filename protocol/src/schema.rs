//! JSON Schema (draft 2020-12) of every message and body, for clients in other languages and for tests.

use schemars::{Schema, schema_for};

use crate::api;
use crate::message::{ClientMessage, ServerMessage};
use crate::release_file::ReleaseFile;

/// Names of all schemas.
pub const NAMES: &[&str] = &[
    "client-message",
    "server-message",
    "error",
    "check",
    "release",
    "release-metadata",
    "release-file",
    "delta",
    "statistics",
    "upload",
    "user",
    "token",
    "whoami",
];

/// The schema of a name in [`NAMES`].
#[must_use]
pub fn schema(name: &str) -> Option<Schema> {
    let schema = match name {
        "client-message" => schema_for!(ClientMessage),
        "server-message" => schema_for!(ServerMessage),
        "error" => schema_for!(api::Failure),
        "check" => schema_for!(api::CheckAnswer),
        "release" => schema_for!(api::ReleaseView),
        "release-file" => schema_for!(ReleaseFile),
        "release-metadata" => schema_for!(api::ReleaseMetadata),
        "delta" => schema_for!(api::DeltaAnswer),
        "statistics" => schema_for!(api::Statistics),
        "upload" => schema_for!(api::UploadView),
        "user" => schema_for!(api::UserView),
        "token" => schema_for!(api::IssuedToken),
        "whoami" => schema_for!(api::WhoAmI),
        _ => return None,
    };
    Some(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_schema() {
        for name in NAMES {
            assert!(schema(name).is_some(), "{name}");
        }
        assert!(schema("nonsense").is_none());
    }

    #[test]
    fn each_message_type_stands_in_its_schema() {
        for (name, types) in [
            ("client-message", ClientMessage::TYPES),
            ("server-message", ServerMessage::TYPES),
        ] {
            let text = serde_json::to_string(&schema(name).unwrap()).unwrap();
            for kind in types {
                assert!(
                    text.contains(&format!("\"{kind}\"")),
                    "{kind} is not in {name}"
                );
            }
        }
    }
}
