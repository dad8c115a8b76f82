//! What the fuzz target does with an input. The suite of `protocol` replays the seeds, and texts of its own, through it.
//!
//! It fails by a panic: one of the code under test, or one of the assertions here.

use protocol::{Envelope, ServerMessage};

/// Reads a text as a client's message and as the daemon's. What is taken says the same when it is written and read again;
/// what is refused comes with a reason.
pub fn decode_message(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return; // No WebSocket text; the library refuses it.
    };
    match Envelope::parse(text) {
        Ok(envelope) => assert_eq!(Envelope::parse(&envelope.to_text()), Ok(envelope)),
        Err(refused) => assert!(!refused.to_string().is_empty(), "no reason for {text:?}"),
    }
    if let Ok(Some(message)) = ServerMessage::parse(text) {
        let again = ServerMessage::parse(&message.to_text());
        assert_eq!(again.ok().flatten(), Some(message));
    }
}
