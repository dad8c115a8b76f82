//! A daemon in a temporary folder, releases made without files, and a WebSocket client that waits with a deadline.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use daemon::app::{self, App, Running};
use daemon::config::Config;
use daemon::store::{Actor, BlobRef, Release, ReleaseUpdate};
use futures_util::{SinkExt, StreamExt};
use protocol::api::{ReleaseState, Role};
use protocol::{Checksum, ReleaseId, Timestamp, TokenId, Username, Version};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Daemon {
    running: Running,
    _folder: tempfile::TempDir,
}

/// A release to be; what is not said is as plain as possible.
pub(crate) struct NewRelease {
    pub(crate) version: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) minimum: &'static str,
    pub(crate) platforms: &'static [&'static str],
    pub(crate) rollout: u8,
    pub(crate) is_mandatory: bool,
    pub(crate) notes: &'static str,
}

pub(crate) fn release(version: &'static str) -> NewRelease {
    NewRelease {
        version,
        channel: "stable",
        minimum: "0.0.0",
        platforms: &[],
        rollout: 100,
        is_mandatory: false,
        notes: "Bug fixes and improvements",
    }
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Without limits, unless the test sets them.
    pub(crate) async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::with_defaults(folder.path().join("data"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.limits.connections_per_minute = 0;
        config.limits.messages_per_minute = 0;
        // None comes unasked in a test that is not about them.
        config.websocket.heartbeat_interval = Duration::from_secs(3600);
        config.shutdown_grace = Duration::from_secs(5);
        set(&mut config);
        let running = app::start(config).await.unwrap();
        Self {
            running,
            _folder: folder,
        }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        self.running.app()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    pub(crate) fn authority(&self) -> String {
        self.running.address().to_string()
    }

    pub(crate) fn url(&self, query: &str) -> String {
        format!("ws://{}/ws/updates{query}", self.running.address())
    }

    pub(crate) fn user(&self, name: &str, role: Role) -> Username {
        let username: Username = name.parse().unwrap();
        let store = &self.app().store;
        if store.user(&username).unwrap().is_none() {
            store
                .create_user(&Actor::daemon(), username.clone(), role)
                .unwrap();
        }
        username
    }

    pub(crate) fn token(&self, name: &str, role: Role) -> String {
        self.token_for(name, role, Duration::from_secs(3600)).0
    }

    pub(crate) fn token_for(
        &self,
        name: &str,
        role: Role,
        lifetime: Duration,
    ) -> (String, TokenId) {
        let username = self.user(name, role);
        let now = Timestamp::now();
        let expires_at = Timestamp::from_unix_ms(now.unix_ms() + lifetime.as_millis() as i64);
        let id = TokenId::generate();
        let token = self
            .app()
            .auth
            .issue(&username, id, now, expires_at)
            .unwrap();
        (token, id)
    }

    /// Opens a session and reads the WELCOME.
    pub(crate) async fn connect(&self, token: &str) -> Client {
        let mut client = self
            .open(&self.url(""), &[("X-Auth-Token", token)])
            .await
            .unwrap();
        client.expect("WELCOME").await;
        client
    }

    /// Opens a session, or gives the answer that refused it.
    pub(crate) async fn open(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Client, Box<Response<Option<Vec<u8>>>>> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request
                .headers_mut()
                .append(name, HeaderValue::from_str(value).unwrap());
        }
        match tokio::time::timeout(PATIENCE, connect_async(request))
            .await
            .unwrap()
        {
            Ok((stream, _)) => Ok(Client { stream }),
            Err(Error::Http(response)) => Err(response),
            Err(error) => panic!("no answer to the handshake: {error}"),
        }
    }

    /// Opens a session and registers `clientId` with `clientVersion`.
    pub(crate) async fn client(&self, id: &str, version: &str) -> Client {
        let token = self.token("user", Role::User);
        let mut client = self.connect(&token).await;
        client.register(id, version).await;
        client
    }

    pub(crate) async fn watcher(&self, filter: Value) -> Client {
        let token = self.token("watcher", Role::Publisher);
        let mut watcher = self.connect(&token).await;
        watcher.watch(filter).await;
        watcher
    }

    pub(crate) fn publish(&self, new: NewRelease) -> Arc<Release> {
        let release = self.add(new, ReleaseState::Active);
        self.app().hub.release_changed(&release);
        release
    }

    pub(crate) fn add(&self, new: NewRelease, state: ReleaseState) -> Arc<Release> {
        let now = Timestamp::now();
        let release = Release {
            id: ReleaseId::generate(),
            version: new.version.parse().unwrap(),
            channel: new.channel.parse().unwrap(),
            state,
            is_mandatory: new.is_mandatory,
            release_notes: new.notes.into(),
            minimum_client_version: new.minimum.parse().unwrap(),
            file_name: "app.jar".into(),
            blob: BlobRef {
                checksum: Checksum::from_bytes([7; 32]),
                size_bytes: 52_428_800,
            },
            rollout_percentage: new.rollout,
            platforms: new
                .platforms
                .iter()
                .map(|text| text.parse().unwrap())
                .collect(),
            signature: None,
            created_by: "admin".parse().unwrap(),
            created_at: now,
            updated_at: now,
            revision: 0,
        };
        self.app()
            .store
            .create_release(&Actor::daemon(), release)
            .unwrap()
    }

    pub(crate) fn change(&self, version: &str, update: ReleaseUpdate) {
        let version: Version = version.parse().unwrap();
        let store = &self.app().store;
        let release = store.catalog().by_version(&version).unwrap().clone();
        let changed = store
            .change_release(&Actor::daemon(), release.id, release.revision, update)
            .unwrap();
        self.app().hub.release_changed(&changed);
    }
}

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Client {
    pub(crate) stream: Stream,
}

impl Client {
    pub(crate) async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Registers; the ACK has come when this returns.
    pub(crate) async fn register(&mut self, id: &str, version: &str) {
        self.register_as(id, version, "windows", json!([])).await;
    }

    pub(crate) async fn register_as(
        &mut self,
        id: &str,
        version: &str,
        platform: &str,
        capabilities: Value,
    ) {
        self.ask(json!({
            "type": "REGISTER",
            "data": {
                "clientVersion": version,
                "clientId": id,
                "platform": platform,
                "architecture": "x64",
                "capabilities": capabilities,
            }
        }))
        .await;
    }

    pub(crate) async fn subscribe(&mut self, channel: &str) {
        self.ask(json!({"type": "SUBSCRIBE", "data": {"channel": channel}}))
            .await;
    }

    /// Begins to watch, and gives the data of the ACK.
    pub(crate) async fn watch(&mut self, filter: Value) -> Value {
        self.ask(json!({"type": "WATCH", "data": filter})).await
    }

    /// Sends a message with an id and reads its ACK, which has to be the next message.
    pub(crate) async fn ask(&mut self, mut message: Value) -> Value {
        message["id"] = "asked".into();
        self.say(message).await;
        let ack = self.expect("ACK").await;
        assert_eq!(ack["id"], "asked");
        ack
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_frame().await {
            Frame::Message(message) => message,
            Frame::Close(code) => panic!("the session was closed with {code}"),
        }
    }

    /// The next message, which has to have this type; its data.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        message["data"].clone()
    }

    /// The next message has to be an ERROR with this code; its data.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let data = self.expect("ERROR").await;
        assert_eq!(data["code"], code, "{data}");
        data
    }

    /// What the daemon had for us until now: everything up to the answer to a PING.
    pub(crate) async fn drain(&mut self) -> Vec<Value> {
        self.say(json!({"type": "PING", "data": {}})).await;
        let mut messages = Vec::new();
        loop {
            let message = self.next().await;
            if message["type"] == "HEARTBEAT" {
                return messages;
            }
            messages.push(message);
        }
    }

    pub(crate) async fn expect_nothing(&mut self) {
        assert_eq!(self.drain().await, Vec::<Value>::new());
    }

    /// Reads until the session is closed; the close code.
    pub(crate) async fn closed(&mut self) -> u16 {
        match self.next_frame().await {
            Frame::Close(code) => code,
            Frame::Message(message) => panic!("expected the close, not {message}"),
        }
    }

    async fn next_frame(&mut self) -> Frame {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match next.expect("nothing came in time") {
                Some(Ok(Message::Text(text))) => {
                    return Frame::Message(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(frame))) => {
                    return Frame::Close(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("the connection broke: {error}"),
                None => panic!("the connection ended without a close"),
            }
        }
    }
}

enum Frame {
    Message(Value),
    Close(u16),
}

/// The names of an object's fields.
pub(crate) fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "in time: {what}");
}
