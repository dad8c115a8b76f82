//! The plain WebSocket as a transport.

use sockjs::socket::{Gone, Received, Socket};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Goodbye, Incoming, Transport};

impl Transport for Socket {
    async fn receive(&mut self) -> Incoming {
        match Self::receive(self).await {
            Received::Text(text) => Incoming::Text(text),
            Received::Binary(_) => Incoming::Binary,
            Received::Sign => Incoming::Sign,
            Received::Closed => Incoming::Closed,
            Received::Failed(fault) => Incoming::Failed(fault),
        }
    }

    fn send(&mut self, text: Utf8Bytes) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send_text(text)
    }

    fn ask_for_sign(&mut self) -> impl Future<Output = Result<(), Gone>> + Send {
        self.ping()
    }

    async fn close(&mut self, goodbye: Goodbye) {
        Self::close(self, goodbye.code, goodbye.reason).await;
    }
}
