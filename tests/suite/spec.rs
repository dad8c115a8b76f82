//! The owner's specification, word for word: each example message and endpoint against the running daemon, and its
//! JavaScript client unmodified.
//!
//! The examples are read out of it when a test runs.

use std::collections::BTreeMap;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use protocol::api::paths;
use tests::process::{Process, Stream};
use tests::wait::PATIENCE;
use tests::{Daemon, Setup, Socket, Upload, api};

use crate::jars::{large_jar, small_jar};
use crate::{BINARIES, specification};

#[tokio::test]
async fn every_client_message_of_the_specification_is_taken_as_it_stands() {
    let daemon = Daemon::start(BINARIES);
    let mut socket = Socket::open(&daemon, &daemon.admin_token()).await;
    for heading in [
        "#### 1. Client Registration",
        "#### 2. Channel Subscription",
        "#### 3. Heartbeat/Ping",
        "#### 4. Channel Unsubscription",
    ] {
        socket.send_text(example_text(heading)).await;
    }
    socket.next_of("HEARTBEAT").await; // The answer to the specification's own PING.
    socket.settle().await;
    let refused = socket
        .seen()
        .iter()
        .find(|message| message["type"] == "ERROR");
    assert_eq!(refused, None);
}

#[tokio::test]
async fn welcome_heartbeat_and_error_have_exactly_the_fields_that_are_shown() {
    let daemon = Daemon::start(BINARIES);
    let url = format!("{}?token={}", daemon.live_url(), daemon.admin_token());
    let mut socket = Socket::try_open(&url, &[]).await.unwrap();
    same_shape(&socket.next_of("WELCOME").await, "#### 1. Welcome Message");
    socket
        .send("PING", json!({ "timestamp": "2024-01-15T10:30:00Z" }))
        .await;
    let heartbeat = socket.next_of("HEARTBEAT").await;
    same_shape(&heartbeat, "#### 9. Heartbeat Response");
    socket.send_text("nonsense".into()).await;
    let error = socket.next_of("ERROR").await;
    same_shape(&error, "#### 8. Error Message");
    assert_eq!(error["data"]["code"], "INVALID_MESSAGE");
}

#[tokio::test]
async fn announcements_have_exactly_the_fields_that_are_shown() {
    let daemon = Daemon::start(BINARIES);
    let mut socket = Socket::open(&daemon, &daemon.admin_token()).await;
    socket.register("desktop-client-123", "2.0.0").await;
    let upload = Upload::new("2.1.0", small_jar("2.1.0")).with("minimumClientVersion", "2.0.0");
    let _ = daemon.api().publish(&upload).await.is(201);
    let announced = socket.next_of("NEW_VERSION_AVAILABLE").await;
    same_shape(&announced, "#### 2. New Version Available");
    assert_eq!(
        announced["data"]["downloadUrl"],
        "/api/v1/updates/download/2.1.0"
    );
    assert_eq!(
        announced["data"]["checksum"],
        crate::sha256(&small_jar("2.1.0"))
    );

    let mut outdated = Socket::open(&daemon, &daemon.admin_token()).await;
    outdated.register("desktop-client-456", "1.0.0").await;
    let issue = outdated.next_of("COMPATIBILITY_ISSUE").await;
    same_shape(&issue, "#### 7. Compatibility Issue");
    assert_eq!(issue["data"]["issueType"], "MINIMUM_VERSION");
}

#[tokio::test]
async fn progress_has_exactly_the_fields_that_are_shown() {
    let daemon = Daemon::start(BINARIES);
    let upload = Upload::new("2.1.0", large_jar("2.1.0"));
    let _ = daemon.api().publish(&upload).await.is(201);
    let mut installing = Socket::open(&daemon, &daemon.admin_token()).await;
    installing.register("desktop-client-123", "2.0.0").await;
    let mut window = Socket::open(&daemon, &daemon.admin_token()).await;
    window.register("desktop-client-123", "2.0.0").await;
    window.settle().await;

    let request = daemon
        .api()
        .request(Method::GET, &format!("{}/download/2.1.0", paths::CLIENT))
        .header("X-Client-Id", "desktop-client-123");
    let _ = api::send(request).await.is(200);
    let progress = window
        .next_where("the end of the download", |message| {
            message["type"] == "DOWNLOAD_PROGRESS" && message["data"]["progressPercentage"] == 100
        })
        .await;
    same_shape(&progress, "#### 3. Download Progress");

    for (kind, heading) in [
        ("INSTALLATION_PROGRESS", "#### 4. Installation Progress"),
        ("INSTALLATION_COMPLETED", "#### 5. Installation Completed"),
    ] {
        installing.send_text(example_text(heading)).await;
        let relayed = window.next_of(kind).await;
        same_shape(&relayed, heading);
        assert_eq!(relayed["data"]["clientId"], "desktop-client-123");
    }
}

