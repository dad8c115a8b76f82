//! The journal is the truth: damage before its end is not repaired by guessing, and is said plainly.

use std::path::PathBuf;

use protocol::api::paths;
use serde_json::json;
use tests::{Daemon, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

#[tokio::test]
async fn a_journal_damaged_before_its_end_is_served_but_not_written() {
    let mut daemon = with_releases(&["1.0.0", "1.1.0", "1.2.0"]).await;
    let _ = daemon.terminate();
    let journal = journal(&daemon);
    let mut bytes = std::fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&journal, &bytes).unwrap();

    daemon.start_again();

    let log = daemon.log();
    assert!(
        log.contains("journal") && log.contains("read-only"),
        "the log does not say what happened: {log}"
    );
    let ready = daemon.api_without_token().get("/readyz").await;
    assert!(ready.text().contains("read-only"), "{}", ready.text());
    let _ = daemon.api_without_token().get("/livez").await.is(200);

    // What was published before the damage is still served.
    let _ = daemon.api().check("0.9.0", "stable").await.is(200);
    let bytes_served = daemon.api().download("1.0.0").await.is(200).body;
    assert!(bytes_served == small_jar("1.0.0"));

    let upload = Upload::new("2.0.0", small_jar("2.0.0"));
    let refused = daemon.api().publish(&upload).await;
    assert_ne!(refused.header("retry-after"), "", "no Retry-After");
    refused.is_refused(503, "UNAVAILABLE");
    let user = json!({ "username": "jane", "role": "USER" });
    let path = format!("{}/users", paths::IDENTITY);
    let refused = daemon.api().post(&path, &user).await;
    refused.is_refused(503, "UNAVAILABLE");
    let refused = daemon.api().set_state("1.0.0", "INACTIVE").await;
    refused.is_refused(503, "UNAVAILABLE");
    assert!(
        std::fs::read(&journal).unwrap() == bytes,
        "the damaged journal was changed"
    );
}

#[tokio::test]
async fn a_record_that_was_never_finished_is_cut_off_with_a_warning() {
    let mut daemon = with_releases(&["1.0.0", "1.1.0"]).await;
    let _ = daemon.terminate();
    let journal = journal(&daemon);
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() - 5]).unwrap();

    daemon.start_again();

    assert!(daemon.log().contains("WARN"), "{}", daemon.log());
    let _ = daemon.api().get("/readyz").await.is(200);
    let _ = daemon.api().release("1.0.0").await.is(200);
    daemon
        .api()
        .release("1.1.0")
        .await
        .is_refused(404, "NOT_FOUND");
    let again = Upload::new("1.1.0", small_jar("1.1.0"));
    let _ = daemon.api().publish(&again).await.is(201);
}

async fn with_releases(versions: &[&str]) -> Daemon {
    let daemon = Daemon::start(BINARIES);
    for version in versions {
        let upload = Upload::new(version, small_jar(version));
        let _ = daemon.api().publish(&upload).await.is(201);
    }
    daemon
}

/// The one file of a young journal.
fn journal(daemon: &Daemon) -> PathBuf {
    let folder = daemon.data_dir().join("journal");
    let files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}
