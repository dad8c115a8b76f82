//! `xhr_send` and `jsonp_send`: messages from a client that receives by a response.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::answer;
use crate::session::registry::Kind;

/// How long a client may take for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

const FORM: &str = "application/x-www-form-urlencoded";

/// How messages come from a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender {
    Xhr,
    Jsonp,
}

impl Sender {
    /// The transports that it belongs to.
    pub(crate) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Xhr => &[
                Kind::Xhr,
                Kind::XhrStreaming,
                Kind::EventSource,
                Kind::HtmlFile,
            ],
            Self::Jsonp => &[Kind::Jsonp],
        }
    }

    /// The messages in a body.
    pub(crate) fn messages(
        self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Vec<Utf8Bytes>, Unusable> {
        match self {
            Self::Xhr => xhr_messages(body),
            Self::Jsonp => jsonp_messages(headers, body),
        }
    }

    /// What is said when they were taken.
    pub(crate) fn answer(self) -> Response {
        match self {
            // With a type even where there is nothing: Firefox takes it for XML otherwise, and complains.
            Self::Xhr => answer::text(StatusCode::NO_CONTENT, Body::empty()),
            Self::Jsonp => answer::text(StatusCode::OK, "ok"),
        }
    }
}

/// Why a body holds no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("Payload expected.")]
    NoMessages,
    #[error("Broken JSON encoding.")]
    NoJson,
    #[error("the messages are over the size limit; send fewer at a time")]
    TooLarge,
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
}

impl Unusable {
    /// The words are the protocol's where it has any, and so is the 500 for what is the client's fault.
    pub(crate) fn response(self) -> Response {
        let status = match self {
            Self::NoMessages | Self::NoJson => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        };
        answer::text(status, self.to_string())
    }
}

/// Reads a body, as far as it is within the limit.
pub(crate) async fn read(body: Body, max_bytes: usize) -> Result<Bytes, Unusable> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max_bytes {
        return Err(Unusable::TooLarge);
    }
    let body = Limited::new(body, max_bytes).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unusable::TooLarge),
        Ok(Err(_)) => Err(Unusable::Broken),
        Err(_) => Err(Unusable::TooSlow),
    }
}

/// The messages of an `xhr_send`: a JSON array of strings, whatever its type is said to be.
fn xhr_messages(body: &[u8]) -> Result<Vec<Utf8Bytes>, Unusable> {
    if body.is_empty() {
        return Err(Unusable::NoMessages);
    }
    parse(body)
}

/// The messages of a `jsonp_send`: the same in a form's field `d`, or as the whole body.
fn jsonp_messages(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Utf8Bytes>, Unusable> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case(FORM) {
        return xhr_messages(body);
    }
    let form = std::str::from_utf8(body).map_err(|_| Unusable::NoJson)?;
    let messages = form_value(form, "d").ok_or(Unusable::NoMessages)?;
    xhr_messages(messages.as_bytes())
}

/// The strings of a JSON array.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<Utf8Bytes>, Unusable> {
    let parsed: Result<Vec<String>, _> = serde_json::from_slice(json);
    let texts = parsed.map_err(|error| {
        if error.is_data() {
            Unusable::NoMessages
        } else {
            Unusable::NoJson
        }
    })?;
    Ok(texts.into_iter().map(Utf8Bytes::from).collect())
}

/// The first value of a field in a form or a query, decoded.
pub(super) fn form_value(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn messages_are_an_array_of_strings() {
        assert_eq!(parse(br#"["a","b"]"#), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(parse(b"[]"), Ok(vec![]));
        for other in ["{}", "1", "null", r#""a""#, "[1]", "[[]]"] {
            assert_eq!(
                parse(other.as_bytes()),
                Err(Unusable::NoMessages),
                "{other}"
            );
        }
        for broken in [r#"["x"#, "[", "x", r#"["a"] ["b"]"#, r#"["\ud800"]"#] {
            assert_eq!(parse(broken.as_bytes()), Err(Unusable::NoJson), "{broken}");
        }
        assert_eq!(parse(b"[\"\xff\"]"), Err(Unusable::NoJson));
        assert_eq!(xhr_messages(b""), Err(Unusable::NoMessages));
    }

    #[test]
    fn a_form_has_its_messages_in_the_field_d() {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8");
        headers.insert(header::CONTENT_TYPE, form);
        for (body, expected) in [
            ("d=%5B%22x%22%5D", Ok(vec!["x".into()])),
            ("a=1&d=%5B%22+%2b%22%5D", Ok(vec![" +".into()])),
            ("d=%5B%5D", Ok(vec![])),
            ("d=%5B%22x", Err(Unusable::NoJson)),
            ("", Err(Unusable::NoMessages)),
            ("d=", Err(Unusable::NoMessages)),
            ("d", Err(Unusable::NoMessages)),
            ("p=p", Err(Unusable::NoMessages)),
        ] {
            assert_eq!(
                jsonp_messages(&headers, body.as_bytes()),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn a_plain_body_is_taken_as_it_is() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let messages = jsonp_messages(&headers, br#"["%61bc"]"#);
        assert_eq!(messages, Ok(vec!["%61bc".into()]));
    }
}