#[tokio::test]
async fn a_rate_limit_is_told_in_the_full_shape() {
    let daemon = Setup::new(BINARIES)
        .config("[limits]\nconnections-per-minute = 2\n")
        .start();
    let url = format!(
        "{}?token={}&clientId=desktop-client-123",
        daemon.live_url(),
        daemon.admin_token()
    );
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::try_open(&url, &[]).await.unwrap();
        socket.next_of("WELCOME").await;
        open.push(socket);
    }
    let mut over = Socket::try_open(&url, &[]).await.unwrap();
    let limited = over.next_of("RATE_LIMITED").await;
    same_shape(&limited, "**Rate Limit Response:**");
    assert_eq!(limited["data"]["violationType"], "CONNECTION_LIMIT");
    assert_eq!(limited["data"]["clientId"], "desktop-client-123");
    assert_eq!(over.closed().await, 1013);
}

#[tokio::test]
async fn the_client_endpoints_answer_as_specified() {
    let daemon = Daemon::start(BINARIES);
    let jar = small_jar("2.1.0");
    let upload = Upload::new("2.1.0", jar.clone()).with("minimumClientVersion", "2.0.0");
    let _ = daemon.api().publish(&upload).await.is(201);

    let check = daemon.api().check("2.0.0", "stable").await.is(200).json();
    let expected = example("#### 1. Check for Updates");
    for (field, kind) in kinds(&expected["data"]) {
        assert_eq!(
            kinds(&check["data"]).get(&field),
            Some(&kind),
            "{field} in {check:#}"
        );
    }
    assert_eq!(check["success"], true);
    assert_eq!(check["data"]["updateAvailable"], true);
    assert_eq!(check["data"]["latestVersion"], "2.1.0");
    assert_eq!(check["data"]["fileSize"], jar.len());

    let request = daemon
        .api()
        .request(Method::GET, &format!("{}/download/2.1.0", paths::CLIENT))
        .header("Range", "bytes=0-99");
    let part = api::send(request).await.is(206);
    assert!(part.body == jar[..100]);
    assert_eq!(
        part.header("content-range"),
        format!("bytes 0-99/{}", jar.len())
    );

    let metadata = format!("{}/versions/2.1.0/metadata", paths::CLIENT);
    let metadata = daemon.api().get(&metadata).await.is(200).data();
    assert_eq!(metadata["checksum"], crate::sha256(&jar));
    let delta = format!("{}/delta/2.0.0/2.1.0", paths::CLIENT);
    daemon.api().get(&delta).await.is_refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_admin_endpoints_answer_as_specified() {
    let daemon = Daemon::start(BINARIES);
    let upload = Upload::new("2.1.0", small_jar("2.1.0")).with("minimumClientVersion", "2.0.0");
    let created = daemon.api().publish(&upload).await.is(201);
    assert_ne!(created.header("location"), "");
    let id = created.data()["id"].as_str().unwrap().to_owned();

    let list = format!("{}/versions?page=0&size=10", paths::ADMIN);
    let page = daemon.api().get(&list).await.is(200).data();
    assert_eq!(page["content"][0]["versionNumber"], "2.1.0");
    assert_eq!(page["totalElements"], 1);

    let toggle = format!("{}/versions/{id}/toggle-status", paths::ADMIN);
    for state in ["INACTIVE", "ACTIVE"] {
        let request = daemon.api().request(Method::PATCH, &toggle);
        let toggled = api::send(request).await.is(200).data();
        assert_eq!(toggled["state"], state);
        assert_eq!(toggled["isActive"], state == "ACTIVE");
    }
    let statistics = format!("{}/statistics", paths::ADMIN);
    let statistics = daemon.api().get(&statistics).await.is(200).data();
    assert_eq!(statistics["totalVersions"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_client_of_the_specification_runs_unmodified() {
    let daemon = Daemon::start(BINARIES);
    for version in ["2.0.0", "2.1.0"] {
        let jar = daemon.home().join("app.jar");
        std::fs::write(&jar, large_jar(version)).unwrap();
        let arguments = ["--version", version];
        let _ = daemon
            .relctl(["publish"])
            .path(&jar)
            .args(arguments)
            .succeed();
    }
    let said = run_in_node(&daemon);
    let jar = large_jar("2.1.0");
    assert_eq!(said["check"]["data"]["updateAvailable"], true);
    assert_eq!(said["check"]["data"]["latestVersion"], "2.1.0");
    assert_eq!(said["downloaded"], crate::sha256(&jar));
    assert_eq!(said["lastProgress"]["loaded"], jar.len());
    assert_eq!(said["lastProgress"]["percentage"], 100);
    assert_eq!(said["metadata"]["data"]["version"], "2.1.0");
    assert_eq!(said["delta"]["data"]["toVersion"], "2.1.0");
    assert_eq!(said["delta"]["data"]["targetChecksum"], crate::sha256(&jar));
    assert_eq!(said["unknown"], "HTTP 404: Not Found");
}

/// Runs the specification's class, and what a program would do with it, in Node.
fn run_in_node(daemon: &Daemon) -> Value {
    let class = specification::javascript_class("UpdateAPIClient");
    let program = r"
import { createHash } from 'node:crypto';
const client = new UpdateAPIClient(process.env.TOKEN, process.env.BASE);
console.error = () => {};
let lastProgress;
const blob = await client.downloadUpdate('2.1.0', (progress) => { lastProgress = progress; });
const bytes = Buffer.from(await blob.arrayBuffer());
console.log(JSON.stringify({
    check: await client.checkForUpdates('2.0.0'),
    downloaded: createHash('sha256').update(bytes).digest('hex'),
    lastProgress,
    metadata: await client.getVersionMetadata('2.1.0'),
    delta: await client.getDifferentialUpdate('2.0.0', '2.1.0'),
    unknown: await client.getVersionMetadata('9.9.9').catch((error) => error.message),
}));
";
    let script = daemon.home().join("client.mjs");
    std::fs::write(&script, format!("{class}\n{program}")).unwrap();
    let mut command = Command::new("node");
    command
        .arg(&script)
        .env("TOKEN", daemon.admin_token())
        .env("BASE", format!("{}{}", daemon.url(), paths::CLIENT));
    let mut node = Process::start(&mut command);
    let status = node.wait(PATIENCE);
    assert!(status.success(), "{node:?}\n{}", daemon.story());
    serde_json::from_str(&node.said(Stream::Stdout)).unwrap()
}

/// The JSON block that follows a heading.
fn example_text(heading: &str) -> String {
    let text = specification::text();
    let (_, after) = text
        .split_once(&format!("{heading}\n"))
        .unwrap_or_else(|| panic!("the specification has no {heading}"));
    let (_, block) = after.split_once("```json\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

fn example(heading: &str) -> Value {
    serde_json::from_str(&example_text(heading)).unwrap()
}

/// States that a message has exactly the fields of an example, of the same kinds, and nothing beside type and data.
#[track_caller]
fn same_shape(message: &Value, heading: &str) {
    let example = example(heading);
    assert_eq!(message["type"], example["type"]);
    assert_eq!(kinds(message), kinds(&example), "{heading}: {message:#}");
    assert_eq!(
        kinds(&message["data"]),
        kinds(&example["data"]),
        "{heading}: {message:#}"
    );
    for field in ["timestamp", "serverTime"] {
        if let Some(time) = message["data"].get(field) {
            let time = time.as_str().unwrap();
            assert!(
                time.parse::<protocol::Timestamp>().is_ok() && time.ends_with('Z'),
                "{time}"
            );
        }
    }
}

/// The names of an object's fields, and what kind of value each has.
fn kinds(object: &Value) -> BTreeMap<String, &'static str> {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    object
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), kind(value)))
        .collect()
}
