//! What a session needs of the connection beneath it: a plain WebSocket or a SockJS session.
//!
//! A transport carries texts and says goodbye. It knows nothing of messages.

mod sockjs_session;
mod websocket;

use tokio_tungstenite::tungstenite::Utf8Bytes;

pub use ::sockjs::socket::{Fault, Gone};

pub use sockjs_session::SockJsSession;

/// A connection that carries texts both ways.
pub trait Transport: Send {
    /// Waits for what comes next. Safe to drop at any time; not to be called after [`Incoming::Failed`].
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Hands a text over to what carries it from here, which is bounded: where there is no room, it waits.
    fn send(&mut self, text: Utf8Bytes) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks for a sign of life below the messages, where the transport does not do that by itself.
    fn ask_for_sign(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says goodbye, and waits a moment for the peer's where what was sent before would be lost otherwise.
    fn close(&mut self, goodbye: Goodbye) -> impl Future<Output = ()> + Send;
}

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes, which no message is made of.
    Binary,
    /// A sign of life without content: a WebSocket ping or pong, a SockJS poll.
    Sign,
    /// The peer said goodbye.
    Closed,
    /// The connection cannot be read any further.
    Failed(Fault),
}

/// Why a session ends, in the words of RFC 6455 section 7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// The close code.
    pub code: u16,
    /// For people; at most 123 bytes.
    pub reason: &'static str,
}
