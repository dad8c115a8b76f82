//! The WebSocket handshake: what we send, and what a refusal means.

use std::time::Duration;

use http::header::{AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue};
use protocol::Code;
use protocol::api::{Failure, paths};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::Session;
use super::connection::{Ended, lost};
use crate::error::words;
use crate::http::CLIENT_ID;
use crate::{Daemon, Error, Refusal};

/// The same host and port as HTTP; the token goes into a header, where no log writes it down.
pub(super) fn request(daemon: &Daemon, session: &Session) -> Result<http::Request<()>, Error> {
    let failed = |reason: String| Error::Url {
        url: daemon.url().to_owned(),
        reason,
    };
    // "http" becomes "ws" and "https" "wss".
    let address = daemon.url().strip_prefix("http").unwrap_or_default();
    let url = format!("ws{address}{}", paths::LIVE);
    let mut request = url
        .into_client_request()
        .map_err(|error| failed(error.to_string()))?;
    let headers = request.headers_mut();
    let agent = concat!("relctl/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if let Some(token) = daemon.token() {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.secret()))
            .map_err(|_| failed("the token does not fit into a header".into()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(register) = &session.register
        && let Ok(value) = HeaderValue::from_str(register.client_id.as_str())
    {
        headers.insert(CLIENT_ID, value);
    }
    Ok(request)
}

/// What a failed handshake means: only the daemon's own "no" is final.
pub(super) fn refused(daemon: &Daemon, error: tungstenite::Error) -> Ended {
    let response = match error {
        tungstenite::Error::Http(response) => response,
        tungstenite::Error::Io(error) => return lost(&words(&error)),
        other => return lost(&other.to_string()),
    };
    let status = response.status();
    let header = |name| response.headers().get(name)?.to_str().ok();
    let retry_after = header(RETRY_AFTER)
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    let body = response.body().as_deref().unwrap_or_default();
    let said = serde_json::from_slice::<Failure>(body).ok();
    let code = match status.as_u16() {
        401 => Code::Unauthorized,
        403 => Code::Forbidden,
        _ => {
            return Ended::Lost {
                reason: said.map_or_else(
                    || {
                        format!(
                            "{} answered the WebSocket handshake with {status}",
                            daemon.url()
                        )
                    },
                    |failure| failure.error.message,
                ),
                asked: retry_after,
            };
        }
    };
    Ended::Refused(Error::Refused(Box::new(Refusal {
        code,
        message: said.map_or_else(
            || format!("the daemon refused the session with {status}"),
            |failure| failure.error.message,
        ),
        details: None,
        status: Some(status.as_u16()),
        request_id: header(HeaderName::from_static("x-request-id")).map(str::to_owned),
        retry_after,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Token;

    #[test]
    fn the_session_goes_where_http_goes_and_shows_the_token_in_a_header_only() {
        let token = Token::parse("secret").unwrap();
        let daemon = Daemon::at("https://x.example/relctl/", Some(token)).unwrap();
        let request = request(&daemon, &Session::default()).unwrap();
        assert_eq!(
            request.uri().to_string(),
            "wss://x.example/relctl/ws/updates"
        );
        assert_eq!(request.headers()["authorization"], "Bearer secret");
        assert!(!format!("{request:?}").contains("secret"));
    }
}
