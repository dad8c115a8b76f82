//! Where an update stands, and what may come next. Pure: a state and a transition in, the next state out.
//!
//! ```text
//! Idle ─▶ Offered ─▶ Downloading ─▶ Verifying ─▶ Patching ─▶ Staged ─▶ Installing ─▶ Probation ─▶ Confirmed
//!            ▲            │             │            │                                     └────▶ RolledBack
//!            └────────────┴─────────────┴────────────┘ a way failed: the next one is tried
//!
//! Failed may follow everything from Offered to Installing; a new offer may follow whatever is at rest.
//! ```
//!
//! A transition that does not fit is refused and changes nothing, so a screen, a report and a log that are fed from
//! here cannot contradict each other.

use std::fmt;
use std::sync::Arc;

use protocol::Version;

use crate::download::Progress;
use crate::update::{Offer, Staged, Way};

/// Where the update of one application stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is to be done, as far as is known.
    Idle,
    /// There is something to install, and a way to it is chosen.
    Offered(Attempt),
    /// Bytes arrive.
    Downloading {
        /// What for.
        attempt: Attempt,
        /// The way that is tried.
        way: Way,
        /// How far it is.
        progress: Progress,
    },
    /// All bytes are there; their SHA-256 is compared.
    Verifying {
        /// What for.
        attempt: Attempt,
        /// The way that is tried.
        way: Way,
    },
    /// The new file is made from what arrived, and compared in turn.
    Patching {
        /// What for.
        attempt: Attempt,
        /// The way that is tried.
        way: Way,
    },
    /// The new file is whole, right and durable. Nothing of the application was touched.
    Staged(Staged),
    /// The new file is put in place.
    Installing(Staged),
    /// The new version is in place, and has still to show that it starts.
    Probation {
        /// What ran before, and runs again if it does not.
        from: Version,
        /// What is tried.
        to: Version,
    },
    /// The new version runs.
    Confirmed {
        /// What runs.
        version: Version,
    },
    /// The new version did not run; the one before does.
    RolledBack {
        /// What did not run.
        failed: Version,
        /// What runs.
        to: Version,
        /// What was wrong.
        reason: String,
    },
    /// The update was not made. What ran before still does.
    Failed {
        /// What could not be installed.
        version: Version,
        /// Why.
        reason: String,
    },
}

/// What is to be installed, and which ways to it are used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What the daemon offered.
    pub offer: Arc<Offer>,
    /// The ways that did not lead there, the latest last.
    pub failed: Vec<FailedWay>,
}

/// A way that did not lead to the new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedWay {
    /// Which.
    pub way: Way,
    /// Why.
    pub reason: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The daemon offers a version.
    Offer(Arc<Offer>),
    /// Bytes arrived on a way.
    Download(Way, Progress),
    /// All bytes of a way are there, or were all along.
    Verify(Way),
    /// What arrived is right; the new file is made from it.
    Patch,
    /// The way did not lead there.
    FallBack {
        /// Which.
        way: Way,
        /// Why.
        reason: String,
    },
    /// The new file is whole, right and durable.
    Stage(Staged),
    /// It is put in place now.
    Install,
    /// It is in place.
    Try,
    /// The new version showed that it runs.
    Confirm,
    /// It showed that it does not; the version before was put back.
    RollBack(String),
    /// There is no way on.
    Fail(String),
}

/// A transition that does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{transition} cannot follow {state}")]
pub struct Illegal {
    /// The state, which stays.
    pub state: &'static str,
    /// What was refused.
    pub transition: &'static str,
}

impl State {
    /// The state after a transition.
    ///
    /// # Errors
    /// The transition does not fit this state.
    pub fn after(&self, transition: Transition) -> Result<Self, Illegal> {
        let illegal = Illegal {
            state: self.name(),
            transition: transition.name(),
        };
        let next = match transition {
            Transition::Offer(offer) if self.is_at_rest() => Some(Self::Offered(Attempt {
                offer,
                failed: Vec::new(),
            })),
            Transition::Offer(_) => None,
            Transition::Download(way, progress) => self.downloading(way, progress),
            Transition::Verify(way) => self.verifying(way),
            Transition::Patch => self.patching(),
            Transition::FallBack { way, reason } => self.fallen_back(way, reason),
            Transition::Stage(staged) => self.staged(staged),
            Transition::Install => match self {
                Self::Staged(staged) => Some(Self::Installing(staged.clone())),
                _ => None,
            },
            Transition::Try => match self {
                Self::Installing(staged) => Some(Self::Probation {
                    from: staged.from.clone(),
                    to: staged.version.clone(),
                }),
                _ => None,
            },
            Transition::Confirm => match self {
                Self::Probation { to, .. } => Some(Self::Confirmed {
                    version: to.clone(),
                }),
                _ => None,
            },
            Transition::RollBack(reason) => match self {
                Self::Probation { from, to } => Some(Self::RolledBack {
                    failed: to.clone(),
                    to: from.clone(),
                    reason,
                }),
                _ => None,
            },
            Transition::Fail(reason) => self.failed(reason),
        };
        next.ok_or(illegal)
    }

