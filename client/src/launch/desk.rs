//! What a launcher does to the folder: what comes before a start, and what follows from how it went.
//!
//! An application starts whatever becomes of a note: on a full or read-only disk a note that cannot be written is told
//! of, and holds for this run.

use std::fs;
use std::path::Path;

use protocol::message::InstallationResult;
use protocol::{Timestamp, Version};

use super::supervisor::Trial;
use super::{Happening, Tell};
use crate::install::{Current, Lock, result};
use crate::state::State;
use crate::{AppFolder, Error};

/// What a launcher may do in its folder.
#[derive(Debug)]
pub(super) enum Standing {
    /// All of it, for as long as it holds the lock.
    Keeper { _lock: Lock },
    /// Nothing can be written: starts are looked after, and nothing is updated.
    ReadOnly,
    /// Another one works here: the application is only started.
    Guest,
}

/// A folder, and what its launcher may do there.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) app: AppFolder,
    standing: Standing,
    max_crashes: u32,
}

impl Desk {
    /// Takes the folder's lock, or says why not.
    pub(super) fn open(app: AppFolder, max_crashes: u32, tell: Tell<'_>) -> Self {
        let taken = AppFolder::open(app.root()).and_then(|app| app.lock_for_launch());
        let standing = match taken {
            Ok(_lock) => {
                // Whoever asked before we came asked somebody else.
                app.take_request().ok();
                Standing::Keeper { _lock }
            }
            Err(error) => {
                let standing = match error {
                    Error::Busy { .. } => Standing::Guest,
                    _ => Standing::ReadOnly,
                };
                tell(Happening::NotUpdating(error));
                standing
            }
        };
        Self {
            app,
            standing,
            max_crashes,
        }
    }

    /// Whether updates are made from here.
    pub(super) fn is_keeper(&self) -> bool {
        matches!(self.standing, Standing::Keeper { .. })
    }

    /// Decides what runs next and makes it so: what is staged, what runs, or what ran before. `None` when nothing can.
    ///
    /// `known` is the state that a run has come to. It counts more than what is noted, which may be older: on a disk that
    /// takes no notes a version that crashes would otherwise be started for ever.
    pub(super) fn next_version(&self, known: Option<Current>, tell: Tell<'_>) -> Option<Current> {
        let switched = match self.is_keeper() {
            true => self.switch_to_staged(tell),
            false => None,
        };
        let current = match switched.or(known) {
            Some(current) => current,
            None => match self.app.record() {
                Ok(current) => current?,
                Err(error) => {
                    self.set_aside(error, tell);
                    return None;
                }
            },
        };
        let current = self.judged(current, tell);
        if self.app.is_whole(&current.version, current.checksum) {
            return Some(current);
        }
        tell(Happening::Damaged(current.version.clone()));
        match self.app.way_back(&current) {
            Some((previous, checksum)) => {
                // Not the version's fault: it is fetched again.
                let back = current.gone_back(previous, checksum);
                self.keep(&back, tell);
                Some(back)
            }
            None => {
                if self.is_keeper() {
                    // Out of the way of the whole one.
                    fs::remove_file(self.app.jar(&current.version)).ok();
                }
                None
            }
        }
    }

    fn switch_to_staged(&self, tell: Tell<'_>) -> Option<Current> {
        let before = self.app.record().ok().flatten();
        match self.app.switch_to_staged() {
            Ok(None) => None,
            Ok(Some(current)) => {
                tell(Happening::Update(State::Probation {
                    from: before.map_or(Version::ZERO, |before| before.version),
                    to: current.version.clone(),
                }));
                Some(current)
            }
            // The version that runs is untouched, and starts.
            Err(error) => {
                tell(Happening::Trouble(error));
                None
            }
        }
    }

    /// What was found out about a version on probation while nobody looked: a launcher that was killed does not lose it.
    fn judged(&self, current: Current, tell: Tell<'_>) -> Current {
        let Some(probation) = current.probation else {
            return current;
        };
        if matches!(self.standing, Standing::Guest) {
            return current;
        }
        if self.app.confirm_file(&current.version).exists() {
            return self.confirm(current, "Confirmed by the application", tell);
        }
        if probation.starts < self.max_crashes {
            return current;
        }
        let reason = format!("was started {} times and never confirmed", probation.starts);
        match self.go_back(&current, &reason, tell) {
            Ok(back) => back,
            // Nothing is better than it.
            Err(_) => current,
        }
    }

