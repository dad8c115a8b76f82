//! `xhr_streaming`: frames on lines of their own, in a response that goes on.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::Dress;
use crate::options::Options;

/// Frames look like nothing else; this type keeps browsers from guessing.
pub(super) const JAVASCRIPT: HeaderValue =
    HeaderValue::from_static("application/javascript; charset=UTF-8");

/// Browsers show a response to scripts only after some of it came.
const PRELUDE_BYTES: usize = 2048;

#[derive(Debug)]
pub(crate) struct XhrStreaming;

impl Dress for XhrStreaming {
    const CONTENT_TYPE: HeaderValue = JAVASCRIPT;

    fn prelude(&self) -> Option<Bytes> {
        Some(line(&"h".repeat(PRELUDE_BYTES)))
    }

    fn dress(&self, frame: &str) -> Bytes {
        line(frame)
    }

    fn limit(&self, options: &Options) -> usize {
        options.response_limit
    }
}

pub(super) fn line(frame: &str) -> Bytes {
    format!("{frame}\n").into()
}
