//! The loop of one session: wait, decide, say, until there is a reason to end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use protocol::Timestamp;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::state::{Input, State};
use super::transport::{self, Goodbye, Incoming, Transport};
use super::{Visitor, moment};
use crate::app::App;
use crate::hub::EventsLost;
use crate::hub::seat::{Calls, Seat};
use crate::hub::watching::Watching;

/// How long one text may take to leave. The kernel takes about 100 KiB of it at once, so who needs longer does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Words of others that are taken from the outbox before the peer is listened to again.
const AT_A_TIME: usize = 64;

/// A session at work. What it has to say is gathered first and sent in one place, so that the task stays small.
pub(super) struct Session<T> {
    pub(super) app: Arc<App>,
    pub(super) transport: T,
    pub(super) visitor: Visitor,
    pub(super) seat: Arc<Seat>,
    pub(super) state: State,
    /// In a box, since hardly any session watches.
    pub(super) watching: Option<Box<Watching>>,
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) ending: Option<Ending>,
}

/// Something to be sent.
pub(super) enum Outgoing {
    Text(Utf8Bytes),
    /// The question for a sign of life.
    Question,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
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
}

impl<T: Transport> Session<T> {
    /// Works until the session has to end.
    pub(super) async fn work(&mut self) -> Ending {
        self.apply(Input::Opened);
        // Who joined after the hub had called everybody sees it here.
        if self.app.stop.is_cancelled() {
            self.apply(Input::Stopped);
        }
        let mut alarm = pin!(tokio::time::sleep_until(self.wakes_at()));
        loop {
            if let Err(ending) = self.send_outgoing(alarm.as_mut()).await {
                return ending;
            }
            if let Some(ending) = self.ending {
                return ending;
            }
            let wakes_at = self.wakes_at();
            // Hardly ever does a message change when the session has to act next, and a timer is costly to move.
            if alarm.deadline() != wakes_at {
                alarm.as_mut().reset(wakes_at);
            }
            match self.wait(alarm.as_mut()).await {
                Event::Incoming(incoming) => {
                    // First what happened before: who sends PING may rely on having heard of it by the HEARTBEAT.
                    if let Some(calls) = self.seat.pending_calls() {
                        self.answer(calls);
                    }
                    self.take(incoming);
                }
                Event::Called(calls) => self.answer(calls),
                Event::Tick => self.apply(Input::Tick),
            }
        }
    }

    fn wakes_at(&self) -> Instant {
        Instant::from_std(self.state.wakes_at(moment()))
    }

    async fn wait(&mut self, alarm: Pin<&mut Sleep>) -> Event {
        tokio::select! {
            incoming = self.transport.receive() => Event::Incoming(incoming),
            calls = self.seat.called() => Event::Called(calls),
            () = alarm => Event::Tick,
        }
    }

    /// Says what there is to say. The alarm is borrowed for the time limit, and only moved where a send has to wait.
    async fn send_outgoing(&mut self, mut alarm: Pin<&mut Sleep>) -> Result<(), Ending> {
        for outgoing in std::mem::take(&mut self.outgoing) {
            let transport = &mut self.transport;
            let sending = match outgoing {
                Outgoing::Text(text) => Either::Left(transport.send(text)),
                Outgoing::Question => Either::Right(transport.ask_for_sign()),
            };
            let too_late = async {
                alarm.as_mut().reset(Instant::now() + SEND_TIMEOUT);
                alarm.as_mut().await;
            };
            tokio::select! {
                biased;
                sent = sending => match sent {
                    Ok(()) => {}
                    Err(transport::Gone) => return Err(Ending::Gone),
                },
                () = too_late => return Err(Ending::Behind),
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
                Some(caller) => {
                    let role = caller.role;
                    self.visitor.caller = caller;
                    self.apply(Input::Recognised(role));
                }
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
        if calls.contains(Calls::STOP) {
            self.apply(Input::Stopped);
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
            let watching = self.watching.as_ref();
            if !watching.is_some_and(|watching| watching.covers(&event)) {
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
}