    /// Notes a start before it is made.
    pub(super) fn starts(&self, current: Current, tell: Tell<'_>) -> (Current, Option<Trial>) {
        if matches!(self.standing, Standing::Guest) || current.probation.is_none() {
            return (current, None);
        }
        let current = current.started();
        self.keep(&current, tell);
        let trial = current.probation.map(|probation| Trial {
            starts: probation.starts,
            has_way_back: self.app.way_back(&current).is_some(),
        });
        (current, trial)
    }

    /// Takes the note of a start back.
    pub(super) fn did_not_start(&self, current: Current, tell: Tell<'_>) -> Current {
        if current.probation.is_none() || matches!(self.standing, Standing::Guest) {
            return current;
        }
        let current = current.not_started();
        self.keep(&current, tell);
        current
    }

    /// Ends a probation well, and reports it in the words of `message`.
    pub(super) fn confirm(&self, current: Current, message: &str, tell: Tell<'_>) -> Current {
        let previous = current.previous.clone().unwrap_or(Version::ZERO);
        // First the report: it may be sent twice, and must not be lost.
        self.report(&result(&current.version, previous, true, message), tell);
        self.confirm_quietly(current, tell)
    }

    /// Ends a probation well, where the daemon knows already.
    pub(super) fn confirm_quietly(&self, current: Current, tell: Tell<'_>) -> Current {
        let current = current.confirmed();
        self.keep(&current, tell);
        let version = current.version.clone();
        tell(Happening::Update(State::Confirmed { version }));
        current
    }

    /// Goes back to the previous version, holds the other one back, and reports it.
    ///
    /// # Errors
    /// There is no whole version to go back to.
    pub(super) fn go_back(
        &self,
        current: &Current,
        reason: &str,
        tell: Tell<'_>,
    ) -> Result<Current, Error> {
        let now = Timestamp::now();
        let back = match self.app.roll_back(current.clone(), reason, now) {
            Ok(back) => back,
            Err(error @ Error::NoWayBack(_)) => return Err(error),
            Err(error) => {
                tell(Happening::Trouble(error));
                let current = current.clone().holding_back(reason, now);
                match self.app.way_back(&current) {
                    Some((previous, checksum)) => current.gone_back(previous, checksum),
                    None => return Err(Error::NoWayBack(current.version)),
                }
            }
        };
        tell(Happening::Update(State::RolledBack {
            failed: current.version.clone(),
            to: back.version.clone(),
            reason: reason.to_owned(),
        }));
        Ok(back)
    }

    /// The running version is to be left for another one that is fetched first, and not installed again by itself.
    pub(super) fn hold_back(&self, current: Current, reason: &str, tell: Tell<'_>) -> Current {
        let current = current.holding_back(reason, Timestamp::now());
        self.keep(&current, tell);
        current
    }

    /// Reports a version that does not work, though it stays.
    pub(super) fn give_up(&self, current: &Current, reason: &str, tell: Tell<'_>) {
        let message = format!("{reason}; there is no version to return to");
        self.report(
            &result(&current.version, Version::ZERO, false, &message),
            tell,
        );
    }

    fn report(&self, result: &InstallationResult, tell: Tell<'_>) {
        if let Err(error) = self.app.keep_report(result) {
            tell(Happening::Trouble(error));
        }
    }

    fn keep(&self, current: &Current, tell: Tell<'_>) {
        if matches!(self.standing, Standing::Guest) {
            return;
        }
        if let Err(error) = self.app.keep(current) {
            tell(Happening::Trouble(error));
        }
    }

    /// A note that cannot be understood is put aside, for people to look at, so that the next installation can begin.
    fn set_aside(&self, error: Error, tell: Tell<'_>) {
        if let (Error::Layout { path, .. }, true) = (&error, self.is_keeper()) {
            let aside = Path::new(path).with_extension("json.damaged");
            fs::rename(path, aside).ok();
        }
        tell(Happening::Trouble(error));
    }
}

#[cfg(test)]
mod tests;