    fn downloading(&self, way: Way, progress: Progress) -> Option<Self> {
        let attempt = match self {
            Self::Offered(attempt) => attempt,
            Self::Downloading {
                attempt, way: same, ..
            } if *same == way => attempt,
            _ => return None,
        };
        Some(Self::Downloading {
            attempt: attempt.clone(),
            way,
            progress,
        })
    }

    fn verifying(&self, way: Way) -> Option<Self> {
        let attempt = match self {
            // What an earlier try left may be whole.
            Self::Offered(attempt) => attempt,
            Self::Downloading {
                attempt, way: same, ..
            } if *same == way => attempt,
            _ => return None,
        };
        Some(Self::Verifying {
            attempt: attempt.clone(),
            way,
        })
    }

    fn patching(&self) -> Option<Self> {
        match self {
            Self::Verifying {
                attempt,
                way: way @ (Way::Delta { .. } | Way::Compressed),
            } => Some(Self::Patching {
                attempt: attempt.clone(),
                way: way.clone(),
            }),
            _ => None,
        }
    }

    fn fallen_back(&self, way: Way, reason: String) -> Option<Self> {
        let mut attempt = match self {
            // Known before a byte was fetched, such as a delta from other bytes.
            Self::Offered(attempt) => attempt,
            Self::Downloading {
                attempt, way: same, ..
            }
            | Self::Verifying { attempt, way: same }
            | Self::Patching { attempt, way: same }
                if *same == way =>
            {
                attempt
            }
            _ => return None,
        }
        .clone();
        attempt.failed.push(FailedWay { way, reason });
        Some(Self::Offered(attempt))
    }

    fn staged(&self, staged: Staged) -> Option<Self> {
        let (attempt, way) = match self {
            Self::Verifying {
                attempt,
                way: way @ (Way::Kept | Way::Full),
            }
            | Self::Patching { attempt, way } => (attempt, way),
            _ => return None,
        };
        (attempt.offer.to == staged.version && *way == staged.way).then_some(Self::Staged(staged))
    }

    fn failed(&self, reason: String) -> Option<Self> {
        let version = match self {
            Self::Offered(_)
            | Self::Downloading { .. }
            | Self::Verifying { .. }
            | Self::Patching { .. }
            | Self::Staged(_)
            | Self::Installing(_) => self.version()?.clone(),
            Self::Idle
            | Self::Probation { .. }
            | Self::Confirmed { .. }
            | Self::RolledBack { .. }
            | Self::Failed { .. } => return None,
        };
        Some(Self::Failed { version, reason })
    }

    /// Whether nothing is under way, so that something new may begin.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        match self {
            Self::Idle
            | Self::Staged(_)
            | Self::Probation { .. }
            | Self::Confirmed { .. }
            | Self::RolledBack { .. }
            | Self::Failed { .. } => true,
            Self::Offered(_)
            | Self::Downloading { .. }
            | Self::Verifying { .. }
            | Self::Patching { .. }
            | Self::Installing(_) => false,
        }
    }

    /// The version that it is about; for a way back the one that did not run.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Idle => None,
            Self::Offered(attempt)
            | Self::Downloading { attempt, .. }
            | Self::Verifying { attempt, .. }
            | Self::Patching { attempt, .. } => Some(&attempt.offer.to),
            Self::Staged(staged) | Self::Installing(staged) => Some(&staged.version),
            Self::Probation { to, .. } => Some(to),
            Self::Confirmed { version }
            | Self::RolledBack {
                failed: version, ..
            }
            | Self::Failed { version, .. } => Some(version),
        }
    }

    /// One word for programs and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Offered(_) => "offered",
            Self::Downloading { .. } => "downloading",
            Self::Verifying { .. } => "verifying",
            Self::Patching { .. } => "patching",
            Self::Staged(_) => "staged",
            Self::Installing(_) => "installing",
            Self::Probation { .. } => "probation",
            Self::Confirmed { .. } => "confirmed",
            Self::RolledBack { .. } => "rolled-back",
            Self::Failed { .. } => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Transition {
    fn name(&self) -> &'static str {
        match self {
            Self::Offer(_) => "an offer",
            Self::Download(..) => "a download",
            Self::Verify(_) => "a comparison",
            Self::Patch => "patching",
            Self::FallBack { .. } => "another way",
            Self::Stage(_) => "a staged file",
            Self::Install => "an installation",
            Self::Try => "probation",
            Self::Confirm => "a confirmation",
            Self::RollBack(_) => "a way back",
            Self::Fail(_) => "a failure",
        }
    }
}

#[cfg(test)]
mod tests;
