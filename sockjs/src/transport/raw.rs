//! `/websocket`: a plain WebSocket for programs that are no browser, without any frames of SockJS.

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::websocket::{Broken, Dialect};
use crate::frame::{Frame, Message};

/// Each message is a text, and a text is a message.
#[derive(Debug)]
pub(crate) struct Raw;

impl Dialect for Raw {
    fn encode(frame: &Frame) -> Vec<Utf8Bytes> {
        match frame {
            Frame::Messages(messages) => {
                let messages = messages.iter();
                messages.map(Message::text).cloned().collect()
            }
            // The connection itself says these.
            Frame::Open | Frame::Heartbeat | Frame::Close(_) => Vec::new(),
        }
    }

    fn decode(text: Utf8Bytes) -> Result<Vec<Utf8Bytes>, Broken> {
        Ok(vec![text])
    }
}
