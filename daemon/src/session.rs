//! One live connection: a task that owns the socket, asks the pure [`state`] what to do, and does it.
//!
//! It waits for four things: the peer, word from the hub, a moment in time, and the stop of the daemon. It never
//! holds a lock while it waits, and a peer that does not read delays nobody but itself: a send has a time limit.

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
        transport,
        visitor,
        app,
    };
    tracing::debug!(session.id = %session_id, "a session began");
    let ending = session.work().await;
    // It is gone for everybody else before the goodbye, which may take its time.
    drop(joined);
    tracing::debug!(session.id = %session_id, ?ending, "a session ended");
    session.say_goodbye(ending).await;
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

struct Session<T> {
    app: Arc<App>,
    transport: T,
    visitor: Visitor,
    seat: Arc<Seat>,
    state: State,
    watching: Option<Watching>,
}

/// How a session came to its end.
#[derive(Clone, Debug, PartialEq)]
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
    Input(Input<'static>),
}

impl<T: Transport> Session<T> {
    async fn work(&mut self) -> Ending {
        let Err(ending) = self.try_work().await;
        ending
    }

    async fn try_work(&mut self) -> Result<std::convert::Infallible, Ending> {
        self.apply(Input::Opened).await?;
        loop {
            let wakes_at = Instant::from_std(self.state.wakes_at(moment()));
            let event = tokio::select! {
                incoming = self.transport.receive() => Event::Incoming(incoming),
                calls = self.seat.called() => Event::Called(calls),
                () = tokio::time::sleep_until(wakes_at) => Event::Input(Input::Tick),
                () = self.app.stop.cancelled() => Event::Input(Input::Stopped),
            };
            match event {
                Event::Incoming(incoming) => self.take(incoming).await?,
                Event::Called(calls) => self.answer(calls).await?,
                Event::Input(input) => self.apply(input).await?,
            }
        }
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), Ending> {
        match incoming {
            Incoming::Text(text) => {
                let limits = &self.app.limits;
                match limits.take_message(&self.visitor.limit_key, moment().instant) {
                    Ok(()) => self.apply(Input::Text(&text)).await,
                    Err(details) => self.apply(Input::TextOverLimit(details)).await,
                }
            }
            Incoming::Binary => self.apply(Input::Binary).await,
            Incoming::Sign => self.apply(Input::Sign).await,
            Incoming::Closed => self.apply(Input::Closed).await,
            Incoming::Failed(fault) => self.apply(Input::Failed(fault)).await,
        }
    }

    async fn answer(&mut self, calls: Calls) -> Result<(), Ending> {
        if calls.contains(Calls::IDENTITY) {
            let App { auth, store, .. } = &*self.app;
            let input = match auth.recheck(store, &self.visitor.caller, Timestamp::now()) {
                Some(caller) => Input::Recognised(caller.role),
                None => Input::TokenEnded,
            };
            self.apply(input).await?;
        }
        if calls.contains(Calls::NEWS) {
            self.apply(Input::Look).await?;
        }
        if calls.contains(Calls::OUTBOX) {
            self.empty_outbox().await?;
        }
        if calls.contains(Calls::EVENTS) {
            self.read_events().await?;
        }
        Ok(())
    }

    /// Sends what others left for the client, unless it hears of it as a watcher anyway.
    async fn empty_outbox(&mut self) -> Result<(), Ending> {
        while let Some(event) = self.seat.next_event() {
            let is_covered = |watching: &Watching| watching.covers(&event);
            if !self.watching.as_ref().is_some_and(is_covered) {
                self.send(event.text_for_clients()).await?;
            }
        }
        match self.seat.has_overflown() {
            true => Err(Ending::Behind),
            false => Ok(()),
        }
    }

