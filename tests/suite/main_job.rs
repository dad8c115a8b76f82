//! The main job: a release is published, clients hear of it, take the delta, and run the new version.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use fixtures::java::{Demo, demo_jar};
use protocol::api::paths;
use tests::{Daemon, Socket, java};

use crate::BINARIES;
use crate::jars::large_jar;

const CLIENTS: [&str; 2] = ["desktop-1", "desktop-2"];

#[tokio::test(flavor = "multi_thread")]
async fn published_heard_of_rebuilt_from_a_delta_verified_and_run() {
    let daemon = Daemon::start(BINARIES);
    let jars = [Demo::V1, Demo::V2].map(|demo| {
        let path = daemon.home().join(format!("notes-{}.jar", demo.version()));
        std::fs::write(&path, demo_jar(demo)).unwrap();
        path
    });
    let publish = |index: usize| {
        daemon
            .relctl(["publish", "--json"])
            .path(&jars[index])
            .run()
    };
    let _ = publish(0).exits_with(0).json();

    // Both clients install the first release from nothing, and then stay.
    let apps = CLIENTS.map(|client| daemon.home().join(client));
    let clients: Vec<_> = CLIENTS
        .iter()
        .zip(&apps)
        .map(|(client, app)| {
            daemon
                .relctl([
                    "client",
                    "update",
                    "--json",
                    "--client-id",
                    client,
                    "--channel",
                    "stable",
                    "--app-dir",
                ])
                .path(app)
                .start()
        })
        .collect();
    let watch = daemon.relctl(["watch", "--json"]).start();
    for client in CLIENTS {
        tests::wait::until("both clients to run 1.0.0", async || {
            let statistics = daemon
                .api()
                .get(&format!("{}/statistics", paths::ADMIN))
                .await
                .data();
            (statistics["connectedClients"] == CLIENTS.len()).then_some(())
        })
        .await;
        assert!(!client.is_empty());
    }
    let mut listener = Socket::open(&daemon, &daemon.admin_token()).await;
    listener.register("listener", "1.0.0").await;
    listener.settle().await;

    let start = Instant::now();
    let published = publish(1).exits_with(0);
    let announced = listener.next_of("NEW_VERSION_AVAILABLE").await;
    assert_eq!(announced["data"]["version"], "1.1.0");
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_ne!(published.stdout, "");

    let old = std::fs::read(&jars[0]).unwrap();
    let new = std::fs::read(&jars[1]).unwrap();
    for client in CLIENTS {
        let delta = watch.wait_for_json("a finished download", |event| {
            is_about(event, "DOWNLOAD_PROGRESS", client)
                && event["data"]["progressPercentage"] == 100
                && event["data"]["version"] == "1.1.0"
        });
        let total = delta["data"]["totalBytes"].as_u64().unwrap();
        assert!(
            total < new.len() as u64 / 2,
            "{client} took {total} bytes where the full file has {}",
            new.len()
        );
        let completed = watch.wait_for_json("an installation", |event| {
            is_about(event, "INSTALLATION_COMPLETED", client) && event["data"]["version"] == "1.1.0"
        });
        assert_eq!(completed["data"]["success"], true);
        assert_eq!(completed["data"]["previousVersion"], "1.0.0");
    }
    assert_ne!(old, new);
    for (client, app) in clients.iter().zip(&apps) {
        assert_ne!(client.stdout(), "");
        let installed = installed_jar(app, &new);
        assert_eq!(java::run_jar(&installed, &["--version"]), "1.1.0\n");
    }
    let statistics = daemon
        .api()
        .get(&format!("{}/statistics", paths::ADMIN))
        .await
        .is(200)
        .data();
    let version = &statistics["versions"][0];
    assert_eq!(version["version"], "1.1.0");
    assert_eq!(version["deltaDownloadsCompleted"], CLIENTS.len());
    assert_eq!(
        version["downloadsStarted"], 0,
        "a full download ran: {version:#}"
    );
    assert_eq!(version["installationsSucceeded"], CLIENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_reaches_a_client_within_a_second() {
    let daemon = Daemon::start(BINARIES);
    let upload = tests::Upload::new("1.0.0", large_jar("1.0.0")).draft();
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
    let upload = tests::Upload::new("1.1.0", crate::jars::small_jar("1.1.0"));
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

fn is_about(event: &Value, kind: &str, client: &str) -> bool {
    event["type"] == kind && event["data"]["clientId"] == client
}

/// The JAR below an application's folder that has exactly these bytes.
fn installed_jar(app: &std::path::Path, bytes: &[u8]) -> std::path::PathBuf {
    let mut folders = vec![app.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jar")
                && std::fs::read(&path).unwrap() == bytes
            {
                return path;
            }
        }
    }
    panic!("no such JAR below {}", app.display())
}
