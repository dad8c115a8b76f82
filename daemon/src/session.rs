//! One live connection: a task that owns the socket, asks the pure [`state`] what to do, and does it.
//!
//! It waits for four things: the peer, word from the hub, a moment in time, and the stop of the daemon. What it then
//! has to say it gathers, and sends it before it waits again; so it never holds a lock while it waits, and a peer that
//! does not read delays nobody but itself: a send has a time limit, and what others leave meanwhile is bounded.

mod pace;
pub mod state;
pub mod transport;

use std::sync::Arc;
use std::time::Duration;

use protocol::message::{Ack, Heartbeat};
use protocol::{ClientId, ServerMessage, SessionId, Timestamp};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::app::App;
use crate::auth::Caller;
use crate::hub::EventsLost;
use crate::hub::follower::News;
use crate::hub::seat::{Calls, Seat};
use crate::hub::watching::Watching;
use crate::limit::{self, LimitKey};
use crate::ops;
use state::{Action, Input, Moment, Setup, State, World};
use transport::{Goodbye, Incoming, Transport};

/// How long one text may take to leave. The kernel takes about 100 KiB of it at once, so who needs longer does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Words of others that are taken from the outbox before the peer is listened to again.
const AT_A_TIME: usize = 64;
/// How long a peer that did not read may take to read why its session ended.
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

/// Runs a session to its end.
pub async fn run(app: Arc<App>, transport: impl Transport, visitor: Visitor) {
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
    let ending = session.work().await;
    // It is gone for everybody else before the goodbye, which may take its time.
    drop(joined);
    tracing::debug!(session.id = %session_id, ?ending, "a session ended");
    say_goodbye(session.transport, ending).await;
}

/// Tells a client over its connection limit so, and ends the connection.
pub async fn turn_away(
    mut transport: impl Transport,
    key: &LimitKey,
    details: &protocol::error::RateLimitDetails,
) {
    let message = limit::rate_limited(key, details, Timestamp::now());
    let text = ServerMessage::RateLimited(message).to_text().into();
    if let Ok(Ok(())) = tokio::time::timeout(SEND_TIMEOUT, transport.send(text)).await {
        let goodbye = Goodbye {
            code: 1013,
            reason: "too many connections",
        };
        transport.close(goodbye).await;
    }
}

/// A session at work. What it has to say is gathered first and sent in one place, so that the task stays small.
struct Session<T> {
    app: Arc<App>,
    transport: T,
    visitor: Visitor,
    seat: Arc<Seat>,
    state: State,
    watching: Option<Watching>,
    outgoing: Vec<Outgoing>,
    ending: Option<Ending>,
}

/// Something to be sent.
enum Outgoing {
    Text(Utf8Bytes),
    /// The question for a sign of life.
    Question,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// With a goodbye.
    Goodbye(Goodbye),
    /// Its peer does not read; what is left to say may be said if it begins to.
    Behind,
    /// Its peer is gone.
    Gone,
}

/// What a session was waiting for.
enum Event {
    Incoming(Incoming),
    Called(Calls),
    Tick,
    Stopped,
}

impl<T: Transport> Session<T> {
    async fn work(&mut self) -> Ending {
        self.apply(Input::Opened);
        loop {
            if let Err(ending) = self.send_outgoing().await {
                return ending;
            }
            if let Some(ending) = self.ending {
                return ending;
            }
            match self.wait().await {
                Event::Incoming(incoming) => {
                    // First what happened before: who sends PING may rely on having heard of it by the HEARTBEAT.
                    if let Some(calls) = self.seat.pending_calls() {
                        self.answer(calls);
                    }
                    self.take(incoming);
                }
                Event::Called(calls) => self.answer(calls),
                Event::Tick => self.apply(Input::Tick),
                Event::Stopped => self.apply(Input::Stopped),
            }
        }
    }

    async fn wait(&mut self) -> Event {
        let wakes_at = Instant::from_std(self.state.wakes_at(moment()));
        tokio::select! {
            incoming = self.transport.receive() => Event::Incoming(incoming),
            calls = self.seat.called() => Event::Called(calls),
            () = tokio::time::sleep_until(wakes_at) => Event::Tick,
            () = self.app.stop.cancelled() => Event::Stopped,
        }
    }

