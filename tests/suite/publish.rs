//! `relctl publish` as pipelines use it: run again, rehearsed, cut in the middle, and on bad days of the network.

mod ci;
mod cuts;
mod full;
mod tus;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tests::{Daemon, Relay, Relctl, Setup};

use crate::BINARIES;
use crate::jars::{large_jar, small_jar};

/// For a relay that only counts.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// Exit codes that pipelines rely on.
const CONFLICT: i32 = 6;
const NETWORK: i32 = 8;
const ROLLOUT_FAILED: i32 = 9;
const TIMEOUT: i32 = 10;

fn write(folder: &Path, jar: &[u8]) -> PathBuf {
    let path = folder.join("app.jar");
    std::fs::write(&path, jar).unwrap();
    path
}

/// A publish of a JAR by way of a relay.
fn publish<'a>(daemon: &'a Daemon, url: &str, jar: &Path) -> Relctl<'a> {
    daemon
        .relctl(["publish", "--json"])
        .path(jar)
        .env("RELCTL_URL", url)
}

fn data(document: &Value) -> &Value {
    assert_eq!(document["ok"], true, "{document:#}");
    &document["data"]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_uploads_nothing_which_the_socket_shows() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let size = std::fs::metadata(&jar).unwrap().len();
    let relay = Relay::cutting_uploads(daemon.url(), AT_ONCE, [])
        .await
        .unwrap();
    let first = publish(&daemon, relay.url(), &jar)
        .run()
        .exits_with(0)
        .json();
    assert!(
        data(&first)["uploadedBytes"].as_u64().unwrap() >= size,
        "{first:#}"
    );
    let before = relay.sent_bytes();
    assert!(before > size);
    let again = publish(&daemon, relay.url(), &jar).run().exits_with(0);
    let document = again.json();
    assert_eq!(data(&document)["uploadedBytes"], 0, "{document:#}");
    assert_eq!(data(&document)["alreadyPublished"], true);
    // Two questions with their heads, and not a byte of a body.
    let sent = relay.sent_bytes() - before;
    println!("a publish that was done before sent {sent} bytes, all of them heads of GET requests");
    assert!(sent < 2000, "{sent} bytes\n{}", again.story());
    let log = daemon
        .api()
        .get("/api/v1/admin/updates/versions/1.0.0/history")
        .await
        .data();
    assert_eq!(log["totalElements"], 2, "created, activated: {log:#}");
}

#[test]
fn other_bytes_under_a_version_name_both_checksums_and_the_ways_out() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &small_jar("1.0.0"));
    let _ = publish(&daemon, daemon.url(), &jar).succeed();
    write(daemon.home(), &small_jar("1.0.1"));
    let refused = publish(&daemon, daemon.url(), &jar).args(["--version", "1.0.0"]);
    let refused = refused.run().exits_with(CONFLICT);
    for text in [
        &crate::sha256(&small_jar("1.0.0")),
        &crate::sha256(&small_jar("1.0.1")),
        "--version V",
        "relctl versions disable 1.0.0",
    ] {
        assert!(refused.stderr.contains(text), "{}", refused.story());
    }
    assert_eq!(refused.json()["error"]["code"], "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_tells_what_would_happen_and_changes_nothing() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let _ = publish(&daemon, daemon.url(), &jar).succeed();
    let jar = write(daemon.home(), &large_jar("1.1.0"));
    let before = state(&daemon).await;
    let rehearsed = publish(&daemon, daemon.url(), &jar).args(["--dry-run", "--rollout", "10%"]);
    let rehearsed = rehearsed.run().exits_with(0);
    let document = rehearsed.json();
    let told = data(&document);
    assert_eq!(told["dryRun"], true);
    assert_eq!(told["state"], "ACTIVE");
    assert_eq!(told["reach"]["rolloutPercentage"], 10);
    assert_eq!(told["reach"]["connectedClients"], 0);
    let deltas = told["deltas"].as_array().unwrap();
    assert!(
        deltas
            .iter()
            .any(|delta| delta["fromVersion"] == "1.0.0" && delta["result"] == "planned")
    );
    let sizes = deltas.iter().filter(|delta| delta["result"] == "planned");
    let sizes: u64 = sizes
        .map(|delta| delta["sizeBytes"].as_u64().unwrap())
        .sum();
    let size = std::fs::metadata(&jar).unwrap().len();
    assert_eq!(told["uploadedBytes"], size + sizes);
    assert_eq!(state(&daemon).await, before);

    let done = publish(&daemon, daemon.url(), &jar)
        .run()
        .exits_with(0)
        .json();
    let planned = deltas.iter().map(|delta| &delta["sizeBytes"]);
    let made = data(&done)["deltas"].as_array().unwrap().iter();
    assert!(
        planned.eq(made.map(|delta| &delta["sizeBytes"])),
        "{done:#}"
    );
}

