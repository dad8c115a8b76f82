//! The way into a live session: the WebSocket handshake (RFC 6455 section 4.2), and who may make it.
//!
//! By hand, since the framework's handshake accepts any key and its socket hides both the reason of a failure and
//! what a faulty peer still sends. Everything is refused before the upgrade, with our own error body, but for a client
//! over its connection limit: a browser cannot read a refused handshake, so it is let in, told, and sent away.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use protocol::Timestamp;
use protocol::api::paths;
use protocol::error::RateLimitDetails;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::Instrument;

use super::extract::{Address, find_token, named_client};
use super::reports;
use super::stream::ImpatientStream;
use crate::app::App;
use crate::auth::AuthError;
use crate::error::ApiError;
use crate::limit::{LimitKey, rate_limited, retry_sentence};
use crate::session::transport::WebSocket;
use crate::session::{self, Visitor};

/// The routes of live sessions, and of the reports that can be sent without one.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route(paths::LIVE, get(open_session)).route(
        &format!("{}/reports", paths::CLIENT),
        post(reports::take_report),
    )
}

/// `GET /ws/updates`.
async fn open_session(
    State(app): State<Arc<App>>,
    Address(address): Address,
    mut request: Request,
) -> Result<Response, ApiError> {
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let on_upgrade = on_upgrade.filter(|_| asks_for_websocket(&request));
    let on_upgrade = on_upgrade.ok_or_else(not_a_handshake)?;
    check_origin(request.headers(), &app.config.cors.allowed_origins)?;
    let visitor = recognise(&app, request.headers(), request.uri(), address)?;
    let accept_key = accept_key(request.headers())?;
    let admission = admit(&app, &visitor, address)?;

    let span = tracing::debug_span!("session", caller = %visitor.caller.username);
    let max_message_bytes = app.config.websocket.max_message_bytes;
    let tasks = app.tasks.clone();
    let grace_over = app.grace_over.clone();
    let session = async move {
        let Ok(upgraded) = on_upgrade.await else {
            return tracing::debug!("the peer left before the upgrade");
        };
        let Some((stream, sent_early)) = ImpatientStream::beneath(upgraded) else {
            return tracing::error!("an upgraded connection is not what the daemon accepted");
        };
        let transport = WebSocket::new(stream, &sent_early, max_message_bytes).await;
        match admission {
            Ok(()) => session::run(app, transport, visitor).await,
            Err(details) => session::turn_away(transport, &visitor.limit_key, &details).await,
        }
    };
    // A session says goodbye when the daemon stops; a peer that does not take it holds nothing up for longer than the grace.
    let session = async move { grace_over.run_until_cancelled(session).await };
    tasks.spawn(session.instrument(span));
    Ok(switching_protocols(accept_key))
}

/// Who opens the session, by the token in a header or in the URL.
fn recognise(
    app: &App,
    headers: &HeaderMap,
    uri: &Uri,
    address: IpAddr,
) -> Result<Visitor, ApiError> {
    let token = find_token(headers, uri.query()).ok_or(AuthError::Missing)?;
    let caller = app.auth.verify(&app.store, &token, Timestamp::now())?;
    let client_id = named_client(headers, uri.query())?;
    let limit_key = LimitKey::new(&caller.username, client_id.as_ref(), address);
    Ok(Visitor {
        caller,
        limit_key,
        client_id,
    })
}

/// Whether the connection is within its limits; an inner error lets it in to be told so.
fn admit(
    app: &App,
    visitor: &Visitor,
    address: IpAddr,
) -> Result<Result<(), RateLimitDetails>, ApiError> {
    let now = tokio::time::Instant::now().into_std();
    let tell_watchers = |details: &RateLimitDetails| {
        // Only of the first one in a window: who hammers on must not push everything else out of their log.
        if details.current_count > details.max_allowed + 1 {
            return;
        }
        let message = rate_limited(&visitor.limit_key, details, Timestamp::now());
        app.hub.rate_limited(visitor.client_id.as_ref(), message);
    };
    if let Err(details) = app.limits.take_address(address, now) {
        tell_watchers(&details);
        let message = retry_sentence(details.retry_after);
        return Err(ApiError::rate_limited(details, message));
    }
    let admission = app.limits.take_connection(&visitor.limit_key, now);
    if let Err(details) = &admission {
        tell_watchers(details);
    }
    Ok(admission)
}

fn asks_for_websocket(request: &Request) -> bool {
    request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && has_word(request.headers(), header::CONNECTION, "upgrade")
        && has_word(request.headers(), header::UPGRADE, "websocket")
}

/// Whether a comma-separated header has this word, in any case.
fn has_word(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

fn not_a_handshake() -> ApiError {
    let message = "this is a WebSocket endpoint; connect to it with a WebSocket client, as in ws://HOST/ws/updates?token=TOKEN";
    ApiError::invalid(message)
        .with_status(StatusCode::UPGRADE_REQUIRED)
        .with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
        .with_header(header::CONNECTION, HeaderValue::from_static("upgrade"))
}

/// A browser says which page it acts for. That has to be the daemon's own or an allowed one, compared exactly; two
/// answers are none. A program that is no browser has no origin to tell.
fn check_origin(headers: &HeaderMap, allowed_origins: &[String]) -> Result<(), ApiError> {
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

/// Checks what RFC 6455 section 4.2.1 asks of a handshake, and gives the answer to its key.
fn accept_key(headers: &HeaderMap) -> Result<String, ApiError> {
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        let message = "Sec-WebSocket-Version: only version 13 is spoken here";
        return Err(ApiError::invalid(message)
            .with_status(StatusCode::UPGRADE_REQUIRED)
            .with_header(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            ));
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => key.as_bytes(),
        (None, _) | (_, Some(_)) => &[],
    };
    let is_well_formed = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    if !is_well_formed {
        let problem = "expected 16 bytes in base64, once";
        return Err(ApiError::invalid_field("Sec-WebSocket-Key", problem));
    }
    Ok(derive_accept_key(key))
}

fn switching_protocols(accept_key: String) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept_key) = HeaderValue::from_str(&accept_key) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
    }
    response
}

#[cfg(test)]
mod tests;
