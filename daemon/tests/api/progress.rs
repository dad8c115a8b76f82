//! Downloads as a watcher sees them: measured by the daemon, from the first byte to the last.

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use reqwest::header::RANGE;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Daemon, Upload, send, updates, versions};

/// All `DOWNLOAD_PROGRESS` that a watcher gets until one has this many bytes.
async fn watched(daemon: &Daemon, until: u64, act: impl Future<Output = ()>) -> Vec<Value> {
    let url = format!(
        "ws://{}/ws/updates?token={}",
        daemon.address(),
        daemon.admin
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a session");
    let watch = r#"{"type":"WATCH","id":"w","data":{}}"#;
    socket.send(Message::text(watch)).await.expect("it reads");
    let mut seen = Vec::new();
    let mut next = async || loop {
        let message = socket.next().await.expect("it goes on").expect("a frame");
        if let Message::Text(text) = message {
            break serde_json::from_str::<Value>(&text).expect("JSON");
        }
    };
    while next().await["type"] != "ACK" {}
    act.await;
    loop {
        let message = next().await;
        if message["type"] == "DOWNLOAD_PROGRESS" {
            let data = message["data"].clone();
            seen.push(data.clone());
            if data["bytesDownloaded"] == until {
                return seen;
            }
        }
    }
}

#[tokio::test]
async fn a_watcher_sees_a_download_begin_and_end() {
    let daemon = Daemon::start().await;
    let (jar, _) = fixtures::jars::jar_pair(3, 800_000);
    let size = jar.len() as u64;
    assert_eq!(
        daemon
            .publish(Upload::new("2.1.0").with_jar(jar))
            .await
            .status,
        201
    );
    let path = updates("/download/2.1.0?clientId=desktop-1");
    let seen = watched(&daemon, size, async {
        assert_eq!(daemon.get(&path).await.status, 200);
    })
    .await;
    let (first, last) = (&seen[0], &seen[seen.len() - 1]);
    assert_eq!(
        (&first["bytesDownloaded"], &first["progressPercentage"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        (&last["progressPercentage"], &last["estimatedTimeRemaining"]),
        (&100.into(), &0.into())
    );
    for progress in &seen {
        assert_eq!(progress["clientId"], "desktop-1");
        assert_eq!(progress["version"], "2.1.0");
        assert_eq!(progress["totalBytes"], size);
        assert!(progress["downloadSpeed"].is_u64() && progress["timestamp"].is_string());
    }
    assert!(last["downloadSpeed"].as_u64() > Some(0));
}

#[tokio::test]
async fn a_resumed_download_counts_from_the_start_of_the_file() {
    let daemon = Daemon::start().await;
    let (jar, _) = fixtures::jars::jar_pair(3, 800_000);
    let size = jar.len() as u64;
    assert_eq!(
        daemon
            .publish(Upload::new("2.1.0").with_jar(jar))
            .await
            .status,
        201
    );
    let path = updates("/download/2.1.0");
    let part = |range: String| {
        let request = daemon
            .request(Method::GET, &path)
            .header("x-client-id", "desktop-1");
        let request = request.header(RANGE, range);
        async { assert_eq!(send(request).await.status, 206) }
    };
    let half = size / 2;
    let seen = watched(&daemon, half, part(format!("bytes=0-{}", half - 1))).await;
    let last = &seen[seen.len() - 1];
    assert!(
        last["progressPercentage"].as_u64() < Some(51),
        "half is not all: {last}"
    );
    let seen = watched(&daemon, size, part(format!("bytes={half}-"))).await;
    assert_eq!(seen[0]["bytesDownloaded"], half);
    assert_eq!(seen[seen.len() - 1]["progressPercentage"], 100);
}

#[tokio::test]
async fn a_watcher_is_told_how_the_bytes_travel() {
    let daemon = Daemon::start().await;
    let (jar, _) = fixtures::jars::jar_pair(3, 200_000);
    let patch = delta::create(delta::Format::Jar, b"", &jar, delta::Options::default()).unwrap();
    let upload = Upload::new("2.1.0").with_jar(jar);
    assert_eq!(daemon.publish(upload).await.status, 201);
    let size = patch.len() as u64;
    let form = reqwest::multipart::Form::new()
        .text("fromVersion", "none")
        .text("format", "jar")
        .part("file", reqwest::multipart::Part::bytes(patch));
    let request = daemon.request(Method::POST, &versions("/2.1.0/deltas"));
    assert_eq!(send(request.multipart(form)).await.status, 201);
    let path = updates("/delta/none/2.1.0/download?clientId=desktop-1");
    let seen = watched(&daemon, size, async {
        assert_eq!(daemon.get(&path).await.status, 200);
    })
    .await;
    for progress in &seen {
        assert_eq!(progress["format"], "compressed", "{progress:#}");
    }
}
