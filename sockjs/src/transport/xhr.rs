//! `xhr`: one frame for each request. The transport that works everywhere.

use axum::http::HeaderValue;
use bytes::Bytes;

use super::{Dress, xhr_streaming};
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Xhr;

impl Dress for Xhr {
    const CONTENT_TYPE: HeaderValue = xhr_streaming::JAVASCRIPT;

    fn prelude(&self) -> Option<Bytes> {
        None
    }

    fn dress(&self, frame: &str) -> Bytes {
        xhr_streaming::line(frame)
    }

    fn limit(&self, _: &Options) -> usize {
        1
    }
}
