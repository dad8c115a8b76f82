//! `eventsource`: frames as server-sent events.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::Dress;
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct EventSource;

impl Dress for EventSource {
    // Without a charset: some browsers refuse any parameter here.
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream");

    /// Opera wants a line to begin with.
    fn prelude(&self) -> Option<Bytes> {
        Some(Bytes::from_static(b"\r\n"))
    }

    /// The client undoes percent escapes, and loses a frame with a bare percent sign. Ends of lines are escaped already.
    fn dress(&self, frame: &str) -> Bytes {
        format!("data: {}\r\n\r\n", frame.replace('%', "%25")).into()
    }

    fn limit(&self, options: &Options) -> usize {
        options.response_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_is_escaped() {
        let dressed = EventSource.dress(r#"a["100%","%41"]"#);
        assert_eq!(dressed, "data: a[\"100%25\",\"%2541\"]\r\n\r\n");
    }
}
