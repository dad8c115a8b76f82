//! One run of a launcher: joins what the supervisor decides to a process, a folder and the keeper.
//!
//! Its one task reads and writes files itself: each step has to be durable before the next, and nothing but the
//! application waits for it.

use std::time::{Duration, Instant};

use protocol::{ClientId, Version};

use super::desk::Desk;
use super::fetch::Wanted;
use super::keeper::{Keeper, News, progress};
use super::process::{Application, Java, Signals, Told};
use super::supervisor::{Action, Confirmation, Input, Rules, Supervisor};
use super::talker::Word;
use super::{Happening, Tell};
use crate::install::{Current, Request};
use crate::{Error, Updater};

/// How often requests of other processes are looked for, and how often confirmations.
const IDLE_TICK: Duration = Duration::from_millis(500);
const TRIAL_TICK: Duration = Duration::from_millis(100);

/// A launcher with something to start.
pub(super) struct Launcher {
    java: Java,
    client_id: Option<ClientId>,
    supervisor: Supervisor,
    current: Current,
    keeper: Option<Keeper>,
    desk: Desk,
    /// The version for which the application was stopped. Once: where the switch fails, such as on a full disk, a
    /// mandatory one waits for the next start like any other.
    tried: Option<Version>,
}

impl Launcher {
    pub(super) fn new(
        java: Java,
        rules: Rules,
        client_id: Option<ClientId>,
        desk: Desk,
        current: Current,
    ) -> Self {
        Self {
            java,
            client_id,
            supervisor: Supervisor::new(rules),
            current,
            keeper: None,
            desk,
            tried: None,
        }
    }

    /// Starts the application, then what keeps it up to date, and stays until both have ended.
    pub(super) async fn run(
        mut self,
        updater: Option<Updater>,
        signals: Signals,
        tell: Tell<'_>,
    ) -> Result<u8, Error> {
        let application = self.start(tell)?;
        if self.desk.is_keeper() {
            self.keeper = updater.map(|updater| Keeper::start(updater, self.current.proven()));
        }
        self.attend(application, signals, tell).await
    }

    /// Stays with the application until it has ended for the last time.
    async fn attend(
        mut self,
        mut application: Application,
        mut signals: Signals,
        tell: Tell<'_>,
    ) -> Result<u8, Error> {
        let mut looked = tokio::time::Instant::now();
        loop {
            let tick = match self.supervisor.is_waiting() {
                true => TRIAL_TICK,
                false => IDLE_TICK,
            };
            let inputs = tokio::select! {
                // The end first: what comes after it finds nobody. News may come without a pause, so they are last.
                biased;
                ending = application.ended() => [self.confirmed(), Some(Input::Exited(ending?))],
                signal = signals.next() => [Some(Input::End(signal)), None],
                () = tokio::time::sleep_until(looked + tick) => {
                    looked = tokio::time::Instant::now();
                    [self.confirmed(), self.asked(tell)]
                }
                news = next(&mut self.keeper) => [self.hear(news, tell), None],
            };
            for input in inputs.into_iter().flatten().chain([Input::Tick]) {
                for action in self.supervisor.handle(input, Instant::now()) {
                    match action {
                        Action::Stop(signal) => application.stop(signal),
                        Action::Kill => application.kill(),
                        Action::Start => {
                            self.choose(tell)?;
                            application = self.start(tell)?;
                        }
                        Action::End(code) => {
                            self.end().await;
                            return Ok(code);
                        }
                        Action::Confirm(how) => self.confirm(how, tell),
                        Action::Uncount => self.uncount(tell),
                        Action::Tell(what) => self.crashed(what, tell),
                        Action::GoBack(reason) => self.go_back(&reason, tell)?,
                        Action::GiveUp(reason) => self.give_up(&reason, tell),
                    }
                }
            }
        }
    }

    /// Starts the current version.
    fn start(&mut self, tell: Tell<'_>) -> Result<Application, Error> {
        let (current, trial) = self.desk.starts(self.current.clone(), tell);
        self.current = current;
        let Current {
            version, previous, ..
        } = &self.current;
        let told = Told {
            version,
            previous: previous.as_ref(),
            client_id: self.client_id.as_ref(),
        };
        let application = match Application::start(&self.java, &self.desk.app, &told) {
            Ok(application) => application,
            Err(error) => {
                self.uncount(tell);
                return Err(error);
            }
        };
        tell(Happening::Started {
            version: version.clone(),
            is_on_probation: trial.is_some(),
        });
        if trial.is_some() {
            let words = "Started; it has yet to show that it works";
            self.say(Word::Progress(progress(version, "probation", 90, words)));
        }
        self.supervisor
            .handle(Input::Started(trial), Instant::now());
        Ok(application)
    }

    /// Decides what is started next, where something was started before.
    fn choose(&mut self, tell: Tell<'_>) -> Result<(), Error> {
        let Some(current) = self.desk.next_version(Some(self.current.clone()), tell) else {
            return Err(Error::NothingToStart {
                folder: self.desk.app.root().to_owned(),
                reason: "start it again to fetch it".into(),
            });
        };
        if current.proven() != self.current.proven() {
            self.say(Word::Runs(current.proven()));
        }
        self.current = current;
        Ok(())
    }

