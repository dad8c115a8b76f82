//! What a launcher does about what happens to its application. Pure: inputs and the time go in, actions come out.
//!
//! ```text
//! Idle ──started──▶ Up ──crash──▶ restart, and after `max_crashes` of a version on probation: back to the previous one
//!                   │ ├─ended well──▶ the launcher ends with the application's exit code
//!                   │ └─confirmed, or up for long enough──▶ probation is over
//!                   └─update, request, no confirmation──▶ Stopping ──exited──▶ restart
//! ```

use std::time::{Duration, Instant};

use super::ending::{Ending, Signal};

/// How patient a launcher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a new version has to stay up, or within which it has to confirm.
    pub probation: Duration,
    /// Whether only the application's word counts, and not that it stays up.
    pub needs_confirmation: bool,
    /// After how many failed starts of a new version the previous one comes back.
    pub max_crashes: u32,
    /// How long an application that was asked to stop has for it before it is killed.
    pub grace: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            probation: Duration::from_secs(30),
            needs_confirmation: false,
            max_crashes: 3,
            grace: Duration::from_secs(10),
        }
    }
}

/// The trial that a start belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The how manieth start it is, this one counted.
    pub starts: u32,
    /// Whether there is a version to go back to.
    pub has_way_back: bool,
}

/// How a version has shown that it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The application touched the file that it was given.
    File,
    /// The application reported to the daemon.
    Report,
    /// It stayed up for the time of its probation.
    StayedUp,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The application was started; `trial` where its version is on probation.
    Started(Option<Trial>),
    /// It ended.
    Exited(Ending),
    /// It says that it works.
    Confirmed(Confirmation),
    /// Time went by.
    Tick,
    /// Another version is ready, and is not to wait for the next start.
    Restart,
    /// The user wants the previous version.
    GoBack(String),
    /// The launcher is to end.
    End(Signal),
}

/// What to do about it, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the application to stop.
    Stop(Signal),
    /// End it.
    Kill,
    /// End the probation.
    Confirm(Confirmation),
    /// Take back the last start of a version on probation: it failed for no reason of its own.
    Uncount,
    /// Tell about a failed start after which another one follows.
    Tell(String),
    /// Go back to the previous version, for this reason.
    GoBack(String),
    /// Report that the version does not work, though there is none to go back to.
    GiveUp(String),
    /// Start the version that is current by now.
    Start,
    /// End with this exit code.
    End(u8),
}

/// The state of one application under a launcher.
#[derive(Debug)]
pub struct Supervisor {
    rules: Rules,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between a start and the one before it.
    Idle,
    Up {
        since: Instant,
        trial: Option<Trial>,
    },
    Stopping {
        trial: Option<Trial>,
        why: Why,
        /// The launcher ends with the application.
        is_last: bool,
        kill_at: Option<Instant>,
    },
}

#[derive(Debug)]
enum Why {
    Asked,
    Restart,
    GoBack(String),
    Unconfirmed,
}

