//! Every route and every layer of the daemon.
//!
//! A handler takes the request apart, calls one function of [`crate::ops`], and wraps the answer; what is allowed and
//! what happens is decided there.

pub mod body;
pub mod extract;
pub mod layers;
mod ops;
pub mod serve;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// The daemon's routes.
#[must_use]
pub fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(ops::live))
        .route("/readyz", get(ops::ready))
        .fallback(layers::unknown_route)
        .method_not_allowed_fallback(layers::wrong_method)
        .layer(from_fn(layers::check_head))
        .layer(layers::cors(&app.config.cors.allowed_origins))
        .layer(from_fn_with_state(Arc::clone(app), layers::refuse_when_stopping))
        .layer(CatchPanicLayer::custom(layers::answer_panic))
        .layer(from_fn(layers::observe))
        .with_state(Arc::clone(app))
}
