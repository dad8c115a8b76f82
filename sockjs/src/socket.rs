//! A WebSocket (RFC 6455) without SockJS: the handshake, and a connection whose closing handshake is completed.
//!
//! By hand over tungstenite, since the framework's handshake accepts any key and its socket hides both the reason of a
//! failure and what a faulty peer still sends. It is public for what stands beside SockJS on the same server.
//!
//! ```
//! use axum::extract::Request;
//! use axum::response::{IntoResponse, Response};
//! use sockjs::socket::{Handshake, Received};
//!
//! async fn echo(mut request: Request) -> Response {
//!     let handshake = match Handshake::take(&mut request) {
//!         Ok(handshake) => handshake,
//!         Err(refused) => return refused.into_response(),
//!     };
//!     let response = handshake.response();
//!     tokio::spawn(async move {
//!         let Some(mut socket) = handshake.complete(64 * 1024).await else {
//!             return;
//!         };
//!         while let Received::Text(text) = socket.receive().await {
//!             if socket.send_text(text).await.is_err() {
//!                 return;
//!             }
//!         }
//!         socket.close(1000, "").await;
//!     });
//!     response
//! }
//! ```

mod handshake;
mod metered;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, TryFutureExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, error::ProtocolError};

use metered::Metered;

pub use handshake::{Handshake, Refused};

/// How long the peer may take for its part of the closing handshake.
const LINGER: Duration = Duration::from_secs(1);
/// How long what a faulty peer still sends is read and thrown away. Without that the kernel answers it with a reset,
/// which takes the close frame with it.
const DRAIN: Duration = Duration::from_millis(300);
/// What tungstenite reads at a time, and holds for every idle session; its default is 128 KiB.
const READ_BUFFER_BYTES: usize = 128;
/// What RFC 6455 leaves of a control frame beside the code.
const MAX_REASON_BYTES: usize = 123;

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A sign of life without content: a ping, which is answered already, or a pong.
    Sign,
    /// The peer said goodbye; [`Socket::close`] sends the answer.
    Closed,
    /// The connection cannot be read any further.
    Failed(Fault),
}

/// Why a connection cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not WebSocket frames.
    Protocol,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A message over the limit, or in so many fragments without content that it comes to no end.
    TooLarge,
    /// The peer is gone.
    Gone,
}

impl Fault {
    /// The code and the reason to close with, by RFC 6455 section 7.4.
    pub fn goodbye(self) -> (u16, &'static str) {
        match self {
            Self::Protocol => (1002, "protocol error"),
            Self::NotUtf8 => (1007, "not UTF-8"),
            Self::TooLarge => (1009, "message too large"),
            Self::Gone => (1001, ""),
        }
    }
}

/// The peer is gone; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer is gone")]
pub struct Gone;

/// A WebSocket on an upgraded connection.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<Metered<TokioIo<Upgraded>>>,
    is_faulty: bool,
}

impl Socket {
    async fn new(upgraded: Upgraded, max_message_bytes: usize) -> Self {
        // What is written is flushed at once, so the write buffer holds one message at most.
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes));
        let io = Metered::new(TokioIo::new(upgraded), max_message_bytes);
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Self {
            stream,
            is_faulty: false,
        }
    }

    /// Waits for what comes next. Safe to drop at any time; not to be called after [`Received::Failed`].
    pub async fn receive(&mut self) -> Received {
        let received = match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Received::Text(text),
            Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes),
            // Pings are answered below us, with the next write or read.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Received::Sign,
            Some(Ok(Message::Close(_))) | None => Received::Closed,
            Some(Err(_)) if self.stream.get_ref().is_used_up() => Received::Failed(Fault::TooLarge),
            Some(Err(error)) => Received::Failed(fault(&error)),
        };
        self.stream.get_mut().renew();
        self.is_faulty = matches!(received, Received::Failed(_));
        received
    }

    /// Hands a text over to the operating system.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn send_text(&mut self, text: Utf8Bytes) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send(Message::Text(text))
    }

    /// Hands bytes over to the operating system.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn send_binary(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send(Message::Binary(bytes))
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send(Message::Ping(Bytes::new()))
    }

    /// No `async fn`, here and above: each would hold the message twice more, in every idle session.
    fn send(&mut self, message: Message) -> impl Future<Output = Result<(), Gone>> + Send {
        self.stream.send(message).map_err(|_| Gone)
    }

    /// Says goodbye and waits a moment for the peer's, so that what was sent before is not lost. A code that must not
    /// be sent is replaced by 1000, a reason that is too long is cut.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let code = CloseCode::from(code);
        let frame = CloseFrame {
            code: if code.is_allowed() {
                code
            } else {
                CloseCode::Normal
            },
            reason: cut(reason).into(),
        };
        let is_faulty = self.is_faulty;
        let goodbye = async {
            // An error means that the peer was faster, in one way or another; its goodbye is read all the same.
            let _ = self.stream.close(Some(frame)).await;
            if !is_faulty {
                // Reading on also sends our answer to the peer's goodbye.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        let _ = tokio::time::timeout(LINGER, goodbye).await;
        if is_faulty {
            self.hang_up().await;
        }
    }

    /// Ends the connection without a goodbye.
    pub async fn hang_up(&mut self) {
        let io = self.stream.get_mut().inner();
        let drain = async {
            // Our end is told first, since the peer may be waiting for that.
            let mut rest = vec![0; READ_BUFFER_BYTES];
            if io.shutdown().await.is_ok() {
                while let Ok(1..) = io.read(&mut rest).await {}
            }
        };
        let _ = tokio::time::timeout(DRAIN, drain).await;
    }
}

/// As much of a reason as fits.
fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Capacity(_) => Fault::TooLarge,
        Error::Utf8(_) => Fault::NotUtf8,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Fault::Gone,
        Error::Protocol(_) => Fault::Protocol,
        // The rest is the network's, or cannot come from reading an established connection.
        _ => Fault::Gone,
    }
}
