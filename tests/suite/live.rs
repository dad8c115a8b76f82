//! Live sessions of the real daemon: what they hear of each way to offer a release, and how a signal and the end of an
//! account end them, on every kind of connection.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use protocol::api::paths;
use reqwest::Method;
use tests::{Api, Daemon, Socket, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

/// What the contract allows between the end of an account and the end of its sessions.
const AT_ONCE: Duration = Duration::from_secs(2);

async fn client(daemon: &Daemon, id: &str, version: &str) -> Socket {
    let mut socket = Socket::open(daemon, &daemon.admin_token()).await;
    socket.register(id, version).await;
    socket
}

/// The versions that a session was told of so far, in order.
async fn told(socket: &mut Socket) -> Vec<String> {
    socket.settle().await;
    let messages = socket.seen().iter();
    let offers = messages.filter(|message| message["type"] == "NEW_VERSION_AVAILABLE");
    offers
        .map(|message| message["data"]["version"].as_str().unwrap().to_owned())
        .collect()
}

async fn publish(api: &Api, upload: Upload) {
    let _ = api.publish(&upload).await.is(201);
}

fn upload(version: &str) -> Upload {
    Upload::new(version, small_jar(version))
}

async fn change(api: &Api, version: &str, change: Value) {
    let path = format!("{}/versions/{version}", paths::ADMIN);
    let _ = api.patch(&path, &change).await.is(200);
}

async fn toggle(api: &Api, version: &str) {
    let path = format!("{}/versions/{version}/toggle-status", paths::ADMIN);
    let _ = api.patch(&path, &json!({})).await.is(200);
}

#[tokio::test]
async fn a_draft_is_told_once_when_it_becomes_active_and_not_when_it_comes_back() {
    let daemon = Daemon::start(BINARIES);
    let api = daemon.api();
    let mut socket = client(&daemon, "a", "2.0.0").await;
    publish(&api, upload("2.1.0").draft()).await;
    assert_eq!(told(&mut socket).await, [""; 0]);
    for _ in ["active", "inactive", "active again"] {
        toggle(&api, "2.1.0").await;
        assert_eq!(told(&mut socket).await, ["2.1.0"]);
    }
    // The same create again is no announcement either.
    let _ = api.publish(&upload("2.1.0").draft()).await.is(200);
    assert_eq!(told(&mut socket).await, ["2.1.0"]);
}

#[tokio::test]
async fn raising_a_rollout_is_told_to_those_who_come_in_and_to_nobody_twice() {
    let daemon = Daemon::start(BINARIES);
    let api = daemon.api();
    // Places in the rollout of 2.1.0: 2499 and 2500 of 10000.
    let mut early = client(&daemon, "client-4170", "2.0.0").await;
    let mut late = client(&daemon, "client-484", "2.0.0").await;
    publish(&api, upload("2.1.0").with("rolloutPercentage", "0")).await;
    for (percentage, to_early, to_late) in
        [(24, 0, 0), (25, 1, 0), (26, 1, 1), (25, 1, 1), (100, 1, 1)]
    {
        change(&api, "2.1.0", json!({"rolloutPercentage": percentage})).await;
        let counts = (told(&mut early).await.len(), told(&mut late).await.len());
        assert_eq!(counts, (to_early, to_late), "at {percentage} %");
    }
}

#[tokio::test]
async fn a_rollback_is_told_to_who_runs_what_was_recalled() {
    let daemon = Daemon::start(BINARIES);
    let api = daemon.api();
    for version in ["2.0.0", "2.1.0", "2.2.0"] {
        publish(&api, upload(version)).await;
    }
    let mut recalled = client(&daemon, "a", "2.2.0").await;
    let mut extended = Socket::open(&daemon, &daemon.admin_token()).await;
    let data = json!({
        "clientVersion": "2.1.0", "clientId": "b", "platform": "linux", "architecture": "x64", "capabilities": ["extended"],
    });
    extended.send("REGISTER", data).await;
    let mut good = client(&daemon, "c", "2.0.0").await;
    assert_eq!(told(&mut recalled).await, [""; 0]);
    assert_eq!(told(&mut extended).await, ["2.2.0"]);
    assert_eq!(told(&mut good).await, ["2.2.0"]);

    let path = format!("{}/channels/stable/rollback", paths::ADMIN);
    let _ = api
        .post(&path, &json!({"toVersion": "2.0.0"}))
        .await
        .is(200);
    assert_eq!(told(&mut recalled).await, ["2.0.0"]);
    assert_eq!(told(&mut extended).await, ["2.2.0", "2.0.0"]);
    assert_eq!(told(&mut good).await, ["2.2.0"]);
    let way_back = |socket: &Socket| {
        let last = socket
            .seen()
            .iter()
            .rfind(|message| message["type"] == "NEW_VERSION_AVAILABLE");
        last.unwrap()["data"].get("isRollback").cloned()
    };
    assert_eq!(
        way_back(&recalled),
        None,
        "strict decoders refuse unknown fields"
    );
    assert_eq!(way_back(&extended), Some(json!(true)));
    let check = api.check("2.2.0", "stable").await.is(200).data();
    assert_eq!(
        (&check["latestVersion"], &check["isRollback"]),
        (&json!("2.0.0"), &json!(true))
    );
}

/// A session over SockJS whose frames stream in one response, open and welcomed.
struct Streaming {
    response: reqwest::Response,
    heard: String,
}

impl Streaming {
    async fn open(daemon: &Daemon, token: &str) -> Self {
        let path = format!("{}/000/streaming/xhr_streaming?token={token}", paths::LIVE);
        let request = daemon.api_without_token().request(Method::POST, &path);
        let mut streaming = Self {
            response: request.send().await.unwrap(),
            heard: String::new(),
        };
        streaming.hears("WELCOME").await;
        streaming
    }

    /// Reads until this was said.
    async fn hears(&mut self, text: &str) {
        while !self.heard.contains(text) {
            let chunk = self.response.chunk().await.unwrap();
            let Some(chunk) = chunk else {
                panic!("the stream ended before {text}: {}", self.heard);
            };
            self.heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_sessions_of_every_transport_with_1001() {
    let mut daemon = Daemon::start(BINARIES);
    let token = daemon.admin_token();
    let mut plain = Socket::open(&daemon, &token).await;
    let url = format!(
        "{}/000/websocket/websocket?token={token}",
        daemon.live_url()
    );
    let mut over_sockjs = Socket::try_open(&url, &[]).await.unwrap();
    let mut streaming = Streaming::open(&daemon, &token).await;

    let stopping = tokio::task::spawn_blocking(move || daemon.terminate());
    assert_eq!(plain.closed().await, 1001);
    assert_eq!(over_sockjs.closed().await, 1001);
    streaming
        .hears("c[1001,\"the daemon is stopping\"]\n")
        .await;
    assert!(stopping.await.unwrap().success());
}

#[tokio::test]
async fn a_user_that_is_disabled_loses_its_sessions_of_every_transport_within_two_seconds() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let token = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    let token = token.trim();
    let mut plain = Socket::open(&daemon, token).await;
    let mut streaming = Streaming::open(&daemon, token).await;

    let path = format!("{}/users/jane", paths::IDENTITY);
    let disabled = Instant::now();
    let _ = daemon
        .api()
        .patch(&path, &json!({"enabled": false}))
        .await
        .is(200);
    let error = plain.next_of("ERROR").await;
    assert_eq!(error["data"]["code"], "AUTHENTICATION_FAILED");
    assert_eq!(plain.closed().await, 1008);
    streaming.hears("AUTHENTICATION_FAILED").await;
    streaming.hears("c[1008,").await;
    assert!(disabled.elapsed() < AT_ONCE, "{:?}", disabled.elapsed());
}
