//! The reader of messages under texts that nobody wrote: the fuzz target's seeds, and documents made of the protocol's words.
//!
//! A crash that fuzzing found becomes one more file in `protocol/fuzz/corpus/decode_message`; its name says what was wrong.

#[expect(
    unreachable_pub,
    reason = "the same file is the root of the fuzzer's own crate"
)]
#[path = "../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use protocol::{ClientMessage, Envelope, ServerMessage};
use serde_json::{Map, Value, json};
use targets::decode_message;

#[test]
fn every_seed_and_every_golden_message_passes_the_fuzz_target() {
    for folder in [
        "fuzz/corpus/decode_message",
        "tests/golden/contract",
        "tests/golden/specification",
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut read = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Captured, and shown if the target panics.
            println!("{}", path.display());
            decode_message(&fs::read(path).unwrap());
            read += 1;
        }
        assert!(read >= 4);
    }
}

/// Every field of every message, and one that is in none.
const FIELDS: &[&str] = &[
    "architecture",
    "bytesDownloaded",
    "capabilities",
    "channel",
    "clientId",
    "clientVersion",
    "currentOperation",
    "downloadSpeed",
    "estimatedTimeRemaining",
    "message",
    "phase",
    "platform",
    "previousVersion",
    "progressPercentage",
    "since",
    "success",
    "timestamp",
    "totalBytes",
    "version",
    "colour",
];

/// Values that are right somewhere, or nearly.
fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(
        &[
            "1.0.0",
            "1.0.0-rc.1+b",
            "1.0",
            "stable",
            "beta",
            "desktop-1",
            "../x",
            "linux",
            "x64",
            "extended",
            "2026-01-15T10:30:00Z",
            "2026-01-15T10:30:00.123456789+02:00",
            "",
            "\u{0}",
            "\u{202e}",
        ][..],
    );
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..200).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let field = prop::sample::select(FIELDS);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field, inner), 0..4).prop_map(object),
        ]
    })
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Value::Object(fields)
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select([ClientMessage::TYPES, ServerMessage::TYPES].concat())
}

proptest! {
    #[test]
    fn documents_of_the_protocols_words_are_refused_or_read_as_they_are_written(
        kind in kind(),
        fields in prop::collection::vec((prop::sample::select(FIELDS), value()), 0..8),
        id in prop::option::of(value()),
    ) {
        let mut document = json!({ "type": kind, "data": object(fields) });
        if let Some(id) = id {
            document["id"] = id;
        }
        decode_message(document.to_string().as_bytes());
    }

    #[test]
    fn a_good_report_is_taken_whatever_its_numbers(
        total in 0_u64..1 << 53,
        share in 0.0..=1.0_f64,
        percentage in prop::option::of(0_u8..=100),
        speed in 0_u64..1 << 53,
    ) {
        let downloaded = ((total as f64 * share) as u64).min(total);
        let mut document = json!({ "type": "DOWNLOAD_PROGRESS", "data": {
            "version": "1.0.0", "bytesDownloaded": downloaded, "totalBytes": total, "downloadSpeed": speed,
        }});
        if let Some(percentage) = percentage {
            document["data"]["progressPercentage"] = percentage.into();
        }
        let text = document.to_string();
        let Ok(Envelope { message: ClientMessage::DownloadProgress(report), .. }) = Envelope::parse(&text) else {
            return Err(TestCaseError::fail(format!("refused: {text}")));
        };
        prop_assert_eq!((report.bytes_downloaded, report.total_bytes), (downloaded, total));
        prop_assert!(report.progress_percentage <= 100);
        decode_message(text.as_bytes());
    }

    #[test]
    fn a_message_that_was_cut_or_changed_in_one_place_is_refused_or_read_as_it_is_written(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        is_cut in any::<bool>(),
    ) {
        let good = include_bytes!("golden/contract/register-extended.json");
        let at = at.index(good.len());
        let mut bytes = good.to_vec();
        match is_cut {
            true => bytes.truncate(at),
            false => bytes[at] = byte,
        }
        decode_message(&bytes);
    }
}
