//! One live connection: a task that owns it, asks the pure [`state`] what to do, and does it.
//!
//! It waits for four things: the peer, word from the hub, a moment in time, and the stop of the daemon. What it then
//! has to say it gathers, and sends it before it waits again; so it never holds a lock while it waits, and a peer that
//! does not read delays nobody but itself: a send has a time limit, and what others leave meanwhile is bounded.

pub mod admission;
mod pace;
mod perform;
pub mod state;
pub mod transport;
mod turn;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use protocol::error::RateLimitDetails;
use protocol::{ClientId, ServerMessage, SessionId, Timestamp};
use tokio::time::Instant;

use crate::app::App;
use crate::auth::Caller;
use crate::limit::{self, LimitKey};
use state::{Moment, Setup, State};
use transport::{Goodbye, Transport};
use work::{Ending, Session};

/// How long a peer that is sent away, or did not read, may take to read why.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);

/// Who opened a connection.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// By its token.
    pub caller: Caller,
    /// Whom its limits count for.
    pub limit_key: LimitKey,
    /// The client that it named at the handshake.
    pub client_id: Option<ClientId>,
}

/// Runs a session to its end, or sends a client away that comes too often. A browser cannot read a refused handshake,
/// so it is let in, and told.
///
/// No `async fn`: that would hold what it is given twice, where it came in and where it is used. What a session needs only
/// at its end lies in a box then.
pub fn run<T: Transport>(
    app: Arc<App>,
    transport: T,
    visitor: Visitor,
) -> impl Future<Output = ()> + Send {
    match admission::admit_client(&app, &visitor) {
        Err(details) => Either::Left(Box::pin(turn_away(transport, visitor.limit_key, details))),
        Ok(()) => Either::Right(live(app, transport, visitor)),
    }
}

fn live<T: Transport>(
    app: Arc<App>,
    transport: T,
    visitor: Visitor,
) -> impl Future<Output = ()> + Send {
    let session_id = SessionId::generate();
    let joined = app.hub.join(session_id, visitor.caller.username.clone());
    let setup = Setup {
        session_id,
        role: visitor.caller.role,
        token_ends_at: visitor.caller.expires_at,
        heartbeat_interval: app.config.websocket.heartbeat_interval,
        connection_timeout: app.config.websocket.connection_timeout,
        heartbeat_offset: offset(session_id),
    };
    let mut session = Session {
        seat: Arc::clone(joined.seat()),
        state: State::new(setup, moment()),
        watching: None,
        outgoing: Vec::new(),
        ending: None,
        transport,
        visitor,
        app,
    };
    tracing::debug!(session.id = %session_id, "a session began");
    async move {
        let ending = session.work().await;
        // It is gone for everybody else before the goodbye, which may take its time.
        drop(joined);
        tracing::debug!(session.id = %session.seat.session_id(), ?ending, "a session ended");
        // A peer that does not take its goodbye holds the end of the daemon up for no longer than the grace.
        let goodbye = Box::pin(say_goodbye(&mut session.transport, ending));
        session.app.grace_over.run_until_cancelled(goodbye).await;
    }
}

/// Tells a client over its connection limit so, and ends the connection.
async fn turn_away(mut transport: impl Transport, key: LimitKey, details: RateLimitDetails) {
    let message = limit::rate_limited(&key, &details, Timestamp::now());
    let text = ServerMessage::RateLimited(message).to_text().into();
    if let Ok(Ok(())) = tokio::time::timeout(FAREWELL_TIMEOUT, transport.send(text)).await {
        let goodbye = Goodbye {
            code: 1013,
            reason: "too many connections",
        };
        transport.close(goodbye).await;
    }
}

/// Ends a connection; for everybody else the session is gone already.
async fn say_goodbye(transport: &mut impl Transport, ending: Ending) {
    match ending {
        Ending::Goodbye(goodbye) => transport.close(goodbye).await,
        Ending::Behind => {
            let (message, goodbye) = state::farewell_to_slow_consumer(Timestamp::now());
            let farewell = async {
                if transport.send(message.to_text().into()).await.is_ok() {
                    transport.close(goodbye).await;
                }
            };
            if tokio::time::timeout(FAREWELL_TIMEOUT, farewell)
                .await
                .is_err()
            {
                // There is no room for the message; the bare goodbye may still reach a client that comes back for it.
                transport.close(goodbye).await;
            }
        }
        Ending::Gone => {}
    }
}

/// Where in the interval a session has its heartbeats: somewhere in the second half, so that those of many sessions
/// are spread and none comes while a client is still saying who it is. Session ids are random.
fn offset(session_id: SessionId) -> f64 {
    let digits = session_id.to_string();
    let random = digits
        .get(..8)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    f64::midpoint(
        1.0,
        f64::from(random.unwrap_or(u32::MAX)) / f64::from(u32::MAX),
    )
}

fn moment() -> Moment {
    Moment {
        instant: Instant::now().into_std(),
        time: Timestamp::now(),
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that running a session over a transport returns.
    fn future_bytes<T, F: Future>(_: impl Fn(Arc<App>, T, Visitor) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_session_is_a_small_task() {
        for bytes in [
            future_bytes(run::<sockjs::socket::Socket>),
            future_bytes(run::<transport::SockJsSession>),
        ] {
            assert!(
                bytes <= 1536,
                "{bytes} bytes for each of ten thousand sessions"
            );
        }
    }

    #[test]
    fn heartbeats_of_many_sessions_are_spread() {
        let mut tenths = [0; 10];
        for _ in 0..1000 {
            let offset = offset(SessionId::generate());
            assert!((0.5..=1.0).contains(&offset));
            tenths[(((offset - 0.5) * 20.0) as usize).min(9)] += 1;
        }
        assert!(
            tenths.iter().all(|count| (50..=150).contains(count)),
            "{tenths:?}"
        );
    }
}