impl Supervisor {
    /// Nothing runs yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: State::Idle,
        }
    }

    /// Whether the running version has yet to show that it works.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        matches!(self.state, State::Up { trial: Some(_), .. })
    }

    /// Whether time decides what comes next.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.is_on_trial() || matches!(self.state, State::Stopping { .. })
    }

    /// Takes an input in.
    pub fn handle(&mut self, input: Input, now: Instant) -> Vec<Action> {
        match input {
            Input::Started(trial) => {
                self.state = State::Up { since: now, trial };
                Vec::new()
            }
            Input::Exited(ending) => self.exited(ending, now),
            Input::Confirmed(how) => self.confirmed(how),
            Input::Tick => self.tick(now),
            Input::Restart => self.stop(Why::Restart, now),
            Input::GoBack(reason) => self.stop(Why::GoBack(reason), now),
            Input::End(signal) => self.end(signal),
        }
    }

    fn exited(&mut self, ending: Ending, now: Instant) -> Vec<Action> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Vec::new(),
            State::Up { trial: None, .. } => vec![Action::End(ending.exit_code())],
            State::Up { trial: Some(_), .. } if !ending.is_crash() => {
                vec![Action::Uncount, Action::End(ending.exit_code())]
            }
            State::Up {
                since,
                trial: Some(trial),
            } => {
                let up = (now - since).as_secs_f64();
                let reason = format!("{ending} after {up:.1} s");
                self.failed(&reason, trial, ending, false)
            }
            State::Stopping {
                trial,
                why,
                is_last,
                kill_at: _,
            } => self.stopped(trial, why, is_last, ending),
        }
    }

    fn stopped(
        &self,
        trial: Option<Trial>,
        why: Why,
        is_last: bool,
        ending: Ending,
    ) -> Vec<Action> {
        let mut actions = match (why, trial) {
            (Why::Unconfirmed, Some(trial)) => {
                let patience = self.rules.probation.as_secs_f64();
                let reason = format!("did not confirm within {patience:.1} s");
                return self.failed(&reason, trial, ending, is_last);
            }
            (Why::GoBack(reason), _) => vec![Action::GoBack(reason)],
            (Why::Asked | Why::Restart, Some(_)) => vec![Action::Uncount],
            (Why::Asked | Why::Restart | Why::Unconfirmed, None) => Vec::new(),
        };
        actions.push(match is_last {
            true => Action::End(ending.exit_code()),
            false => Action::Start,
        });
        actions
    }

    /// A version on probation did not work this time.
    fn failed(&self, reason: &str, trial: Trial, ending: Ending, is_last: bool) -> Vec<Action> {
        let end = Action::End(ending.exit_code());
        let next = match is_last {
            true => end.clone(),
            false => Action::Start,
        };
        let max = self.rules.max_crashes;
        let count = match trial.starts {
            1 => reason.to_owned(),
            starts => format!("{reason}, {starts} times"),
        };
        let told = Action::Tell(format!(
            "{reason}; that was start {} of {max}",
            trial.starts
        ));
        match (trial.has_way_back, trial.starts < max) {
            (true, true) => vec![told, next],
            (true, false) => vec![Action::GoBack(count), next],
            // Where nothing else could come of it, the end of the application is for whoever started it.
            (false, true) => vec![told, end],
            (false, false) => vec![Action::GiveUp(count), end],
        }
    }

    fn confirmed(&mut self, how: Confirmation) -> Vec<Action> {
        match &mut self.state {
            State::Up { trial, .. } => match trial.take() {
                Some(_) => vec![Action::Confirm(how)],
                None => Vec::new(),
            },
            State::Idle | State::Stopping { .. } => Vec::new(),
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<Action> {
        match &mut self.state {
            State::Up {
                since,
                trial: Some(_),
            } if now - *since >= self.rules.probation => match self.rules.needs_confirmation {
                true => self.stop(Why::Unconfirmed, now),
                false => self.confirmed(Confirmation::StayedUp),
            },
            State::Stopping { kill_at, .. } if kill_at.is_some_and(|kill_at| now >= kill_at) => {
                *kill_at = None;
                vec![Action::Kill]
            }
            State::Idle | State::Up { .. } | State::Stopping { .. } => Vec::new(),
        }
    }

    fn stop(&mut self, why: Why, now: Instant) -> Vec<Action> {
        // What is being stopped already starts again with whatever is current by then.
        let State::Up { since: _, trial } = self.state else {
            return Vec::new();
        };
        self.state = State::Stopping {
            trial,
            why,
            is_last: false,
            kill_at: Some(now + self.rules.grace),
        };
        vec![Action::Stop(Signal::Terminate)]
    }

    fn end(&mut self, signal: Signal) -> Vec<Action> {
        match &mut self.state {
            State::Idle => Vec::new(),
            State::Up { since: _, trial } => {
                // However long it takes: whoever asks to end decides when patience is over.
                self.state = State::Stopping {
                    trial: *trial,
                    why: Why::Asked,
                    is_last: true,
                    kill_at: None,
                };
                vec![Action::Stop(signal)]
            }
            State::Stopping { is_last, .. } => {
                *is_last = true;
                vec![Action::Stop(signal)]
            }
        }
    }
}

#[cfg(test)]
mod tests;
