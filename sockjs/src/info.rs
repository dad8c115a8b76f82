//! The greeting, and `/info`: what a client asks before it opens a session.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use crate::options::{Cookie, Options};
use crate::{answer, headers};

/// What the prefix itself answers.
pub(crate) fn greeting() -> Response {
    answer::text(StatusCode::OK, "Welcome to SockJS!\n")
}

/// `GET /info`. Clients measure the round trip with it and derive their time-outs from that, so it is quick.
pub(crate) fn info(options: &Options) -> Response {
    // Random numbers of browsers were poor once. Where the system has none to give, zero adds nothing and harms nothing.
    let entropy = getrandom::u32().unwrap_or(0);
    let info = json!({
        "websocket": options.websocket,
        "origins": ["*:*"],
        "cookie_needed": options.cookie != Cookie::Off,
        "entropy": entropy,
    });
    let mut response = Response::new(Body::from(info.to_string()));
    let json = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    headers::forbid_caching(response.headers_mut());
    response
}
