//! A plain WebSocket client that sends and reads the protocol's JSON as it is.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Daemon;
use crate::wait::PATIENCE;

/// An open session.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seen: Vec<Value>,
}

/// A handshake that was answered with something else than 101.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub body: Value,
}

impl Socket {
    /// Opens a session with the token in the URL, as browsers do, and reads the WELCOME.
    ///
    /// # Panics
    /// When the daemon refuses, or says something else first.
    #[track_caller]
    pub fn open(daemon: &Daemon, token: &str) -> impl Future<Output = Self> + use<> {
        let url = format!("{}?token={token}", daemon.live_url());
        let caller = std::panic::Location::caller();
        async move {
            let mut socket = match Self::try_open(&url, &[]).await {
                Ok(socket) => socket,
                Err(refused) => panic!("{caller}: the daemon refused the session: {refused:?}"),
            };
            socket.next_of("WELCOME").await;
            socket
        }
    }

    /// Opens a session with these headers.
    ///
    /// # Errors
    /// The daemon's refusal.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn try_open(url: &str, headers: &[(&str, &str)]) -> Result<Self, Refused> {
        let mut request = url.into_client_request().expect("the URL is well formed");
        for (name, value) in headers {
            request.headers_mut().insert(
                name.parse::<HeaderName>().expect("a header's name"),
                value.parse::<HeaderValue>().expect("a header's value"),
            );
        }
        match timeout(PATIENCE, connect_async(request)).await {
            Ok(Ok((stream, _))) => Ok(Self {
                stream,
                seen: Vec::new(),
            }),
            Ok(Err(Error::Http(response))) => Err(Refused {
                status: response.status().as_u16(),
                body: response
                    .body()
                    .as_deref()
                    .and_then(|body| serde_json::from_slice(body).ok())
                    .unwrap_or_default(),
            }),
            other => panic!("no WebSocket and no refusal: {other:?}"),
        }
    }

    /// Sends one message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, kind: &str, data: Value) {
        self.send_text(json!({ "type": kind, "data": data }).to_string())
            .await;
    }

    /// Sends any text.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: String) {
        let sent = self.stream.send(Message::text(text)).await;
        assert!(
            sent.is_ok(),
            "cannot send: {sent:?}; heard {:#?}",
            self.seen
        );
    }

    /// Registers as a client with this version.
    pub async fn register(&mut self, client_id: &str, version: &str) {
        self.send(
            "REGISTER",
            json!({ "clientVersion": version, "clientId": client_id, "platform": "linux", "architecture": "x64" }),
        )
        .await;
    }

    /// The next message of a type; others are passed over, and kept in `seen`.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.next_where(kind, |message| message["type"] == kind)
            .await
    }

    /// The next message that is accepted.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next_where(&mut self, what: &str, accept: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(PATIENCE, async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let message: Value =
                            serde_json::from_str(&text).expect("the daemon sends JSON");
                        self.seen.push(message.clone());
                        if accept(&message) {
                            return message;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!(
                        "the session ended with {other:?} before {what}; heard {:#?}",
                        self.seen
                    ),
                }
            }
        });
        match found.await {
            Ok(message) => message,
            Err(_) => panic!(
                "waited {PATIENCE:?} in vain for {what}; heard {:#?}",
                self.seen
            ),
        }
    }

    /// Everything that it has heard so far.
    #[must_use]
    pub fn seen(&self) -> &[Value] {
        &self.seen
    }

    /// Asks for a HEARTBEAT: when it comes, everything sent before it has come too.
    pub async fn settle(&mut self) {
        self.send("PING", json!({})).await;
        self.next_of("HEARTBEAT").await;
    }

    /// Waits until the daemon closes the session, and gives its close code.
    ///
    /// # Panics
    /// When it stays open.
    pub async fn closed(&mut self) -> u16 {
        let code = timeout(Duration::from_secs(15), async {
            while let Some(Ok(message)) = self.stream.next().await {
                match message {
                    Message::Close(frame) => return frame.map_or(1005, |frame| frame.code.into()),
                    Message::Text(text) => {
                        self.seen.extend(serde_json::from_str::<Value>(&text).ok());
                    }
                    _ => {}
                }
            }
            1006
        });
        match code.await {
            Ok(code) => code,
            Err(_) => panic!("the session stays open; heard {:#?}", self.seen),
        }
    }

    /// Ends the session politely.
    pub async fn close(mut self) {
        // The other side may have closed it first, which is just as well.
        let _ = self.stream.close(None).await;
    }
}
