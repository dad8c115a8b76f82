//! What handlers take out of a request. Every refusal is our own error body, never the framework's text.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use protocol::error::in_plain_words;
use protocol::{ClientId, Code, Timestamp};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth::{AuthError, Caller};
use crate::error::ApiError;

/// The caller, by the token in `Authorization` or `X-Auth-Token`.
#[derive(Clone, Debug)]
pub struct CurrentCaller(pub Caller);

impl FromRequestParts<Arc<App>> for CurrentCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = find_token(&parts.headers, None).ok_or(AuthError::Missing)?;
        let caller = app.auth.verify(&app.store, &token, Timestamp::now())?;
        tracing::Span::current().record("caller", caller.username.as_str());
        Ok(Self(caller))
    }
}

/// Finds the token of a request. `query` is given only where a token in the URL is allowed (contract section 2).
///
/// The first source that is there wins, even when its token is bad: a request has one identity.
#[must_use]
pub fn find_token(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        // What is not a Bearer credential is a token that fails, not an absence.
        return Some(
            value
                .to_str()
                .ok()
                .and_then(bearer)
                .unwrap_or_default()
                .to_owned(),
        );
    }
    if let Some(value) = headers.get("x-auth-token") {
        return Some(
            value
                .to_str()
                .unwrap_or_default()
                .trim_matches(' ')
                .to_owned(),
        );
    }
    query.and_then(|query| query_value(query, "token"))
}

/// The credential of `Bearer TOKEN`; the scheme is case-insensitive and one or more spaces follow it (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, credential) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credential.trim_matches(' '))
}

/// The first value of a name in a query string, decoded.
#[must_use]
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = parse_pairs(query)?;
    pairs
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

fn parse_pairs(query: &str) -> Option<Vec<(String, String)>> {
    let uri = format!("/?{query}").parse().ok()?;
    axum::extract::Query::try_from_uri(&uri)
        .ok()
        .map(|query| query.0)
}

/// The address of the peer.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Absent only where a test calls the router without a connection.
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Ok(Self(peer.map_or(local, |info| info.0.ip().to_canonical())))
    }
}

/// The client that the request names, by `X-Client-Id` or `?clientId=`.
#[derive(Clone, Debug)]
pub struct NamedClient(pub Option<ClientId>);

impl<S: Sync> FromRequestParts<S> for NamedClient {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        named_client(&parts.headers, parts.uri.query()).map(Self)
    }
}

/// Finds the client that a request names; see [`NamedClient`].
///
/// # Errors
/// It names one whose id breaks the grammar.
pub fn named_client(
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<ClientId>, ApiError> {
    let (field, text) = match headers.get("x-client-id") {
        Some(value) => (
            "X-Client-Id",
            Some(value.to_str().unwrap_or_default().to_owned()),
        ),
        None => (
            "clientId",
            query.and_then(|query| query_value(query, "clientId")),
        ),
    };
    let Some(text) = text else { return Ok(None) };
    let client = text
        .parse()
        .map_err(|error| ApiError::invalid_field(field, error))?;
    Ok(Some(client))
}

/// The query, as a struct.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => Err(ApiError::invalid(format!(
                "query: {}",
                inner_text(&rejection)
            ))),
        }
    }
}

/// What the framework says without its own preamble, which tells a caller nothing.
fn inner_text(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The texts in the path, decoded once and not yet understood.
#[derive(Clone, Debug)]
pub struct PathText<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathText<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(ApiError::invalid("the path is not percent-encoded UTF-8")),
        }
    }
}

/// A JSON body of at most 64 KiB.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_json_type);
        if !is_json {
            let message = "expected a body with Content-Type: application/json";
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
        let body = read_body(request, protocol::limits::JSON_BODY_BYTES).await?;
        // Derived readers would take a list for a struct as well, its fields by position.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::invalid("body: expected a JSON object"));
        }
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| json_refusal(&error, &body))
    }
}

fn is_json_type(value: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Names the field that a reader of a flat object stopped at.
fn json_refusal(error: &serde_json::Error, body: &[u8]) -> ApiError {
    let message = error.to_string();
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    if let Some(field) = missing {
        return ApiError::invalid_field(field, "is missing");
    }
    let problem = in_plain_words(error);
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let read = &body[..body.len().min(before + error.column())];
    match last_key(read) {
        Some(field) if error.is_data() => ApiError::invalid_field(&field, problem),
        Some(_) | None => ApiError::invalid(format!("body: {message}")),
    }
}

/// The last text in quotes that a colon follows.
fn last_key(read: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(read);
    let (before, _) = text
        .rsplit_once("\":")
        .or_else(|| text.rsplit_once("\" :"))?;
    let (_, key) = before.rsplit_once('"')?;
    let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| key.to_owned())
}

/// Reads a whole body that must stay small.
///
/// # Errors
/// It is over the limit, or it does not arrive.
pub async fn read_body(request: Request, limit: usize) -> Result<axum::body::Bytes, ApiError> {
    let too_large = || {
        ApiError::new(
            Code::PayloadTooLarge,
            format!("the body is over {limit} bytes"),
        )
    };
    let stated = request.headers().get(header::CONTENT_LENGTH);
    let stated = stated.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let limited = http_body_util::Limited::new(request.into_body(), limit);
    match http_body_util::BodyExt::collect(limited).await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(error) => Err(body_error(&*error)),
    }
}

/// A body that did not arrive: too slow, or the connection broke.
#[must_use]
pub fn body_error(error: &(dyn std::error::Error + 'static)) -> ApiError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<super::body::Stalled>() {
            let message = error.to_string();
            return ApiError::invalid(message).with_status(StatusCode::REQUEST_TIMEOUT);
        }
        cause = error.source();
    }
    ApiError::invalid("the body did not arrive whole")
}
