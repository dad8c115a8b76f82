//! The reference desktop client: hears of a release, installs it, says so, and listens on.
//!
//! An announcement only wakes it up. What to install is always asked by HTTP, so that nothing depends on having
//! heard every message: after a break, a restart or a missed announcement the answer is the same.

use std::time::Duration;

use protocol::message::CompatibilityIssue;
use protocol::{ClientMessage, ServerMessage, Version};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use crate::live::{Event, LiveSender};
use crate::state::State;
use crate::update::{Offer, Updated, result};
use crate::{Backoff, Error, Live, Session, Updater};

/// How long to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One update, or the knowledge that there is none.
    Once,
    /// For ever.
    Forever,
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

/// Follows the daemon and keeps the application up to date. Gives back the last update that was made.
///
/// # Errors
/// The token does not count, another updater works in the folder; and, with [`Until::Once`], whatever kept the update
/// from being made.
pub async fn follow(
    updater: &Updater,
    until: Until,
    tell: Tell<'_>,
) -> Result<Option<Updated>, Error> {
    let _lock = updater.app.lock()?;
    let mut follower = Follower {
        live: Live::start(updater.daemon.clone(), session(updater)?),
        updater,
        until,
        last: None,
        backoff: Backoff::new().with_bounds(FIRST_RETRY, LAST_RETRY),
        pending: Vec::new(),
    };
    let outcome = follower.run(tell).await;
    let Follower { live, last, .. } = follower;
    live.close().await;
    outcome.map(|()| last)
}

fn session(updater: &Updater) -> Result<Session, Error> {
    Ok(Session {
        register: Some(updater.register(updater.version()?)),
        channels: vec![updater.channel.clone()],
        watch: None,
    })
}

struct Follower<'a> {
    updater: &'a Updater,
    until: Until,
    live: Live,
    last: Option<Updated>,
    backoff: Backoff,
    /// What came over the line while an update was made.
    pending: Vec<Event>,
}

impl Follower<'_> {
    async fn run(&mut self, tell: Tell<'_>) -> Result<(), Error> {
        let mut next_check: Option<Instant> = None;
        loop {
            let event = match self.pending.pop() {
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
            next_check = match self.check_and_update(tell).await {
                Ok(()) if self.until == Until::Once => return Ok(()),
                Ok(()) => {
                    self.backoff.reset();
                    Some(Instant::now() + POLL)
                }
                Err(error) if self.until == Until::Once || is_final(&error) => return Err(error),
                // The session says the same in its own words.
                Err(Error::Incompatible { .. }) => Some(Instant::now() + POLL),
                Err(error) => {
                    let wait = self.backoff.next_wait();
                    tell(Happening::Failed { error, wait });
                    Some(Instant::now() + wait)
                }
            };
        }
    }

    /// The next event; `None` when it is time to ask.
    async fn wait(&mut self, next_check: Option<Instant>) -> Result<Option<Event>, Error> {
        let clock = async {
            match next_check {
                Some(moment) => tokio::time::sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.live.next() => match event {
                Some(event) => event.map(Some),
                None => Err(Error::Abandoned),
            },
            () = clock => Ok(None),
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
        let outcome = self.update(&offer, tell).await;
        let sender = self.live.sender();
        deliver(self.updater, &sender, result(&offer, &outcome)).await;
        let updated = outcome?;
        tell(Happening::Updated(updated.clone()));
        // The session goes on under the new version; so do later ones.
        let register = self.updater.register(updated.staged.version.clone());
        if let Err(error) = sender.say(ClientMessage::Register(register)).await {
            debug!(%error, "the new version is said at the next connect");
        }
        self.last = Some(updated);
        Ok(())
    }

    /// Updates, reports each step, and keeps reading the line meanwhile.
    async fn update(&mut self, offer: &Offer, tell: Tell<'_>) -> Result<Updated, Error> {
        let (reports, mut queue) = mpsc::channel(16);
        let sender = self.live.sender();
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
                if let Err(error) = sender.say(report).await {
                    debug!(%error, "a report was not heard");
                }
            }
        };
        let both = async { tokio::join!(working, reporting).0 };
        tokio::pin!(both);
        loop {
            tokio::select! {
                outcome = &mut both => return outcome,
                event = self.live.next() => match event {
                    Some(Ok(event)) if is_worth_keeping(&event) => self.pending.push(event),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Err(Error::Abandoned),
                }
            }
        }
    }
}

/// Our own progress comes back to us; everything else is looked at after the update.
fn is_worth_keeping(event: &Event) -> bool {
    !matches!(
        event,
        Event::Message(ServerMessage::DownloadProgress(_) | ServerMessage::Heartbeat(_))
    )
}

/// The end of an update is worth two ways: the session, and HTTP.
async fn deliver(updater: &Updater, sender: &LiveSender, report: ClientMessage) {
    if sender.say(report.clone()).await.is_ok() {
        return;
    }
    if let Err(error) = updater.daemon.report(&updater.client_id, &report).await {
        debug!(%error, "the end of the update could not be reported");
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
