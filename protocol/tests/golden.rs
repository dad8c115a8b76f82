//! Every example of the specification, and every addition of the contract, survives reading and writing byte for byte.
//!
//! `golden/specification` holds the specification's own examples, unchanged; `golden/contract` what the contract adds.
//! A changed file there is a change of the protocol and needs its note in CHANGELOG.md.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input shall fail"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use protocol::api::{CheckAnswer, DeltaAnswer, Failure, Success};
use protocol::release_file::ReleaseFile;
use protocol::{ClientMessage, Envelope, ServerMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The specification writes placeholders where real messages carry ids and checksums.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("session-uuid-123", "5f3c1a52-7d1e-4b7a-9a53-2f0f5f4a6a01"),
    (
        "sha256-hash",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
];

/// Both folders by file name, white space removed and placeholders replaced.
fn golden() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for folder in ["specification", "contract"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mut text = compact(&fs::read_to_string(&path).unwrap());
            for (placeholder, value) in PLACEHOLDERS {
                text = text.replace(placeholder, value);
            }
            texts.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), text);
        }
    }
    texts
}

/// Removes white space outside strings and nothing else, so that names, order and values stay as written.
fn compact(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keeps = |c: &char| {
        let keep = quoted || !c.is_whitespace();
        if *c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = *c == '\\' && !escaped;
        keep
    };
    text.chars().filter(keeps).collect()
}

fn rewritten<T: Serialize + DeserializeOwned>(text: &str) -> String {
    serde_json::to_string(&serde_json::from_str::<T>(text).unwrap()).unwrap()
}

/// Reads a client's message as the daemon does and writes it as a client does.
fn client_message(text: &str) -> String {
    // The specification's reports carry `clientId` and `timestamp` in the other direction only, so these are never reports.
    serde_json::to_string(&Envelope::parse(text).unwrap().message).unwrap()
}

#[test]
fn every_example_comes_back_byte_for_byte() {
    let mut server_types = Vec::new();
    let mut client_types = Vec::new();
    for (name, text) in golden() {
        let written = match name.as_str() {
            "check-answer" => {
                // HTTP bodies may grow: what the specification shows must be there, in its order, before anything of ours.
                let written = rewritten::<Success<CheckAnswer>>(&text);
                assert_eq!(written, text, "{name}");
                continue;
            }
            "check-stepping-stone" | "check-compressed" => rewritten::<Success<CheckAnswer>>(&text),
            "delta-answer" | "compressed-answer" => rewritten::<Success<DeltaAnswer>>(&text),
            "release-file" => rewritten::<ReleaseFile>(&text),
            "error-rate-limited" => rewritten::<Failure>(&text),
            "error-body" => rewritten::<Failure>(&text),
            "register" | "register-extended" | "subscribe" | "unsubscribe" | "ping" | "watch"
            | "unwatch" => {
                client_types.push(kind(&text));
                client_message(&text)
            }
            // The full shape is the contract's: it is sent everywhere.
            "rate-limited" => continue,
            _ => {
                server_types.push(kind(&text));
                ServerMessage::parse(&text).unwrap().unwrap().to_text()
            }
        };
        assert_eq!(written, text, "{name}");
    }
    for expected in ServerMessage::TYPES {
        assert!(
            server_types.iter().any(|kind| kind == expected),
            "no golden file shows {expected}"
        );
    }
    for expected in ClientMessage::TYPES {
        let is_report = ServerMessage::TYPES.contains(expected);
        assert!(
            is_report || client_types.iter().any(|kind| kind == expected),
            "no golden file shows {expected}"
        );
    }
}

#[test]
fn reports_are_read_in_the_shapes_of_the_other_direction() {
    let golden = golden();
    for name in [
        "download-progress",
        "installation-progress",
        "installation-completed",
    ] {
        let read = Envelope::parse(&golden[name]).unwrap();
        assert_eq!(
            serde_json::to_value(&read.message).unwrap()["type"],
            kind(&golden[name])
        );
    }
}

fn kind(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).unwrap()["type"]
        .as_str()
        .unwrap()
        .to_owned()
}
