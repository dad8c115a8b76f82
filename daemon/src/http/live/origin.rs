//! Which web pages may open a session (contract section 7).

use axum::http::{HeaderMap, header};

use crate::error::ApiError;

/// A browser says which page it acts for. That has to be the daemon's own or an allowed one, compared exactly; two
/// answers are none. A program that is no browser has no origin to tell.
pub(super) fn check_origin(
    headers: &HeaderMap,
    allowed_origins: &[String],
) -> Result<(), ApiError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let is_allowed = allowed_origins.iter().any(|allowed| allowed == origin);
    if origins.next().is_none() && (is_allowed || is_own_origin(origin, headers)) {
        return Ok(());
    }
    let message =
        "this origin is not allowed; the daemon's key cors.allowed-origins lists those that are";
    Err(ApiError::forbidden(message))
}

/// Whether an origin has the host and port that the request was sent to. Which scheme it came by the daemon does not
/// know: a proxy in front of it may speak TLS.
fn is_own_origin(origin: &str, headers: &HeaderMap) -> bool {
    let Some(host) = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    else {
        return false;
    };
    let (authority, default_port) = match origin.split_once("://") {
        Some(("http", authority)) => (authority, ":80"),
        Some(("https", authority)) => (authority, ":443"),
        Some(_) | None => return false,
    };
    let without_default = |text: &str| {
        text.strip_suffix(default_port)
            .unwrap_or(text)
            .to_ascii_lowercase()
    };
    !authority.is_empty() && without_default(authority) == without_default(host)
}

#[cfg(test)]
mod tests;
