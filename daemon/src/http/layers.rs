//! What happens to every request before a route sees it, and to every answer after.

use std::any::Any;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::Code;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::body::PatientBody;
use super::uploads;
use crate::app::App;
use crate::error::ApiError;

/// A request target, in bytes; the longest that we make is a token of 8 KiB, which goes into a header there.
const TARGET_BYTES: usize = 8 * 1024;

/// All header lines together, in bytes.
const HEAD_BYTES: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and a span, and the answer the id and the headers that all answers have.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    let is_preflight = method == Method::OPTIONS;
    let target = masked_target(
        request
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str()),
    );
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        %method,
        route = route.as_deref().unwrap_or("none"),
        caller = tracing::field::Empty,
    );
    let started = tokio::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        let status = response.status().as_u16();
        let duration_ms = started.elapsed().as_millis();
        tracing::debug!(status, duration_ms, target, "a request was answered");
    });
    if is_preflight && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    let headers = response.headers_mut();
    // Answers hold tokens and the state of this moment; only downloads say otherwise.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A request target that may go into the log: tokens are masked, and nothing in it can break a line.
#[must_use]
pub fn masked_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.escape_debug().to_string();
    };
    let masked: Vec<String> = query
        .split('&')
        .map(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            // A name may be percent-encoded to slip by; whatever is not plain is masked as well.
            let plain = name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            if plain && !name.to_ascii_lowercase().contains("token") {
                pair.escape_debug().to_string()
            } else {
                format!("{}=***", name.escape_debug())
            }
        })
        .collect();
    format!("{}?{}", path.escape_debug(), masked.join("&"))
}

/// Turns a panic into `SERVER_ERROR`; its words go to the log and not to the caller.
#[must_use]
pub fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    ApiError::server_error(&format_args!("panic: {}", words.unwrap_or("without words")))
        .into_response()
}

/// Refuses new work once the daemon is stopping.
pub async fn refuse_when_stopping(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let is_probe = matches!(request.uri().path(), "/livez" | "/readyz");
    if app.stop.is_cancelled() && !is_probe {
        return closing(ApiError::unavailable(
            "the daemon is shutting down; try again soon",
        ));
    }
    next.run(request).await
}

/// Refuses what hyper lets through and should not (RFC 9112 section 3.2 and our own bounds).
pub async fn check_head(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let waits = request.headers().contains_key(header::EXPECT);
    let problem = head_problem(&request);
    let request = request.map(|body| Body::new(PatientBody::new(body, &app.tasks, waits)));
    match problem {
        Some(error) => closing(error),
        None => next.run(request).await,
    }
}

fn head_problem(request: &Request) -> Option<ApiError> {
    let headers = request.headers();
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES {
        let message = format!("the request target is over {TARGET_BYTES} bytes");
        return Some(ApiError::invalid(message).with_status(StatusCode::URI_TOO_LONG));
    }
    let head: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if head > HEAD_BYTES {
        let message = format!("the headers are over {HEAD_BYTES} bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(ApiError::invalid(message).with_status(status));
    }
    if !host_is_good(headers, request.version()) {
        return Some(ApiError::invalid(
            "expected one Host header with a host and perhaps a port",
        ));
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return Some(ApiError::invalid(
            "expected at most one Authorization header",
        ));
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "bodies are taken as they are; send it without Content-Encoding";
        return Some(ApiError::new(Code::UnsupportedMediaType, message));
    }
    None
}

fn host_is_good(headers: &HeaderMap, version: Version) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).is_ok(),
        (None, None) => version < Version::HTTP_11,
        (_, Some(_)) => false,
    }
}

/// An answer after which the connection ends, since what follows on it cannot be trusted or is not wanted.
fn closing(error: ApiError) -> Response {
    let close = HeaderValue::from_static("close");
    error.with_header(header::CONNECTION, close).into_response()
}

/// Lets the listed web pages in, and answers preflights without a token (contract section 7).
pub fn cors(allowed_origins: &[String]) -> CorsLayer {
    let origins = allowed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            header::IF_MATCH,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::IF_UNMODIFIED_SINCE,
            HeaderName::from_static("x-auth-token"),
            HeaderName::from_static("x-client-id"),
            uploads::TUS_RESUMABLE,
            uploads::UPLOAD_LENGTH,
            uploads::UPLOAD_OFFSET,
            uploads::UPLOAD_METADATA,
            uploads::UPLOAD_CHECKSUM,
            uploads::OVERRIDE,
        ])
        .expose_headers([
            header::ETAG,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_DISPOSITION,
            header::RETRY_AFTER,
            header::LOCATION,
            header::LAST_MODIFIED,
            HeaderName::from_static("repr-digest"),
            HeaderName::from_static("x-checksum-sha256"),
            REQUEST_ID,
            uploads::TUS_RESUMABLE,
            uploads::UPLOAD_LENGTH,
            uploads::UPLOAD_OFFSET,
            uploads::UPLOAD_METADATA,
            uploads::UPLOAD_EXPIRES,
        ])
        .max_age(std::time::Duration::from_secs(600))
}

/// 404 for what no route matches.
pub async fn unknown_route() -> ApiError {
    ApiError::not_found("there is nothing at this path")
}

/// 405; the framework adds `Allow`.
pub async fn wrong_method() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "this path does not take this method; Allow names those it takes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_target_is_masked_however_it_is_written() {
        for (target, masked) in [
            ("/livez", "/livez"),
            ("/ws/updates?token=abc.def", "/ws/updates?token=***"),
            ("/a?x=1&TOKEN=abc&y=2", "/a?x=1&TOKEN=***&y=2"),
            ("/a?access_token=abc", "/a?access_token=***"),
            ("/a?%74oken=abc", "/a?%74oken=***"),
            ("/a?token", "/a?token=***"),
            ("/a?x=1?token=abc", "/a?x=1?token=abc"),
            ("/a\u{1b}[31m?b=\r\n", "/a\\u{1b}[31m?b=\\r\\n"),
        ] {
            assert_eq!(masked_target(target), masked, "{target:?}");
        }
    }

    #[test]
    fn a_host_is_one_authority() {
        let good = |lines: &[&str], version| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::HOST, line.parse().unwrap());
            }
            host_is_good(&headers, version)
        };
        for host in ["localhost", "127.0.0.1:8081", "[::1]:8081", "a.example"] {
            assert!(good(&[host], Version::HTTP_11), "{host}");
        }
        for hosts in [&[][..], &["a", "b"], &["a b"], &["a/b"], &[""]] {
            assert!(!good(hosts, Version::HTTP_11), "{hosts:?}");
        }
        assert!(good(&[], Version::HTTP_10));
    }
}
