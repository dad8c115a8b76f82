//! The SockJS endpoint: how it is set up, what it does with a session, and its end.

use std::sync::Arc;

use protocol::api::paths;
use sockjs::{Options, Session, SockJs};
use tracing::Instrument;

use crate::app::App;
use crate::config::Config;
use crate::session::transport::SockJsSession;
use crate::session::{self, Visitor};

/// What escapes may make of a message: an emoji of four bytes takes twelve in JSON, and in a form each byte takes three.
const ESCAPES: usize = 8;
/// The same for the largest messages that can be configured: they are not made of escapes alone.
const MAX_ESCAPES_BYTES: usize = 1024 * 1024;

/// The endpoint at `/ws/updates`.
#[must_use]
pub fn new_endpoint(app: &Arc<App>) -> SockJs {
    let options = options(&app.config);
    let app = Arc::clone(app);
    SockJs::new(options, move |session| attend(Arc::clone(&app), session))
}

/// Waits until the daemon stops, and then until the endpoint has ended. Its sessions say goodbye by themselves.
pub async fn shut_down(app: Arc<App>, sockjs: SockJs) {
    app.stop.cancelled().await;
    let ending = sockjs.shutdown(1001, "the daemon is stopping");
    app.grace_over.run_until_cancelled(ending).await;
}

fn options(config: &Config) -> Options {
    let max_message_bytes = config.websocket.max_message_bytes;
    let defaults = Options::at(paths::LIVE);
    Options {
        without_origin: config.sockjs.iframe_and_jsonp,
        sockjs_url: config.sockjs.client_url.clone(),
        // A client that only listens shows itself once in this interval, so it has to do with the time-out of sessions.
        heartbeat_interval: defaults
            .heartbeat_interval
            .min(config.websocket.heartbeat_interval),
        max_message_bytes: max_message_bytes
            .saturating_mul(ESCAPES)
            .min(max_message_bytes.saturating_add(MAX_ESCAPES_BYTES)),
        ..defaults
    }
}

/// Runs one session.
async fn attend(app: Arc<App>, session: Session) {
    let visitor = session.request().extensions.get::<Visitor>().cloned();
    let Some(visitor) = visitor else {
        // Who came to hear a goodbye came too late, and would have opened a session.
        return session.close(1008, "the token is no longer valid");
    };
    let span = tracing::debug_span!("session", caller = %visitor.caller.username);
    let transport = SockJsSession::new(session, app.config.websocket.max_message_bytes);
    session::run(app, transport, visitor).instrument(span).await;
}