/// Everything that a publish could change, but for the daemon's counters.
async fn state(daemon: &Daemon) -> (Vec<Value>, Vec<PathBuf>) {
    let folders = ["blobs", "staging", "uploads"];
    let mut files = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(daemon.data_dir().join(folder)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    (crate::all_releases(&daemon.api()).await, files)
}

#[tokio::test(flavor = "multi_thread")]
async fn bases_of_deltas_are_fetched_as_nobodys_download() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let _ = publish(&daemon, daemon.url(), &jar).succeed();
    let watching = daemon.relctl(["watch", "--json"]).start();
    watching.wait_for_on(tests::process::Stream::Stderr, "the watch", |said| {
        said.contains("Watching").then_some(())
    });
    let jar = write(daemon.home(), &large_jar("1.1.0"));
    let _ = publish(&daemon, daemon.url(), &jar).succeed();
    watching.wait_for_json("the release", |event| {
        event["type"] == "RELEASE_CHANGED" && event["data"]["state"] == "ACTIVE"
    });
    let said = watching.stdout();
    assert!(!said.contains("DOWNLOAD_PROGRESS"), "{said}");
    let statistics = daemon
        .api()
        .get("/api/v1/admin/updates/statistics")
        .await
        .data();
    assert_eq!(statistics["totalDownloads"], 0, "{statistics:#}");
}

#[test]
fn a_daemon_that_is_not_there_is_tried_again_and_then_said_to_be_away() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &small_jar("1.0.0"));
    let away = publish(&daemon, "http://127.0.0.1:1", &jar).args(["--retries", "1"]);
    let away = away.run().exits_with(NETWORK);
    assert!(away.stderr.contains("trying again in"), "{}", away.story());
    let at_once = publish(&daemon, "http://127.0.0.1:1", &jar).env("RELCTL_RETRIES", "0");
    let at_once = at_once.run().exits_with(NETWORK);
    assert!(
        !at_once.stderr.contains("trying again"),
        "{}",
        at_once.story()
    );
}

#[test]
fn a_publish_waits_for_the_fleet_and_ends_as_it_does() {
    let daemon = Setup::new(BINARIES)
        .config("[limits]\nconnections-per-minute = 0\n")
        .start();
    let jar = write(daemon.home(), &small_jar("1.0.0"));
    let _ = publish(&daemon, daemon.url(), &jar).succeed();
    let fleet = |scenario: &str| {
        let arguments = ["simulate", "--clients", "10", "--seed", "7", "--scenario"];
        let fleet = daemon
            .relctl(arguments)
            .args([scenario, "--current", "1.0.0"]);
        fleet.start()
    };
    let wait = |version: &str, until: &str, timeout: &str| {
        let jar = write(daemon.home(), &small_jar(version));
        publish(&daemon, daemon.url(), &jar)
            .args([
                "--wait",
                until,
                "--fail-over",
                "20%",
                "--wait-timeout",
                timeout,
            ])
            .run()
    };
    let mut happy = fleet("happy");
    let done = wait("1.1.0", "100%", "60s").exits_with(0);
    let lines = done.json_lines();
    assert_eq!(lines[0]["schema"], "relctl/publish/v1", "{}", done.story());
    assert_eq!(lines.last().unwrap()["type"], "SUMMARY", "{}", done.story());
    happy.kill();
    let mut failing = fleet("fail:100%");
    let failed = wait("1.2.0", "100%", "60s").exits_with(ROLLOUT_FAILED);
    assert_eq!(failed.json_lines().last().unwrap()["type"], "SUMMARY");
    failing.kill();
    let _ = wait("1.3.0", "100%", "1s").exits_with(TIMEOUT);
}
