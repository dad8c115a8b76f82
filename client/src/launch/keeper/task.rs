//! The keeper at work: listens, asks, fetches, and tells.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use protocol::message::InstallationReport;
use protocol::{ClientMessage, ServerMessage, Version};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::News;
use crate::follow::spread;
use crate::install::result;
use crate::launch::Happening;
use crate::launch::fetch::{Fetched, Wanted, fetch};
use crate::launch::talker::Word;
use crate::live::Event;
use crate::state::State;
use crate::{Backoff, Error, Live, Updater};

/// Without a session the daemon is asked this soon, and then as often as one that follows it.
const FIRST_CHECK: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_secs(15 * 60);

/// Waits between tries of an update that failed.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LAST_RETRY: Duration = Duration::from_secs(60 * 60);

/// What it follows, and what it has told already.
pub(super) struct Task {
    updater: Updater,
    live: Live,
    news: mpsc::Sender<News>,
    words: mpsc::Sender<Word>,
    backoff: Backoff,
    next_check: Instant,
    /// The daemon asked not to be asked sooner.
    not_before: Option<Instant>,
    /// The version that is held back and was told of.
    held: Option<Version>,
    /// The version that is staged and was told of.
    staged: Option<Version>,
    said_up_to_date: bool,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Fetched, Error>> + Send>>;

impl Task {
    pub(super) fn new(
        updater: Updater,
        live: Live,
        news: mpsc::Sender<News>,
        words: mpsc::Sender<Word>,
    ) -> Self {
        Self {
            updater,
            live,
            news,
            words,
            backoff: Backoff::new().with_bounds(FIRST_RETRY, LAST_RETRY),
            next_check: Instant::now() + FIRST_CHECK,
            not_before: None,
            held: None,
            staged: None,
            said_up_to_date: false,
        }
    }

    /// Ends when the launcher does, or when the daemon says that trying again is no use.
    pub(super) async fn run(mut self, mut wanted: mpsc::Receiver<Wanted>) {
        let mut fetching: Option<(Wanted, Fetching)> = None;
        // What became due while something was fetched.
        let mut next: Option<Wanted> = None;
        loop {
            if fetching.is_none()
                && let Some(wanted) = next.take()
            {
                let future = self.fetch(wanted.clone());
                fetching = Some((wanted, future));
            }
            let due = tokio::select! {
                event = self.live.next() => match event {
                    Some(Ok(event)) => self.note(event).await,
                    Some(Err(error)) => {
                        self.tell(Happening::Refused(error)).await;
                        return;
                    }
                    None => return,
                },
                order = wanted.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
                (wanted, fetched) = finished(&mut fetching) => {
                    fetching = None;
                    self.fetched(&wanted, fetched).await;
                    None
                }
                () = tokio::time::sleep_until(self.next_check), if fetching.is_none() => {
                    self.say(Word::Unsent);
                    Some(Wanted::Offer)
                }
            };
            next = self.sorted(due, next);
        }
    }

    /// What to fetch next: what the user wants is not replaced by what would be asked anyway, and only the user asks
    /// sooner than the daemon likes.
    fn sorted(&self, due: Option<Wanted>, next: Option<Wanted>) -> Option<Wanted> {
        let is_too_soon = self
            .not_before
            .is_some_and(|moment| moment > Instant::now());
        match due {
            Some(Wanted::Offer) if next.is_some() || is_too_soon => next,
            Some(due) => Some(due),
            None => next,
        }
    }

    /// What an event is a reason to fetch.
    async fn note(&mut self, event: Event) -> Option<Wanted> {
        match event {
            Event::Ready => {
                self.tell(Happening::Connected).await;
                self.say(Word::Unsent);
                Some(Wanted::Offer)
            }
            Event::Message(ServerMessage::NewVersionAvailable(_)) => Some(Wanted::Offer),
            Event::Message(ServerMessage::CompatibilityIssue(issue)) => {
                self.tell(Happening::Blocked(issue)).await;
                None
            }
            Event::Message(ServerMessage::InstallationCompleted(completed)) => {
                // The application's word. What we said by HTTP comes back to us as well, and says nothing new.
                if completed.success && completed.client_id == self.updater.client_id {
                    self.news
                        .send(News::Confirmed(completed.version))
                        .await
                        .ok();
                }
                None
            }
            Event::Waiting { reason, wait, .. } => {
                self.tell(Happening::Waiting { reason, wait }).await;
                None
            }
            Event::Connected(_) | Event::Message(_) | Event::Gap => None,
        }
    }

