//! The main job: a release is published, clients hear of it, take the delta, and run the new version.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use fixtures::java::{Demo, demo_jar};
use protocol::api::paths;
use tests::relctl::Running;
use tests::wait::until;
use tests::{Daemon, Socket, Upload, java};

use crate::BINARIES;
use crate::jars::{large_jar, small_jar};

const CLIENTS: [&str; 2] = ["desktop-1", "desktop-2"];

#[tokio::test(flavor = "multi_thread")]
async fn published_heard_of_rebuilt_from_a_delta_verified_and_run() {
    let daemon = Daemon::start(BINARIES);
    let old = publish(&daemon, Demo::V1);
    let clients = CLIENTS.map(|client| update(&daemon, client));
    let watch = daemon.relctl(["watch", "--json"]).start();
    until("two clients on 1.0.0 and a watcher", async || {
        let statistics = statistics(&daemon).await;
        let connected = (&statistics["connectedClients"], &statistics["watchers"]);
        let installed = CLIENTS
            .iter()
            .all(|client| jar(&daemon, client, Demo::V1).exists());
        (connected == (&json!(2), &json!(1)) && installed).then_some(())
    })
    .await;
    let mut listener = Socket::open(&daemon, &daemon.admin_token()).await;
    listener.register("listener", "1.0.0").await;
    listener.settle().await;

    let new = publish(&daemon, Demo::V2);

    let acknowledged = Instant::now();
    let announced = listener.next_of("NEW_VERSION_AVAILABLE").await;
    assert!(acknowledged.elapsed() < Duration::from_secs(1));
    assert_eq!(announced["data"]["version"], "1.1.0");
    for (client, running) in CLIENTS.iter().zip(&clients) {
        completes_by_delta(&watch, client, new.len() as u64);
        let jar = jar(&daemon, client, Demo::V2);
        until("the new JAR in its place", async || {
            jar.exists().then_some(())
        })
        .await;
        assert!(std::fs::read(&jar).unwrap() == new, "{running:?}");
        assert_eq!(java::run_jar(&jar, &["--version"]), "1.1.0\n");
    }
    assert!(old != new);
    let statistics = statistics(&daemon).await;
    let version = &statistics["versions"][0];
    assert_eq!(version["version"], "1.1.0");
    assert_eq!(version["deltaDownloadsCompleted"], 2);
    assert_eq!(
        version["downloadsStarted"], 0,
        "a full download ran: {version:#}"
    );
    assert_eq!(version["installationsSucceeded"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_publisher_fetches_is_not_taken_for_a_clients_download() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, Demo::V1);
    let mut client = Socket::open(&daemon, &daemon.admin_token()).await;
    client.register(CLIENTS[0], "1.0.0").await;
    client.settle().await;

    // The base of the delta, fetched by the user whose only session this is.
    publish(&daemon, Demo::V2);

    let _ = client.next_of("NEW_VERSION_AVAILABLE").await;
    let seen = client.seen().iter();
    let mistaken = seen.filter(|message| message["type"] == "DOWNLOAD_PROGRESS");
    assert_eq!(mistaken.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_takes_the_jar_delta_and_other_clients_find_the_zstd_one_beside_it() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, Demo::V1);
    let _ = update_once(&daemon, CLIENTS[0]);
    let new = publish(&daemon, Demo::V2);

    let shown = daemon
        .api()
        .get(&format!("{}/versions/1.1.0", paths::ADMIN));
    let release = shown.await.is(200).data();
    let mut offered: Vec<(String, u64)> = release["deltas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delta| {
            let format = delta["format"].as_str().unwrap();
            (format.to_owned(), delta["size"].as_u64().unwrap())
        })
        .collect();
    offered.sort();
    let [(jar_name, jar_bytes), (zstd_name, zstd_bytes)] = &offered[..] else {
        panic!("two deltas were expected: {offered:?}");
    };
    assert_eq!((jar_name.as_str(), zstd_name.as_str()), ("jar", "zstd"));
    assert!(jar_bytes < zstd_bytes, "{offered:?}");

    let updated = update_once(&daemon, CLIENTS[0]);
    assert_eq!(updated["data"]["way"], "delta", "{updated:#}");
    assert_eq!(updated["data"]["deltaFormat"], "jar");
    assert_eq!(updated["data"]["fetchedBytes"], *jar_bytes);
    let jar = jar(&daemon, CLIENTS[0], Demo::V2);
    assert!(std::fs::read(&jar).unwrap() == new);
    assert_eq!(java::run_jar(&jar, &["--version"]), "1.1.0\n");
}

