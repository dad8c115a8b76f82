//! The server's side of the opening handshake (RFC 6455 section 4.2).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Socket;

/// A valid request for a WebSocket.
#[derive(Debug)]
pub struct Handshake {
    on_upgrade: OnUpgrade,
    accept_key: String,
}

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not ask for one.
    #[error("Can \"Upgrade\" only to \"WebSocket\".")]
    NotWebSocket,
    /// Something on the way took the question out.
    #[error("\"Connection\" must be \"Upgrade\".")]
    NotUpgrade,
    /// Not the version of RFC 6455.
    #[error("\"Sec-WebSocket-Version\" must be \"13\".")]
    Version,
    /// Not 16 bytes in base64, once.
    #[error("\"Sec-WebSocket-Key\" must be 16 bytes in base64.")]
    Key,
}

impl Handshake {
    /// Whether a request asks for a WebSocket, well or badly.
    pub fn is_asked_for(request: &Request) -> bool {
        has_word(request.headers(), header::UPGRADE, "websocket")
    }

    /// Checks a request, and takes from it what an upgrade needs.
    ///
    /// # Errors
    /// The request is no handshake; the error is a response that says why.
    pub fn take(request: &mut Request) -> Result<Self, Refused> {
        let headers = request.headers();
        if request.version() < Version::HTTP_11 || !Self::is_asked_for(request) {
            return Err(Refused::NotWebSocket);
        }
        if !has_word(headers, header::CONNECTION, "upgrade") {
            return Err(Refused::NotUpgrade);
        }
        let version = headers.get(header::SEC_WEBSOCKET_VERSION);
        if version.is_none_or(|version| version != "13") {
            return Err(Refused::Version);
        }
        let accept_key = accept_key(headers).ok_or(Refused::Key)?;
        let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
        Ok(Self {
            on_upgrade: on_upgrade.ok_or(Refused::NotWebSocket)?,
            accept_key,
        })
    }

    /// The answer that makes the connection a WebSocket.
    pub fn response(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept_key) = HeaderValue::from_str(&self.accept_key) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
        }
        response
    }

    /// Waits until the answer is sent. `None` if the peer left before.
    pub async fn complete(self, max_message_bytes: usize) -> Option<Socket> {
        let upgraded = self.on_upgrade.await.ok()?;
        Some(Socket::new(upgraded, max_message_bytes).await)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotWebSocket | Self::NotUpgrade | Self::Key => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
        };
        let mut response = (status, self.to_string()).into_response();
        if self == Self::Version {
            let version = HeaderValue::from_static("13");
            let headers = response.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_VERSION, version);
        }
        response
    }
}

/// The answer to a well-formed key.
fn accept_key(headers: &HeaderMap) -> Option<String> {
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return None;
    };
    let bytes = STANDARD.decode(key.as_bytes()).ok()?;
    (bytes.len() == 16).then(|| derive_accept_key(key.as_bytes()))
}

/// Whether a comma-separated header has this word, in any case.
fn has_word(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        let accept = |key| accept_key(&headers(&[(header::SEC_WEBSOCKET_KEY, key)]));
        // RFC 6455 section 1.3.
        let good = "dGhlIHNhbXBsZSBub25jZQ==";
        assert_eq!(accept(good).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for bad in [
            "abc",
            "!!!",
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZTEyMw==",
        ] {
            assert_eq!(accept(bad), None, "{bad}");
        }
        assert_eq!(accept_key(&headers(&[])), None);
        let twice = [good, good].map(|key| (header::SEC_WEBSOCKET_KEY, key));
        assert_eq!(accept_key(&headers(&twice)), None);
    }

    #[test]
    fn words_of_a_header_are_found_among_others_and_in_any_case() {
        let lines = ["keep-alive, Upgrade", "x"].map(|line| (header::CONNECTION, line));
        let headers = headers(&lines);
        assert!(has_word(&headers, header::CONNECTION, "upgrade"));
        assert!(!has_word(&headers, header::CONNECTION, "keep"));
    }
}
