//! A WebSocket client of which one process can have thousands.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use tests::Daemon;

/// Long enough for thousands of sessions on a busy machine with two cores.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Where the sessions of a daemon are, and who may come.
#[derive(Clone, Debug)]
pub(super) struct Door {
    address: SocketAddr,
    url: String,
}

impl Door {
    pub(super) fn of(daemon: &Daemon) -> Self {
        Self {
            address: daemon.url().trim_start_matches("http://").parse().unwrap(),
            url: format!("{}?token={}", daemon.live_url(), daemon.admin_token()),
        }
    }
}

/// A session of which there can be thousands: it keeps nothing of what it heard.
pub(super) struct Lean {
    socket: WebSocketStream<TcpStream>,
}

impl Lean {
    /// A client that runs 1.0.0.
    pub(super) async fn open(daemon: &Daemon, client_id: &str) -> Self {
        let mut client = Self::knock(&Door::of(daemon), client_id).await;
        let register = json!({ "clientVersion": "1.0.0", "clientId": client_id, "platform": "linux", "architecture": "x64" });
        for message in [
            json!({ "type": "REGISTER", "data": register }),
            json!({ "type": "PING", "data": {} }),
        ] {
            let text = Message::text(message.to_string());
            client.socket.send(text).await.unwrap();
        }
        client
    }

    pub(super) async fn knock(door: &Door, client_id: &str) -> Self {
        let mut request = door.url.as_str().into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("x-client-id", client_id.parse().unwrap());
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let socket = TcpSocket::new_v4().unwrap();
        // Who does not read has little room for what it does not read.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let stream = socket.connect(door.address).await.unwrap();
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .unwrap();
        Self { socket }
    }

    pub(super) async fn wait_for(&mut self, part: &str) {
        let heard = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) if text.contains(part) => return,
                    Some(Ok(_)) => {}
                    other => panic!("the session ended with {other:?} before {part}"),
                }
            }
        };
        let heard = timeout(PATIENCE, heard).await;
        heard.unwrap_or_else(|_| panic!("waited in vain for {part}"));
    }

    /// Says it all, and waits for the end.
    pub(super) async fn say_all(mut self, frames: Vec<Message>) -> Option<u16> {
        for frame in frames {
            match self.socket.feed(frame).await {
                Ok(()) => {}
                // It may be over before the last word.
                Err(Error::Io(_) | Error::AlreadyClosed | Error::ConnectionClosed) => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.socket.flush().await.ok();
        self.end().await
    }

    /// Reads what is left; the close code, or `None` where the connection was cut.
    pub(super) async fn end(&mut self) -> Option<u16> {
        let end = async {
            while let Some(Ok(message)) = self.socket.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| frame.code.into());
                }
            }
            None
        };
        timeout(PATIENCE, end).await.expect("the session ends")
    }
}
