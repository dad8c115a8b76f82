//! The reference desktop client: hears of a release, installs it, says so, and listens on.
//!
//! An announcement only wakes it up. What to install is always asked by HTTP, so that nothing depends on having
//! heard every message: after a break, a restart or a missed announcement the answer is the same.

mod line;

use std::collections::VecDeque;
use std::time::Duration;

use protocol::message::CompatibilityIssue;
use protocol::{ServerMessage, Version};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::install::HeldBack;
use crate::live::Event;
use crate::state::State;
use crate::update::{Offer, Updated, result};
use crate::{Backoff, Error, Updater};
use line::Line;

/// How long to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One update, or the knowledge that there is none.
    Once,
    /// For ever.
    Forever,
}

/// How to hear of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// By a live session, at once; while it does not stand, by asking every quarter of an hour.
    Session,
    /// By asking alone, about this often.
    Polling(Duration),
}

/// What the follower does, for a line on a screen.
#[derive(Debug)]
pub enum Happening {
    /// The session stands.
    Connected,
    /// It broke, or could not be made; it comes back by itself.
    Waiting {
        /// Why.
        reason: String,
        /// How long until the next try.
        wait: Duration,
    },
    /// Nothing to install.
    UpToDate(Version),
    /// What is offered did not work here, or was left by the user.
    HeldBack(HeldBack),
    /// The update goes on.
    Update(State),
    /// The update is done.
    Updated(Updated),
    /// It could not be made, or not even asked for; it is tried again after `wait`.
    Failed {
        /// Why.
        error: Error,
        /// How long until the next try.
        wait: Duration,
    },
    /// The daemon has something newer that cannot be installed from here.
    Blocked(CompatibilityIssue),
}

/// Where a follower tells what happens.
pub type Tell<'a> = &'a mut (dyn FnMut(Happening) + Send);

/// Waits between tries of an update that failed.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LAST_RETRY: Duration = Duration::from_secs(60 * 60);

/// A session that is not there, such as behind a proxy without WebSocket, is made up for by asking this often.
const POLL: Duration = Duration::from_secs(15 * 60);

/// The first question waits for the session, so that its steps are told there; but not for longer.
const FIRST_CHECK: Duration = Duration::from_secs(5);

/// What is kept of the line while an update is made. Whoever says more says the same again: one word is enough to ask.
const PENDING: usize = 64;

/// Follows the daemon and keeps the application up to date. Gives back the last update that was made.
///
/// # Errors
/// The token does not count, another updater works in the folder; and, with [`Until::Once`], whatever kept the update
/// from being made.
pub async fn follow(
    updater: &Updater,
    until: Until,
    hearing: Hearing,
    tell: Tell<'_>,
) -> Result<Option<Updated>, Error> {
    let _lock = updater.app.lock()?;
    let (line, poll, first) = match hearing {
        Hearing::Session => (Line::live(updater)?, POLL, FIRST_CHECK),
        Hearing::Polling(interval) => (Line::Silent, interval, Duration::ZERO),
    };
    let mut follower = Follower {
        line,
        updater,
        until,
        poll,
        last: None,
        backoff: Backoff::new().with_bounds(FIRST_RETRY.min(poll), LAST_RETRY),
        not_before: None,
        pending: VecDeque::new(),
    };
    let outcome = follower.run(Instant::now() + first, tell).await;
    let Follower { line, last, .. } = follower;
    line.close().await;
    outcome.map(|()| last)
}

struct Follower<'a> {
    updater: &'a Updater,
    until: Until,
    line: Line,
    poll: Duration,
    last: Option<Updated>,
    backoff: Backoff,
    /// The daemon asked not to be asked sooner.
    not_before: Option<Instant>,
    /// What came over the line while an update was made.
    pending: VecDeque<Event>,
}

