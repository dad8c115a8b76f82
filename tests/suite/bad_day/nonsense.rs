//! Frames that are no messages, from a seed.

use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use protocol::ClientMessage;

/// So many messages that are none, in at least as many frames. One that no WebSocket library lets pass comes last, since it
/// ends the session.
pub(super) fn frames(seed: u64, count: usize) -> Vec<Message> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut frames: Vec<Message> = (1..count).flat_map(|_| mistake(&mut random)).collect();
    let text_code = OpCode::Data(Data::Text);
    let last = match random.u8(0..4) {
        0 => frame(vec![0xff, 0xfe], text_code, true),
        1 => frame(
            "a continuation of nothing",
            OpCode::Data(Data::Continue),
            true,
        ),
        2 => frame("", OpCode::Data(Data::Reserved(3)), true),
        _ => Message::text(text(&mut random)),
    };
    frames.push(last);
    frames
}

fn frame(payload: impl Into<Bytes>, code: OpCode, is_final: bool) -> Message {
    Message::Frame(Frame::message(payload, code, is_final))
}

/// One message that is none.
fn mistake(random: &mut fastrand::Rng) -> Vec<Message> {
    match random.u8(0..8) {
        0 => {
            let bytes: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();
            vec![Message::binary(bytes)]
        }
        // In two pieces, which may part a character.
        1 => {
            let mut head = text(random).into_bytes();
            let tail = head.split_off(random.usize(0..=head.len()));
            vec![
                frame(head, OpCode::Data(Data::Text), false),
                frame(tail, OpCode::Data(Data::Continue), true),
            ]
        }
        _ => vec![Message::text(text(random))],
    }
}

fn text(random: &mut fastrand::Rng) -> String {
    let kind = *random.choice(ClientMessage::TYPES).unwrap_or(&"PING");
    let value = value(random);
    let depth = random.usize(1..1000);
    match random.u8(0..10) {
        // Half a message.
        0 => format!(r#"{{"type":"{kind}","data":{{"version":"#),
        // Wrong types, in a field that every message has and in one that some have.
        1 => format!(r#"{{"type":{value},"data":{{}}}}"#),
        2 => format!(r#"{{"type":"{kind}","data":{value}}}"#),
        3 => format!(
            r#"{{"type":"DOWNLOAD_PROGRESS","data":{{"version":{value},"bytesDownloaded":{value},"totalBytes":{value}}}}}"#
        ),
        // Numbers beyond every bound.
        4 => {
            let digits = "9".repeat(random.usize(20..2000));
            format!(
                r#"{{"type":"DOWNLOAD_PROGRESS","data":{{"version":"1.0.0","bytesDownloaded":{digits},"totalBytes":-{digits}e{digits}}}}}"#
            )
        }
        // Nested more deeply than any stack is deep.
        5 => format!(r#"{{"type":"{kind}","data":{}"#, "[".repeat(depth)),
        6 => format!(r#"{{"type":"{kind}","data":{}"#, r#"{"a":"#.repeat(depth)),
        // Control characters, raw and escaped.
        7 => format!("{{\"type\":\"{kind}\",\"data\":{{\"channel\":\"\u{0}\u{1b}[2J\"}}}}"),
        8 => r#"{"type":"SUBSCRIBE","data":{"channel":"\u001b[31m\u202e"}}"#.to_owned(),
        // A type that nobody knows.
        _ => format!(r#"{{"type":"{kind}_{}","data":{{}}}}"#, random.u64(..)),
    }
}

/// A value that is right nowhere.
fn value(random: &mut fastrand::Rng) -> &'static str {
    let values = [
        "null",
        "true",
        "[]",
        "[[[]]]",
        "-1",
        "1e400",
        "1.5",
        "\"\\u0000\"",
        "\"\\ud800\"",
    ];
    random.choice(values).unwrap_or("null")
}
