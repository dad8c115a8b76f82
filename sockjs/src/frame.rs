//! The frames that a client reads: `o`, `h`, `a[…]`, `c[…]`, and the texts in them.
//!
//! Pure: how a frame is dressed for one transport stands with that transport.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A text for a peer. Clones share it, and its encoding is made once however many sessions send it.
#[derive(Clone, Debug)]
pub struct Message(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    text: Utf8Bytes,
    /// The text alone in its frame. Most messages are sent so, and others take its inner part.
    frame: OnceLock<Utf8Bytes>,
}

/// What stands around a text in a frame of its own.
const FRAME_START: &str = "a[";
const FRAME_END: &str = "]";

impl Message {
    /// The text as the application gave it.
    pub fn text(&self) -> &Utf8Bytes {
        &self.0.text
    }

    /// The frame of this message alone.
    fn frame(&self) -> &Utf8Bytes {
        self.0.frame.get_or_init(|| {
            let mut frame = String::with_capacity(self.0.text.len() + 5);
            frame.push_str(FRAME_START);
            quote(&mut frame, &self.0.text);
            frame.push_str(FRAME_END);
            frame.into()
        })
    }

    fn quoted(&self) -> &str {
        let frame = self.frame();
        &frame[FRAME_START.len()..frame.len() - FRAME_END.len()]
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        let frame = OnceLock::new();
        Self(Arc::new(Shared { text, frame }))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Utf8Bytes::from(text).into()
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Utf8Bytes::from(text).into()
    }
}

/// Why a session is closed, as its client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: Utf8Bytes,
}

impl Close {
    pub(crate) const fn new(code: u16, reason: &'static str) -> Self {
        Self {
            code,
            reason: Utf8Bytes::from_static(reason),
        }
    }
}

/// One frame.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// `o`: the session is open.
    Open,
    /// `h`: the connection is alive.
    Heartbeat,
    /// `a[…]`: messages.
    Messages(Vec<Message>),
    /// `c[…]`: the session is closed.
    Close(Close),
}

impl Frame {
    /// The frame's text, which is the same for all transports.
    pub(crate) fn text(&self) -> Utf8Bytes {
        match self {
            Self::Open => Utf8Bytes::from_static("o"),
            Self::Heartbeat => Utf8Bytes::from_static("h"),
            Self::Messages(messages) => match messages.as_slice() {
                [message] => message.frame().clone(),
                messages => join(messages),
            },
            Self::Close(Close { code, reason }) => {
                let mut text = format!("c[{code},");
                quote(&mut text, reason);
                text.push(']');
                text.into()
            }
        }
    }
}

fn join(messages: &[Message]) -> Utf8Bytes {
    let mut text = FRAME_START.to_owned();
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(message.quoted());
    }
    text.push_str(FRAME_END);
    text.into()
}

/// Writes a text as JSON that survives browsers: some of them mangle certain characters on the way, and some
/// transports end a line at U+2028.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, c) in text.char_indices() {
        if is_plain(c) {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + c.len_utf8();
        push_escaped(out, c);
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// The set is the protocol's; beyond the BMP stand the surrogate pairs, which it escapes as well.
fn is_plain(c: char) -> bool {
    !matches!(
        c,
        '"' | '\\'
            | '\0'..='\x1f'
            | '\u{200c}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff0}'..
    )
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        quote(&mut out, text);
        out
    }

    #[test]
    fn quoting_escapes_what_browsers_mangle() {
        assert_eq!(quoted("a\"\\\n\r\t\u{8}\u{c}"), r#""a\"\\\n\r\t\b\f""#);
        assert_eq!(quoted("\0\x1f\x7f"), "\"\\u0000\\u001f\x7f\"");
        for (first, last) in [
            (0x200c, 0x200f),
            (0x2028, 0x202f),
            (0x2060, 0x206f),
            (0xfff0, 0xffff),
        ] {
            for code in first..=last {
                let c = char::from_u32(code).unwrap();
                assert_eq!(quoted(&c.to_string()), format!("\"\\u{code:04x}\""));
            }
            let before = char::from_u32(first - 1).unwrap();
            assert_eq!(quoted(&before.to_string()), format!("\"{before}\""));
        }
        assert_eq!(quoted("\u{1f600}"), r#""\ud83d\ude00""#);
    }

    #[test]
    fn frames_are_the_protocols() {
        let messages = |texts: &[&str]| {
            Frame::Messages(texts.iter().map(|&text| Message::from(text)).collect())
        };
        assert_eq!(Frame::Open.text(), "o");
        assert_eq!(Frame::Heartbeat.text(), "h");
        assert_eq!(messages(&["a"]).text(), r#"a["a"]"#);
        assert_eq!(messages(&["a", "b\"", ""]).text(), r#"a["a","b\"",""]"#);
        let close = Frame::Close(Close::new(3000, "Go \"away\"!"));
        assert_eq!(close.text(), r#"c[3000,"Go \"away\"!"]"#);
    }

    #[test]
    fn a_message_is_encoded_once_for_all_who_send_it() {
        let message = Message::from("news");
        let one = Frame::Messages(vec![message.clone()]).text();
        let other = Frame::Messages(vec![message]).text();
        assert_eq!(one.as_bytes().as_ptr(), other.as_bytes().as_ptr());
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_its_quoted_form(text in any::<String>()) {
            let quoted = quoted(&text);
            prop_assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), &text);
            prop_assert!(quoted[1..quoted.len() - 1].chars().all(|c| c == '"' || c == '\\' || is_plain(c)));
        }

        #[test]
        fn any_messages_come_back_from_their_frame(texts in prop::collection::vec(any::<String>(), 1..5)) {
            let messages = texts.iter().map(|text| Message::from(text.as_str())).collect();
            let frame = Frame::Messages(messages).text();
            let array = frame.strip_prefix('a').unwrap();
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(array).unwrap(), texts);
        }
    }
}
