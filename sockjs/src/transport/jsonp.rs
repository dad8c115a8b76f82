//! `jsonp`: one frame for each request, as a script that calls a function of the page.

use std::fmt;

use axum::http::HeaderValue;
use bytes::Bytes;

use super::Dress;
use super::upload::form_value;
use super::xhr_streaming::JAVASCRIPT;
use crate::frame::quote;
use crate::options::Options;

/// The longest name of a function.
const MAX_CALLBACK_BYTES: usize = 32;

#[derive(Debug)]
pub(crate) struct Jsonp {
    pub(crate) callback: Callback,
}

impl Dress for Jsonp {
    const CONTENT_TYPE: HeaderValue = JAVASCRIPT;

    fn prelude(&self) -> Option<Bytes> {
        None
    }

    /// The comment keeps the response from being read as anything but a script.
    fn dress(&self, frame: &str) -> Bytes {
        let mut text = format!("/**/{}(", self.callback);
        quote(&mut text, frame);
        text.push_str(");\r\n");
        text.into()
    }

    fn limit(&self, _: &Options) -> usize {
        1
    }
}

/// The name of a function that a script may call: it becomes a part of our script, so nothing else may be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callback(String);

/// Why there is no callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCallback {
    #[error("\"callback\" parameter required")]
    Missing,
    #[error("invalid \"callback\" parameter")]
    Invalid,
}

impl Callback {
    /// Takes it from a query: `c`, or else `callback`.
    pub(crate) fn from_query(query: Option<&str>) -> Result<Self, NoCallback> {
        let query = query.unwrap_or_default();
        let name = form_value(query, "c").or_else(|| form_value(query, "callback"));
        Self::parse(&name.ok_or(NoCallback::Missing)?)
    }

    pub(super) fn parse(name: &str) -> Result<Self, NoCallback> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_valid = (1..=MAX_CALLBACK_BYTES).contains(&name.len()) && name.bytes().all(is_name);
        if is_valid {
            Ok(Self(name.to_owned()))
        } else {
            Err(NoCallback::Invalid)
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_a_name() {
        for (query, name) in [
            ("c=%63allback", "callback"),
            ("t=1&callback=a.b_c-1", "a.b_c-1"),
            ("callback=other&c=_jp.a", "_jp.a"),
            (
                "c=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            ),
        ] {
            assert_eq!(
                Callback::from_query(Some(query)),
                Ok(Callback(name.to_owned()))
            );
        }
    }

    #[test]
    fn nothing_else_is_a_callback() {
        for query in [
            "c=",
            "c=%20",
            "c=*",
            "c=abc(",
            "c=abc%28",
            "c=%",
            "c=%ff",
            "c=a%00",
            "c=%C3%A4",
            "c=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ] {
            assert_eq!(
                Callback::from_query(Some(query)),
                Err(NoCallback::Invalid),
                "{query}"
            );
        }
        for query in [None, Some(""), Some("d=x")] {
            assert_eq!(Callback::from_query(query), Err(NoCallback::Missing));
        }
    }
}
