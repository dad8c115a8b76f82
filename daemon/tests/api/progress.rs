//! Downloads as a watcher sees them: measured by the daemon, from the first byte to the last.

use futures_util::{SinkExt, StreamExt};
use protocol::Timestamp;
use reqwest::Method;
use reqwest::header::RANGE;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::{Daemon, Upload, send, updates, versions};
use crate::raw::{RawDownload, publish_large};

type Session = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn session(daemon: &Daemon) -> Session {
    let (address, token) = (daemon.address(), &daemon.admin);
    let url = format!("ws://{address}/ws/updates?token={token}");
    let (socket, _) = connect_async(url).await.expect("a session");
    socket
}

async fn next(socket: &mut Session) -> Value {
    loop {
        let message = socket.next().await.expect("it goes on").expect("a frame");
        if let Message::Text(text) = message {
            break serde_json::from_str(&text).expect("JSON");
        }
    }
}

/// All `DOWNLOAD_PROGRESS` that a watcher gets until one has this many bytes.
async fn watched(daemon: &Daemon, until: u64, act: impl Future<Output = ()>) -> Vec<Value> {
    let mut socket = session(daemon).await;
    let watch = r#"{"type":"WATCH","id":"w","data":{}}"#;
    socket.send(Message::text(watch)).await.expect("it reads");
    let mut seen = Vec::new();
    while next(&mut socket).await["type"] != "ACK" {}
    act.await;
    loop {
        let message = next(&mut socket).await;
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

#[tokio::test]
async fn progress_is_told_at_most_four_times_a_second_and_ends_with_the_last_byte() {
    let daemon = Daemon::start_with(|config| {
        config.limits.download_bytes_per_second_per_client = 400_000;
    })
    .await;
    let (jar, _) = fixtures::jars::jar_pair(3, 800_000);
    let size = jar.len() as u64;
    let answer = daemon.publish(Upload::new("2.1.0").with_jar(jar)).await;
    assert_eq!(answer.status, 201);
    let path = updates("/download/2.1.0?clientId=desktop-1");
    let seen = watched(&daemon, size, async {
        assert_eq!(daemon.get(&path).await.body.len() as u64, size);
    })
    .await;
    let at = |progress: &Value| {
        let timestamp = progress["timestamp"].as_str().expect("a timestamp");
        timestamp.parse::<Timestamp>().expect("a time").unix_ms()
    };
    // The first and the last are always told; those between keep their distance to each other.
    let between = &seen[..seen.len() - 1];
    assert!(between.len() >= 4, "two seconds are told of: {seen:#?}");
    for pair in between.windows(2) {
        // Stamped a moment after it was decided.
        assert!(at(&pair[1]) - at(&pair[0]) >= 240, "{pair:#?}");
    }
    for progress in between {
        assert!(progress["progressPercentage"].as_u64() < Some(100));
    }
    let steady = &between[between.len() - 1];
    let speed = steady["downloadSpeed"].as_u64().expect("a speed");
    assert!((300_000..500_000).contains(&speed), "{steady:#}");
}

#[tokio::test]
async fn what_waits_in_our_buffers_is_not_told_as_downloaded() {
    let daemon = Daemon::start().await;
    let size = publish_large(&daemon, "2.1.0").await;
    let path = updates("/download/2.1.0");
    let seen = watched(&daemon, size, async {
        let mut download = RawDownload::begin(&daemon, &path, "desktop-1", "").await;
        download.fill_buffers().await;
        assert_eq!(daemon.running().app().limits.running_downloads(), 1);
        assert_eq!(download.read(size).await.len() as u64, size);
    })
    .await;
    let whole = seen.iter().filter(|seen| seen["progressPercentage"] == 100);
    assert_eq!(whole.count(), 1, "{seen:#?}");
}

#[tokio::test]
async fn a_download_that_nobody_follows_leaves_no_trace_in_the_hub() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let path = updates("/download/2.1.0?clientId=desktop-1");
    assert_eq!(daemon.get(&path).await.status, 200);
    let mut socket = session(&daemon).await;
    let watch = r#"{"type":"WATCH","id":"w","data":{"since":0}}"#;
    socket.send(Message::text(watch)).await.expect("it reads");
    let mut kinds = Vec::new();
    daemon.has(&["2.2.0"]).await;
    loop {
        let message = next(&mut socket).await;
        if message["type"] == "RELEASE_CHANGED" && message["data"]["version"] == "2.2.0" {
            break;
        }
        kinds.push(message["type"].clone());
    }
    assert!(
        kinds.contains(&"RELEASE_CHANGED".into()),
        "it replays: {kinds:?}"
    );
    assert!(!kinds.contains(&"DOWNLOAD_PROGRESS".into()), "{kinds:?}");
}
