//! What a session needs of the connection beneath it, and the plain WebSocket that gives it.
//!
//! A transport carries texts and says goodbye. It knows nothing of messages: SockJS, whose frames look quite
//! different, fits behind the same few calls, and so does a test without a socket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes, error::ProtocolError};

/// A connection that carries texts both ways.
pub trait Transport: Send {
    /// Waits for what comes next. Safe to drop at any time; not to be called after [`Incoming::Failed`].
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Hands a text over to the operating system.
    fn send(&mut self, text: Utf8Bytes) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks for a sign of life below the messages, where the transport has such a thing.
    fn ask_for_sign(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says goodbye and waits a moment for the peer's, so that what was sent before is not lost.
    fn close(&mut self, goodbye: Goodbye) -> impl Future<Output = ()> + Send;
}

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes, which no message is made of.
    Binary,
    /// A sign of life without content: a WebSocket ping or pong.
    Sign,
    /// The peer said goodbye.
    Closed,
    /// The connection cannot be read any further.
    Failed(Fault),
}

/// Why a connection cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not the transport's protocol.
    Protocol,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A message over the limit.
    TooLarge,
    /// The peer is gone.
    Gone,
}

/// The peer is gone; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Why a session ends, in the words of RFC 6455 section 7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// The close code.
    pub code: u16,
    /// For people; at most 123 bytes.
    pub reason: &'static str,
}

/// How long the peer may take for its part of the closing handshake.
const LINGER: Duration = Duration::from_secs(1);
/// How long what a faulty peer still sends is read and thrown away. Without that the kernel answers it with a reset,
/// which takes the close frame with it.
const DRAIN: Duration = Duration::from_millis(300);
/// What tungstenite reads at a time, and holds for every idle session; its default is 128 KiB. Messages of clients are
/// a few hundred bytes.
const READ_BUFFER_BYTES: usize = 1024;
/// The longest text that we send is an announcement: 64 KiB of notes, of which each character may take six in JSON.
const WRITE_BUFFER_BYTES: usize = 512 * 1024;

/// What the kernel may hold for a peer that does not read; it doubles the number. Left alone it takes 4 MB of a session
/// before a send has to wait. Downloads keep what they have: they live on large buffers.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// A plain WebSocket on an upgraded connection.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    is_faulty: bool,
}

impl WebSocket {
    /// Takes over a connection after the handshake, with what the peer sent right behind it.
    pub async fn new(stream: TcpStream, sent_early: &[u8], max_message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes));
        // A socket that refuses is gone already, which the first read will tell.
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        let sent_early = sent_early.to_vec();
        let stream =
            WebSocketStream::from_partially_read(stream, sent_early, Role::Server, Some(config));
        Self {
            stream: stream.await,
            is_faulty: false,
        }
    }

    /// Reads on until the peer has said goodbye as well; this also sends our answer to its goodbye.
    async fn await_goodbye(&mut self) {
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    /// Reads what a faulty peer still sends. Its end is told first, since it may be waiting for that.
    async fn drain(&mut self) {
        let io = self.stream.get_mut();
        // On the heap: an array would be part of every session's task, and few of them ever come here.
        let mut rest = vec![0; READ_BUFFER_BYTES];
        if io.shutdown().await.is_ok() {
            while let Ok(1..) = io.read(&mut rest).await {}
        }
    }
}

impl Transport for WebSocket {
    async fn receive(&mut self) -> Incoming {
        let incoming = match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(_))) => Incoming::Binary,
            // Pings are answered below us, with the next write or read.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Sign,
            Some(Ok(Message::Close(_))) | None => Incoming::Closed,
            Some(Err(error)) => Incoming::Failed(fault(&error)),
        };
        self.is_faulty = matches!(incoming, Incoming::Failed(_));
        incoming
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        self.stream
            .send(Message::Text(text))
            .await
            .map_err(|_| Gone)
    }

    async fn ask_for_sign(&mut self) -> Result<(), Gone> {
        self.stream
            .send(Message::Ping(Bytes::new()))
            .await
            .map_err(|_| Gone)
    }

    async fn close(&mut self, goodbye: Goodbye) {
        let frame = CloseFrame {
            code: goodbye.code.into(),
            reason: Utf8Bytes::from_static(goodbye.reason),
        };
        let is_faulty = self.is_faulty;
        let goodbye = async {
            // An error means that the peer was faster, in one way or another; its goodbye is read all the same.
            let _ = self.stream.close(Some(frame)).await;
            if !is_faulty {
                self.await_goodbye().await;
            }
        };
        let _ = tokio::time::timeout(LINGER, goodbye).await;
        if is_faulty {
            let _ = tokio::time::timeout(DRAIN, self.drain()).await;
        }
    }
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
