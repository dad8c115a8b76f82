//! Every route and every layer of the daemon.
//!
//! A handler takes the request apart, calls one function of [`crate::ops`], and wraps the answer; what is allowed and
//! what happens is decided there.

mod admin;
pub mod body;
mod client;
mod conditions;
mod download;
pub mod extract;
mod file_body;
mod file_bytes;
mod form;
mod handover;
mod identity;
pub mod layers;
pub mod live;
mod ops;
mod pace;
mod reports;
mod role;
pub mod serve;
mod stream;
mod transfer;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, head, patch, post};
use protocol::api::paths;
use sockjs::SockJs;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// The daemon's routes.
pub fn router(app: &Arc<App>, sockjs: &SockJs) -> Router {
    let check_head = || from_fn_with_state(Arc::clone(app), layers::check_head);
    Router::new()
        .nest(paths::CLIENT, for_clients())
        .nest(paths::ADMIN, for_publishers())
        .nest(paths::IDENTITY, for_administrators())
        .route(paths::WHOAMI, get(client::who_am_i))
        .route("/livez", get(ops::live))
        .route("/readyz", get(ops::ready))
        .fallback(layers::unknown_route)
        .method_not_allowed_fallback(layers::wrong_method)
        // The last one is the outermost.
        .layer(check_head())
        .layer(layers::cors(&app.config.cors.allowed_origins))
        // Outside of that, since it answers every OPTIONS itself.
        .layer(from_fn_with_state(Arc::clone(app), uploads::speak_tus))
        // Outside of the layer for CORS: that answers preflights itself, and would double what SockJS says.
        .merge(live::routes(app, sockjs).layer(check_head()))
        .layer(from_fn_with_state(
            Arc::clone(app),
            layers::refuse_when_stopping,
        ))
        .layer(CatchPanicLayer::custom(layers::answer_panic))
        .layer(from_fn(layers::observe))
        .with_state(Arc::clone(app))
}

fn for_clients() -> Router<Arc<App>> {
    Router::new()
        .route("/check", get(client::check))
        .route("/versions/{version}/metadata", get(client::metadata))
        .route("/download/{version}", get(client::download))
        .route("/delta/{from}/{to}", get(client::delta))
        .route("/delta/{from}/{to}/download", get(client::download_delta))
        .route("/reports", post(reports::take_report))
}

fn for_publishers() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/versions",
            get(admin::list_versions).post(admin::create_version),
        )
        .route(
            "/versions/{id}",
            get(admin::show_version).patch(admin::change_version),
        )
        .route("/versions/{id}/toggle-status", patch(admin::toggle_version))
        .route("/versions/{id}/download", get(admin::download_version))
        .route("/versions/{id}/history", get(admin::version_history))
        .route("/versions/{id}/deltas", post(admin::add_delta))
        .route("/channels/{channel}/rollback", post(admin::roll_back))
        .route("/statistics", get(admin::statistics))
        .route(
            "/uploads",
            get(uploads::list_uploads).post(uploads::begin_upload),
        )
        .route(
            "/uploads/{id}",
            head(uploads::upload_offset)
                .patch(uploads::continue_upload)
                .delete(uploads::end_upload)
                .post(uploads::overridden),
        )
}

fn for_administrators() -> Router<Arc<App>> {
    Router::new()
        .route("/users", get(identity::list_users).post(identity::add_user))
        .route("/users/{username}", patch(identity::change_user))
        .route(
            "/tokens",
            get(identity::list_tokens).post(identity::issue_token),
        )
        .route("/tokens/{token_id}", delete(identity::revoke_token))
}
