//! A SockJS session as a transport, whichever of its own transports carries it.

use std::time::Duration;

use sockjs::socket::{Fault, Gone};
use sockjs::{Over, Session};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Goodbye, Incoming, Transport};

/// Signs of life that come closer together count as one. A client that polls gives one with each poll, and polls at once
/// when it got something: hundreds in a second are no flood, and say no more than one.
const SIGN_PAUSE: Duration = Duration::from_millis(200);

/// A session of the SockJS endpoint.
#[derive(Debug)]
pub struct SockJsSession {
    session: Session,
    max_message_bytes: usize,
    /// When a sign of life is worth telling again.
    signs_at: Instant,
}

impl SockJsSession {
    /// A session whose messages have this size at most; many may come in one request.
    #[must_use]
    pub fn new(session: Session, max_message_bytes: usize) -> Self {
        Self {
            session,
            max_message_bytes,
            signs_at: Instant::now(),
        }
    }
}

impl Transport for SockJsSession {
    async fn receive(&mut self) -> Incoming {
        loop {
            match self.session.receive().await {
                sockjs::Incoming::Text(text) if text.len() > self.max_message_bytes => {
                    return Incoming::Failed(Fault::TooLarge);
                }
                sockjs::Incoming::Text(text) => return Incoming::Text(text),
                sockjs::Incoming::Sign => {
                    let now = Instant::now();
                    if self.signs_at <= now {
                        self.signs_at = now + SIGN_PAUSE;
                        return Incoming::Sign;
                    }
                }
                sockjs::Incoming::TooLarge => return Incoming::Failed(Fault::TooLarge),
                sockjs::Incoming::Over => return Incoming::Closed,
            }
        }
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        self.session.send(text).await.map_err(|Over| Gone)
    }

    /// The endpoint asks its WebSockets by itself, and every other client shows itself by the next request.
    async fn ask_for_sign(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    /// The endpoint keeps what is left to say, for a client that comes for it.
    async fn close(&mut self, goodbye: Goodbye) {
        self.session.close(goodbye.code, goodbye.reason);
    }
}