impl Follower<'_> {
    async fn run(&mut self, first_check: Instant, tell: Tell<'_>) -> Result<(), Error> {
        let mut next_check = first_check;
        loop {
            let event = match self.pending.pop_front() {
                Some(event) => Some(event),
                None => self.wait(next_check).await?,
            };
            let is_due = match event {
                None => true,
                Some(event) => self.note(event, tell),
            };
            if !is_due {
                continue;
            }
            if let Some(moment) = self.not_before.filter(|moment| *moment > Instant::now()) {
                next_check = moment;
                continue;
            }
            next_check = match self.check_and_update(tell).await {
                Ok(()) if self.until == Until::Once => return Ok(()),
                Ok(()) => {
                    self.backoff.reset();
                    Instant::now() + spread(self.poll)
                }
                Err(error) if self.until == Until::Once || is_final(&error) => return Err(error),
                // The session says the same in its own words.
                Err(Error::Incompatible { .. }) if matches!(self.line, Line::Live(_)) => {
                    Instant::now() + spread(self.poll)
                }
                Err(error) => {
                    let asked = error.retry_after().is_some();
                    let wait = self.backoff.next_wait_for(&error);
                    tell(Happening::Failed { error, wait });
                    let moment = Instant::now() + wait;
                    self.not_before = asked.then_some(moment);
                    moment
                }
            };
        }
    }

    /// The next event; `None` when it is time to ask.
    async fn wait(&mut self, next_check: Instant) -> Result<Option<Event>, Error> {
        tokio::select! {
            event = self.line.next() => event.map(Some),
            () = tokio::time::sleep_until(next_check) => Ok(None),
        }
    }

    /// Whether an event is a reason to ask what to install.
    fn note(&mut self, event: Event, tell: Tell<'_>) -> bool {
        match event {
            Event::Ready => {
                tell(Happening::Connected);
                true
            }
            Event::Message(ServerMessage::NewVersionAvailable(_)) => true,
            Event::Message(ServerMessage::CompatibilityIssue(issue)) => {
                tell(Happening::Blocked(issue));
                false
            }
            Event::Waiting { reason, wait, .. } => {
                tell(Happening::Waiting { reason, wait });
                // One update needs no session; whether there is a daemon at all, the check tells.
                self.until == Until::Once
            }
            Event::Connected(_) | Event::Message(_) | Event::Gap => false,
        }
    }

    async fn check_and_update(&mut self, tell: Tell<'_>) -> Result<(), Error> {
        let Some(offer) = self.updater.check().await? else {
            tell(Happening::UpToDate(self.updater.version()?));
            return Ok(());
        };
        if let Some(held) = self.updater.held_back(&offer.to)? {
            tell(Happening::HeldBack(held));
            return Ok(());
        }
        let outcome = self.update(&offer, tell).await;
        let reporter = self.line.reporter(self.updater);
        reporter.report(result(&offer, &outcome)).await;
        let updated = outcome?;
        tell(Happening::Updated(updated.clone()));
        self.last = Some(updated);
        reporter.register_again().await
    }

    /// Updates, reports each step, and keeps reading the line meanwhile.
    async fn update(&mut self, offer: &Offer, tell: Tell<'_>) -> Result<Updated, Error> {
        let (reports, mut queue) = mpsc::channel(16);
        let reporter = self.line.reporter(self.updater);
        let updater = self.updater;
        let working = async move {
            let mut on_change = |state: &State| {
                // A report that finds the queue full is passed over: a newer one follows.
                if let Some(report) = state.report() {
                    reports.try_send(report).ok();
                }
                tell(Happening::Update(state.clone()));
            };
            updater.update(offer, &mut on_change).await
        };
        let reporting = async {
            while let Some(report) = queue.recv().await {
                reporter.report(report).await;
            }
        };
        let both = async { tokio::join!(working, reporting).0 };
        tokio::pin!(both);
        loop {
            tokio::select! {
                outcome = &mut both => return outcome,
                event = self.line.next() => {
                    let event = event?;
                    if is_worth_keeping(&event) {
                        self.pending.truncate(PENDING - 1);
                        self.pending.push_back(event);
                    }
                }
            }
        }
    }
}

/// Between nine and eleven tenths of it, so that a fleet that was started together does not ask together for ever.
pub(crate) fn spread(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// What is looked at after the update; our own progress, which comes back to us, is not.
fn is_worth_keeping(event: &Event) -> bool {
    match event {
        Event::Ready | Event::Waiting { .. } => true,
        Event::Message(message) => matches!(
            message,
            ServerMessage::NewVersionAvailable(_) | ServerMessage::CompatibilityIssue(_)
        ),
        Event::Connected(_) | Event::Gap => false,
    }
}

fn is_final(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(
            protocol::Code::Unauthorized
                | protocol::Code::Forbidden
                | protocol::Code::AuthenticationFailed
        )
    ) || matches!(error, Error::Layout { .. })
}