    /// Sends a watcher its next page, and comes back for the one after it when the peer had a chance to speak.
    async fn read_events(&mut self) -> Result<(), Ending> {
        let Some(watching) = &mut self.watching else {
            return Ok(());
        };
        let page = self.app.hub.read_watch(watching);
        let page = page.map_err(|EventsLost| Ending::Behind)?;
        if !page.is_empty() {
            self.seat.call(Calls::EVENTS);
        }
        for text in page {
            self.send(text).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, input: Input<'_>) -> Result<(), Ending> {
        let actions = {
            let world = World {
                catalog: &self.app.store.catalog(),
                channels: &self.app.config.channels,
                now: moment(),
            };
            self.state.apply(input, &world, &mut self.seat.follower())
        };
        for action in actions {
            self.perform(action).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, action: Action) -> Result<(), Ending> {
        match action {
            Action::Send(message) => self.send_message(&message).await,
            Action::SendHeartbeat => {
                let message = Heartbeat {
                    timestamp: Timestamp::now(),
                    connected_clients: self.app.hub.connected_sessions(),
                };
                self.send_message(&ServerMessage::Heartbeat(message)).await
            }
            Action::SendRateLimited(details) => {
                let key = &self.visitor.limit_key;
                let message = limit::rate_limited(key, &details, Timestamp::now());
                let client_id = self.visitor.client_id.as_ref();
                self.app.hub.rate_limited(client_id, message.clone());
                self.send_message(&ServerMessage::RateLimited(message))
                    .await
            }
            Action::Tell(news) => self.tell(news).await,
            Action::AskForSign => {
                let asking = self.transport.ask_for_sign();
                in_time(asking).await
            }
            Action::Register => {
                self.app.hub.registered(&self.seat, Timestamp::now());
                Ok(())
            }
            Action::Report(client_id, report) => {
                let from = self.seat.session_id();
                ops::reports::report(&self.app, &client_id, report, Some(from));
                Ok(())
            }
            Action::Watch { filter, since, id } => {
                let watching = self.app.hub.watch(&self.seat, filter, since);
                let (seq, oldest_seq) = (Some(watching.seq), Some(watching.oldest_seq));
                self.watching = Some(watching);
                let Some(id) = id else { return Ok(()) };
                let ack = Ack {
                    id,
                    seq,
                    oldest_seq,
                };
                self.send_message(&ServerMessage::Ack(ack)).await
            }
            Action::Unwatch => {
                self.app.hub.unwatch(&self.seat);
                self.watching = None;
                Ok(())
            }
            Action::End(goodbye) => Err(Ending::Goodbye(goodbye)),
            Action::Abandon => Err(Ending::Gone),
        }
    }

    async fn tell(&mut self, news: News) -> Result<(), Ending> {
        match news {
            News::Offer {
                release,
                is_rollback,
            } => {
                let is_extended = self.seat.follower().is_extended();
                let is_rollback = (is_rollback && is_extended).then_some(true);
                let hub = &self.app.hub;
                let text = hub.announcement(&release, is_rollback, Timestamp::now());
                self.send(text).await
            }
            News::Issue { release: _, issue } => {
                if let Some(client_id) = &issue.client_id {
                    self.app.hub.compatibility_issue(client_id, issue.clone());
                }
                self.send_message(&ServerMessage::CompatibilityIssue(issue))
                    .await
            }
        }
    }

    async fn send_message(&mut self, message: &ServerMessage) -> Result<(), Ending> {
        self.send(message.to_text().into()).await
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Ending> {
        in_time(self.transport.send(text)).await
    }

    async fn say_goodbye(&mut self, ending: Ending) {
        match ending {
            Ending::Goodbye(goodbye) => self.transport.close(goodbye).await,
            Ending::Behind => {
                let farewell = self.say_why_it_was_too_slow();
                let _ = tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await;
            }
            Ending::Gone => {}
        }
    }

    async fn say_why_it_was_too_slow(&mut self) {
        let (message, goodbye) = state::farewell_to_slow_consumer(Timestamp::now());
        if self.transport.send(message.to_text().into()).await.is_ok() {
            self.transport.close(goodbye).await;
        }
    }
}

async fn in_time(sending: impl Future<Output = Result<(), transport::Gone>>) -> Result<(), Ending> {
    match tokio::time::timeout(SEND_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(transport::Gone)) => Err(Ending::Gone),
        Err(_) => Err(Ending::Behind),
    }
}

/// A place in the heartbeat interval that no two sessions share: their ids are random.
fn offset(session_id: SessionId) -> f64 {
    let digits = session_id.to_string();
    let random = digits
        .get(..8)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    f64::from(random.unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

fn moment() -> Moment {
    Moment {
        instant: Instant::now().into_std(),
        time: Timestamp::now(),
    }
}
