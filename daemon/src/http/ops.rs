//! Probes for whoever watches over the daemon. They need no token and tell nothing but whether it is well.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::api::{Health, Success};

use crate::app::App;

/// `GET /livez`: the process answers.
pub(super) async fn live() -> Response {
    health(StatusCode::OK, "ok")
}

/// `GET /readyz`: the daemon takes requests; `read-only` still serves clients.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stop.is_cancelled() {
        return health(StatusCode::SERVICE_UNAVAILABLE, "shutting-down");
    }
    if app.store.read_only_reason().is_some() {
        return health(StatusCode::OK, "read-only");
    }
    health(StatusCode::OK, "ok")
}

fn health(status: StatusCode, word: &str) -> Response {
    let body = Health {
        status: word.into(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    (status, axum::Json(Success::new(body))).into_response()
}