    fn fetch(&self, wanted: Wanted) -> Fetching {
        let (updater, news, words) = (self.updater.clone(), self.news.clone(), self.words.clone());
        Box::pin(async move {
            let from = updater.version().unwrap_or(Version::ZERO);
            let mut on_change = |state: &State| {
                let report = match state {
                    State::Failed { version, reason } => {
                        let failed = result(version, from.clone(), false, reason);
                        Some(ClientMessage::InstallationCompleted(failed))
                    }
                    state => state.report(),
                };
                if let Some(report) = report {
                    words.try_send(Word::Progress(report)).ok();
                }
                news.try_send(News::Tell(Happening::Update(state.clone())))
                    .ok();
            };
            fetch(&updater, &wanted, &mut on_change).await
        })
    }

    async fn fetched(&mut self, wanted: &Wanted, fetched: Result<Fetched, Error>) {
        self.next_check = Instant::now() + spread(POLL);
        match fetched {
            Ok(fetched) => {
                self.backoff.reset();
                self.arrived(wanted, fetched).await;
            }
            // The session says the same in its own words.
            Err(Error::Incompatible { .. }) => {}
            Err(error) => {
                let asked = error.retry_after().is_some();
                let wait = self.backoff.next_wait_for(&error);
                self.next_check = Instant::now() + wait;
                self.not_before = asked.then_some(self.next_check);
                self.tell(Happening::Failed { error, wait }).await;
            }
        }
    }

    async fn arrived(&mut self, wanted: &Wanted, fetched: Fetched) {
        let is_up_to_date = matches!(fetched, Fetched::UpToDate);
        let was_up_to_date = std::mem::replace(&mut self.said_up_to_date, is_up_to_date);
        match fetched {
            Fetched::UpToDate if was_up_to_date && *wanted == Wanted::Offer => {}
            Fetched::UpToDate => self.tell(Happening::UpToDate).await,
            Fetched::HeldBack(held) => {
                if self.held.replace(held.version.clone()).as_ref() != Some(&held.version) {
                    self.tell(Happening::HeldBack(held)).await;
                }
            }
            Fetched::Staged(staged) => {
                let version = &staged.version;
                if self.staged.replace(version.clone()).as_ref() != Some(version) {
                    let words = "Verified; it waits for the next start";
                    self.say(Word::Progress(progress(version, "staged", 50, words)));
                }
                let is_asked = *wanted != Wanted::Offer;
                self.news.send(News::Staged { staged, is_asked }).await.ok();
            }
        }
    }

    async fn tell(&self, happening: Happening) {
        self.news.send(News::Tell(happening)).await.ok();
    }

    fn say(&self, word: Word) {
        self.words.try_send(word).ok();
    }
}

/// Waits for what is being fetched, for ever where nothing is.
async fn finished(fetching: &mut Option<(Wanted, Fetching)>) -> (Wanted, Result<Fetched, Error>) {
    match fetching {
        Some((wanted, future)) => {
            let fetched = future.await;
            (wanted.clone(), fetched)
        }
        None => std::future::pending().await,
    }
}

/// A step of an installation, as the fleet's watchers hear of it.
pub(in crate::launch) fn progress(
    version: &Version,
    phase: &str,
    progress_percentage: u8,
    operation: &str,
) -> ClientMessage {
    ClientMessage::InstallationProgress(InstallationReport {
        version: version.clone(),
        phase: phase.to_owned(),
        progress_percentage,
        current_operation: operation.to_owned(),
    })
}