    async fn send_outgoing(&mut self) -> Result<(), Ending> {
        for outgoing in std::mem::take(&mut self.outgoing) {
            let transport = &mut self.transport;
            let sending = async {
                match outgoing {
                    Outgoing::Text(text) => transport.send(text).await,
                    Outgoing::Question => transport.ask_for_sign().await,
                }
            };
            match tokio::time::timeout(SEND_TIMEOUT, sending).await {
                Ok(Ok(())) => {}
                Ok(Err(transport::Gone)) => return Err(Ending::Gone),
                Err(_) => return Err(Ending::Behind),
            }
        }
        Ok(())
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Text(text) => {
                let limits = &self.app.limits;
                match limits.take_message(&self.visitor.limit_key, moment().instant) {
                    Ok(()) => self.apply(Input::Text(&text)),
                    Err(details) => self.apply(Input::TextOverLimit(details)),
                }
            }
            Incoming::Binary => self.apply(Input::Binary),
            Incoming::Sign => self.apply(Input::Sign),
            Incoming::Closed => self.apply(Input::Closed),
            Incoming::Failed(fault) => self.apply(Input::Failed(fault)),
        }
    }

    fn answer(&mut self, calls: Calls) {
        if calls.contains(Calls::IDENTITY) {
            let App { auth, store, .. } = &*self.app;
            match auth.recheck(store, &self.visitor.caller, Timestamp::now()) {
                Some(caller) => self.apply(Input::Recognised(caller.role)),
                None => self.apply(Input::TokenEnded),
            }
        }
        if calls.contains(Calls::NEWS) {
            self.apply(Input::Look);
        }
        if calls.contains(Calls::OUTBOX) {
            self.take_from_outbox();
        }
        if calls.contains(Calls::EVENTS) {
            self.read_events();
        }
    }

    /// Takes what others left for the client, unless it hears of it as a watcher anyway.
    fn take_from_outbox(&mut self) {
        if self.seat.has_overflown() {
            self.ending = Some(Ending::Behind);
            return;
        }
        for _ in 0..AT_A_TIME {
            let Some(event) = self.seat.next_event() else {
                return;
            };
            let is_covered = |watching: &Watching| watching.covers(&event);
            if !self.watching.as_ref().is_some_and(is_covered) {
                self.say_text(event.text_for_clients());
            }
        }
        self.seat.call(Calls::OUTBOX);
    }

    /// Takes a watcher's next page, and comes back for the one after it when the peer had a chance to speak.
    fn read_events(&mut self) {
        let Some(watching) = &mut self.watching else {
            return;
        };
        match self.app.hub.read_watch(watching) {
            Ok(page) if page.is_empty() => {}
            Ok(page) => {
                self.seat.call(Calls::EVENTS);
                self.outgoing.extend(page.into_iter().map(Outgoing::Text));
            }
            Err(EventsLost) => self.ending = Some(Ending::Behind),
        }
    }

    fn apply(&mut self, input: Input<'_>) {
        let world = World {
            catalog: &self.app.store.catalog(),
            channels: &self.app.config.channels,
            now: moment(),
        };
        let actions = self.state.apply(input, &world, &mut self.seat.follower());
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(message) => self.say(&message),
            Action::SendHeartbeat => self.say(&ServerMessage::Heartbeat(Heartbeat {
                timestamp: Timestamp::now(),
                connected_clients: self.app.hub.connected_sessions(),
            })),
            Action::SendRateLimited(details) => {
                let key = &self.visitor.limit_key;
                let message = limit::rate_limited(key, &details, Timestamp::now());
                let client_id = self.visitor.client_id.as_ref();
                self.app.hub.rate_limited(client_id, message.clone());
                self.say(&ServerMessage::RateLimited(message));
            }
            Action::Tell(news) => self.tell(news),
            Action::AskForSign => self.outgoing.push(Outgoing::Question),
            Action::Register => self.app.hub.registered(&self.seat, Timestamp::now()),
            Action::Report(client_id, report) => {
                let from = self.seat.session_id();
                ops::reports::report(&self.app, &client_id, report, Some(from));
            }
            Action::Watch { filter, since, id } => {
                let watching = self.app.hub.watch(&self.seat, filter, since);
                let (seq, oldest_seq) = (Some(watching.seq), Some(watching.oldest_seq));
                self.watching = Some(watching);
                if let Some(id) = id {
                    self.say(&ServerMessage::Ack(Ack {
                        id,
                        seq,
                        oldest_seq,
                    }));
                }
            }
            Action::Unwatch => {
                self.app.hub.unwatch(&self.seat);
                self.watching = None;
            }
            Action::End(goodbye) => self.ending = Some(Ending::Goodbye(goodbye)),
            Action::Abandon => self.ending = Some(Ending::Gone),
        }
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Offer {
                release,
                is_rollback,
            } => {
                let is_extended = self.seat.follower().is_extended();
                let is_rollback = (is_rollback && is_extended).then_some(true);
                let hub = &self.app.hub;
                let text = hub.announcement(&release, is_rollback, Timestamp::now());
                self.say_text(text);
            }
            News::Issue { release: _, issue } => {
                if let Some(client_id) = &issue.client_id {
                    self.app.hub.compatibility_issue(client_id, issue.clone());
                }
                self.say(&ServerMessage::CompatibilityIssue(issue));
            }
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        self.say_text(message.to_text().into());
    }

    fn say_text(&mut self, text: Utf8Bytes) {
        self.outgoing.push(Outgoing::Text(text));
    }
}

/// Ends a connection; for everybody else the session is gone already.
async fn say_goodbye(mut transport: impl Transport, ending: Ending) {
    match ending {
        Ending::Goodbye(goodbye) => transport.close(goodbye).await,
        Ending::Behind => {
            let (message, goodbye) = state::farewell_to_slow_consumer(Timestamp::now());
            let farewell = async {
                if transport.send(message.to_text().into()).await.is_ok() {
                    transport.close(goodbye).await;
                }
            };
            // Who does not come to read it in time has nothing lost by it.
            let _ = tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await;
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

    /// The size of the future that a function would return.
    fn future_bytes<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_session_is_a_small_task() {
        let run_websocket =
            |app, transport: transport::WebSocket, visitor| run(app, transport, visitor);
        let bytes = future_bytes(run_websocket);
        assert!(
            bytes <= 3072,
            "{bytes} bytes for each of ten thousand sessions"
        );
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