    /// What news of the keeper mean.
    fn hear(&mut self, news: Option<News>, tell: Tell<'_>) -> Option<Input> {
        match news {
            // It said why.
            None => {
                self.keeper = None;
                None
            }
            Some(News::Tell(happening)) => {
                tell(happening);
                None
            }
            Some(News::Staged { staged, is_asked }) => {
                let version = staged.version;
                let is_due = staged.is_mandatory && self.tried.as_ref() != Some(&version);
                if (!is_due && !is_asked) || version == self.current.version {
                    return None;
                }
                self.tried = Some(version);
                Some(restart(tell))
            }
            Some(News::Confirmed(version)) => {
                (version == self.current.version).then_some(Input::Confirmed(Confirmation::Report))
            }
        }
    }

    /// Whether the application has touched its file.
    fn confirmed(&self) -> Option<Input> {
        let file = self.desk.app.confirm_file(&self.current.version);
        let is_confirmed = self.supervisor.is_on_trial() && file.exists();
        is_confirmed.then_some(Input::Confirmed(Confirmation::File))
    }

    /// What another process asks for.
    fn asked(&mut self, tell: Tell<'_>) -> Option<Input> {
        if !self.desk.is_keeper() {
            return None;
        }
        match self.desk.app.take_request() {
            Ok(None) => None,
            Ok(Some(request)) => self.requested(request, tell),
            Err(error) => {
                tell(Happening::Trouble(error));
                None
            }
        }
    }

    fn requested(&mut self, request: Request, tell: Tell<'_>) -> Option<Input> {
        match request {
            Request::Install { version } => {
                let staged = self.desk.app.staged_version().ok().flatten();
                let fits = |waiting: &Version| version.as_ref().is_none_or(|v| v == waiting);
                if staged.is_some_and(|staged| fits(&staged.version)) {
                    return Some(restart(tell));
                }
                self.want(version.map_or(Wanted::OfferNow, Wanted::Version), tell);
                None
            }
            Request::RollBack { version, reason } => self.left(version, reason, tell),
        }
    }

    /// The user does not want the version that runs.
    fn left(&mut self, version: Option<Version>, reason: String, tell: Tell<'_>) -> Option<Input> {
        let previous = self.desk.app.way_back(&self.current);
        let previous = previous.map(|(previous, _)| previous);
        if let Some(version) = version.filter(|version| previous.as_ref() != Some(version)) {
            let current = self.current.clone();
            self.current = self.desk.hold_back(current, &reason, tell);
            self.want(Wanted::Version(version), tell);
            return None;
        }
        if previous.is_none() {
            let version = self.current.version.clone();
            tell(Happening::Trouble(Error::NoWayBack(version)));
            return None;
        }
        Some(Input::GoBack(reason))
    }

    fn confirm(&mut self, how: Confirmation, tell: Tell<'_>) {
        let current = self.current.clone();
        self.current = match how {
            Confirmation::File => self
                .desk
                .confirm(current, "Confirmed by the application", tell),
            Confirmation::StayedUp => {
                self.desk
                    .confirm(current, "Stayed up for the time of its probation", tell)
            }
            // The application's report is on record already.
            Confirmation::Report => self.desk.confirm_quietly(current, tell),
        };
        self.say(Word::Unsent);
        self.say(Word::Runs(self.current.proven()));
    }

    fn uncount(&mut self, tell: Tell<'_>) {
        self.current = self.desk.did_not_start(self.current.clone(), tell);
    }

    fn crashed(&self, what: String, tell: Tell<'_>) {
        let version = self.current.version.clone();
        tell(Happening::Crashed { version, what });
    }

    fn go_back(&mut self, reason: &str, tell: Tell<'_>) -> Result<(), Error> {
        self.current = self.desk.go_back(&self.current, reason, tell)?;
        self.say(Word::Unsent);
        self.say(Word::Runs(self.current.proven()));
        Ok(())
    }

    fn give_up(&self, reason: &str, tell: Tell<'_>) {
        self.desk.give_up(&self.current, reason, tell);
        self.crashed(reason.to_owned(), tell);
    }

    fn want(&self, wanted: Wanted, tell: Tell<'_>) {
        match &self.keeper {
            Some(keeper) => keeper.want(wanted),
            None => tell(Happening::Trouble(Error::NoDaemon)),
        }
    }

    fn say(&self, word: Word) {
        if let Some(keeper) = &self.keeper {
            keeper.say(word);
        }
    }

    /// The last words.
    async fn end(self) {
        if let Some(keeper) = self.keeper {
            keeper.finish().await;
        }
    }
}

fn restart(tell: Tell<'_>) -> Input {
    tell(Happening::Restarting);
    Input::Restart
}

/// The next news; never any where there is no keeper.
async fn next(keeper: &mut Option<Keeper>) -> Option<News> {
    match keeper {
        Some(keeper) => keeper.next().await,
        None => std::future::pending().await,
    }
}