/// A desktop that installs what there is and ends; what it says of that.
fn update_once(daemon: &Daemon, client: &str) -> Value {
    let arguments = ["client", "update", "--once", "--json", "--client-id"];
    daemon
        .relctl(arguments)
        .args([client, "--channel", "stable", "--app-dir"])
        .path(&daemon.home().join(client))
        .run()
        .exits_with(0)
        .json()
}

/// Packs and publishes a version of the demo application; the release's bytes.
fn publish(daemon: &Daemon, demo: Demo) -> Vec<u8> {
    let path = daemon.home().join(format!("notes-{}.jar", demo.version()));
    let jar = demo_jar(demo);
    std::fs::write(&path, &jar).unwrap();
    let _ = daemon.relctl(["publish"]).path(&path).succeed();
    jar
}

/// A desktop that installs what there is and then stays to hear of more.
fn update<'a>(daemon: &'a Daemon, client: &str) -> Running<'a> {
    daemon
        .relctl([
            "client",
            "update",
            "--client-id",
            client,
            "--channel",
            "stable",
            "--app-dir",
        ])
        .path(&daemon.home().join(client))
        .start()
}

fn jar(daemon: &Daemon, client: &str, demo: Demo) -> PathBuf {
    let versions = daemon.home().join(client).join("versions");
    versions.join(demo.version()).join("app.jar")
}

async fn statistics(daemon: &Daemon) -> Value {
    let path = format!("{}/statistics", paths::ADMIN);
    daemon.api().get(&path).await.is(200).data()
}

/// The watcher sees a client finish a small download and then its installation.
fn completes_by_delta(watch: &Running, client: &str, full_bytes: u64) {
    let event = |kind: &str, event: &Value| {
        event["type"] == kind
            && event["data"]["clientId"] == client
            && event["data"]["version"] == "1.1.0"
    };
    let download = watch.wait_for_json("a finished download", |line| {
        event("DOWNLOAD_PROGRESS", line) && line["data"]["progressPercentage"] == 100
    });
    let total_bytes = download["data"]["totalBytes"].as_u64().unwrap();
    assert!(
        total_bytes < full_bytes / 2,
        "{client} took {total_bytes} bytes; the full file has {full_bytes}"
    );
    let completed = watch.wait_for_json("an installation", |line| {
        event("INSTALLATION_COMPLETED", line)
    });
    assert_eq!(completed["data"]["success"], true);
    assert_eq!(completed["data"]["previousVersion"], "1.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_reaches_a_client_within_a_second() {
    let daemon = Daemon::start(BINARIES);
    let upload = Upload::new("1.0.0", large_jar("1.0.0")).draft();
    let _ = daemon.api().publish(&upload).await.is(201);
    let mut client = Socket::open(&daemon, &daemon.admin_token()).await;
    client.register("desktop-1", "0.9.0").await;
    client.settle().await;

    let start = Instant::now();
    let _ = daemon.api().set_state("1.0.0", "ACTIVE").await.is(200);
    let announced = client.next_of("NEW_VERSION_AVAILABLE").await;
    let elapsed = start.elapsed();

    assert_eq!(announced["data"]["fileSize"], large_jar("1.0.0").len());
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_is_told_when_it_comes_back() {
    let daemon = Daemon::start(BINARIES);
    let upload = Upload::new("1.1.0", small_jar("1.1.0"));
    let _ = daemon.api().publish(&upload).await.is(201);

    let mut client = Socket::open(&daemon, &daemon.admin_token()).await;
    client.register("desktop-1", "1.0.0").await;
    let announced = client.next_of("NEW_VERSION_AVAILABLE").await;
    assert_eq!(announced["data"]["version"], "1.1.0");

    // Told once: subscribing to what it follows already says nothing new.
    client
        .send("SUBSCRIBE", json!({ "channel": "stable" }))
        .await;
    client.settle().await;
    let told = client
        .seen()
        .iter()
        .filter(|message| message["type"] == "NEW_VERSION_AVAILABLE");
    assert_eq!(told.count(), 1);
}
