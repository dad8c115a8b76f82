//! One application on one machine: what it runs, what it should run, and the way from one to the other.
//!
//! The way is the cheapest that works: a copy that is still there, a delta, the whole file compressed, the whole file as
//! it is. Whatever fails on a cheaper way only leads to the next one; the SHA-256 decides in the end, whichever way it was.

mod course;
mod offer;
mod report;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::api::CheckQuery;
use protocol::message::{Capability, IssueType, Register};
use protocol::{Architecture, Channel, Checksum, ClientId, Platform, Version};

use crate::error::blocking;
use crate::install::HeldBack;
use crate::state::{State, Transition};
use crate::{AppFolder, Daemon, Error, PublicKey};
use course::Course;

pub use course::Tell;
pub use offer::{Offer, OfferedDelta};
pub(crate) use report::{result, short};
pub use way::Way;

/// Keeps one application up to date.
#[derive(Clone, Debug)]
pub struct Updater {
    /// Where releases come from.
    pub daemon: Daemon,
    /// Where the application lives.
    pub app: AppFolder,
    /// Who this installation is: made once, kept for ever.
    pub client_id: ClientId,
    /// What it follows.
    pub channel: Channel,
    /// What it runs on.
    pub platform: Platform,
    /// Its processor.
    pub architecture: Architecture,
    /// Whose releases are taken; anybody's that the daemon offers, when absent.
    pub public_key: Option<PublicKey>,
}

/// A new version that may be put in place: its file is whole, has the right SHA-256 and is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// What ran when it was offered; `0.0.0` when nothing was installed.
    pub from: Version,
    /// What it is.
    pub version: Version,
    /// Where it lies: in the staging folder, or where an earlier installation left it.
    pub file: PathBuf,
    /// Its SHA-256.
    pub checksum: Checksum,
    /// Its size.
    pub size_bytes: u64,
    /// Which way led there.
    pub way: Way,
    /// Bytes that came over the network, those of failed ways among them.
    pub fetched_bytes: u64,
    /// Whether this is a way back, because the running version was recalled.
    pub is_rollback: bool,
}

/// An update that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// What is in place now.
    pub staged: Staged,
    /// How long it took.
    pub elapsed: Duration,
}

impl Updater {
    /// An updater for the machine that this runs on.
    #[must_use]
    pub fn new(daemon: Daemon, app: AppFolder, client_id: ClientId, channel: Channel) -> Self {
        let (platform, architecture) = this_machine();
        Self {
            daemon,
            app,
            client_id,
            channel,
            platform,
            architecture,
            public_key: None,
        }
    }

    /// What the application runs; `0.0.0` when nothing is installed.
    ///
    /// # Errors
    /// The application's folder cannot be read.
    pub fn version(&self) -> Result<Version, Error> {
        Ok(self
            .app
            .current()?
            .map_or(Version::ZERO, |current| current.version))
    }

    /// How this client introduces itself.
    #[must_use]
    pub fn register(&self, version: Version) -> Register {
        Register {
            client_version: version,
            client_id: self.client_id.clone(),
            platform: self.platform.clone(),
            architecture: self.architecture.clone(),
            capabilities: vec![Capability::extended()],
        }
    }

    /// Asks what to install next; `None` when nothing is.
    ///
    /// # Errors
    /// The daemon cannot be reached or refuses, or it has something newer that cannot be installed from here.
    pub async fn check(&self) -> Result<Option<Offer>, Error> {
        let from = self.version()?;
        let query = CheckQuery {
            current_version: from.clone(),
            channel: Some(self.channel.clone()),
            client_id: Some(self.client_id.clone()),
            platform: Some(self.platform.clone()),
            architecture: Some(self.architecture.clone()),
        };
        let answer = self.daemon.check(&query).await?;
        let too_old = answer
            .compatibility_issue
            .as_ref()
            .is_some_and(|issue| issue.issue_type == IssueType::MinimumVersion);
        // A minimum protects what an old version left behind. Where nothing is installed, nothing was left.
        if from == Version::ZERO
            && too_old
            && let Some(newest) = &answer.newest_version
        {
            return self.offer(newest).await.map(Some);
        }
        if answer.update_available {
            return Offer::from_answer(&self.daemon, answer).map(Some);
        }
        match answer.compatibility_issue {
            Some(issue) => Err(Error::Incompatible {
                version: issue.version,
                description: format!(
                    "{}; {}",
                    issue.description.trim_end_matches('.'),
                    issue.resolution
                ),
            }),
            None => Ok(None),
        }
    }

    /// A version whatever runs now, for who knows better than the daemon what to install: whole, not as a delta.
    ///
    /// # Errors
    /// The daemon cannot be reached, or has no such version.
    pub async fn offer(&self, version: &Version) -> Result<Offer, Error> {
        let release = self.daemon.metadata(version).await?;
        let compressed = self.daemon.compressed(version).await?;
        Ok(Offer::first(release, compressed))
    }

    /// Why a version is not to be installed by itself, where that is so: it did not work here, or the user left it.
    ///
    /// # Errors
    /// The application's folder cannot be read.
    pub fn held_back(&self, version: &Version) -> Result<Option<HeldBack>, Error> {
        let current = self.app.record()?;
        Ok(current.and_then(|current| current.held_back(version).cloned()))
    }

    /// Brings the offered version into the staging folder, by the cheapest way that works. Nothing of the application is
    /// touched. Call it with the folder's lock held.
    ///
    /// # Errors
    /// No way led there. What was fetched stays for the next try.
    pub async fn stage(&self, offer: &Offer, tell: Tell<'_>) -> Result<Staged, Error> {
        let mut course = Course::new(State::Idle, tell);
        course.step(Transition::Offer(Arc::new(offer.clone())));
        let brought = match self.trust(offer) {
            Ok(()) => way::bring(self, offer, &mut course).await,
            Err(error) => Err(error),
        };
        match brought {
            Ok(staged) => {
                course.step(Transition::Stage(staged.clone()));
                Ok(staged)
            }
            Err(error) => {
                course.step(Transition::Fail(error.to_string()));
                Err(error)
            }
        }
    }

    /// Before a byte is fetched: the signature is over the checksum that every way is held to.
    fn trust(&self, offer: &Offer) -> Result<(), Error> {
        match &self.public_key {
            Some(key) => key.check(&offer.to, offer.full.checksum, offer.signature.as_deref()),
            None => Ok(()),
        }
    }

    /// Puts a staged version in place. Call it with the folder's lock held.
    ///
    /// # Errors
    /// A file cannot be moved or written. The version that ran before still runs.
    pub async fn install(&self, staged: &Staged, tell: Tell<'_>) -> Result<(), Error> {
        let mut course = Course::new(State::Staged(staged.clone()), tell);
        course.step(Transition::Install);
        let (app, staged) = (self.app.clone(), staged.clone());
        let placed = blocking(move || app.place(&staged.file, &staged.version, staged.checksum));
        match placed.await {
            Ok(_) => {
                course.step(Transition::Try);
                Ok(())
            }
            Err(error) => {
                course.step(Transition::Fail(error.to_string()));
                Err(error)
            }
        }
    }

    /// Stages and installs what was offered.
    ///
    /// # Errors
    /// No way led there. The version that ran before still does.
    pub async fn update(&self, offer: &Offer, tell: Tell<'_>) -> Result<Updated, Error> {
        let began = Instant::now();
        let staged = self.stage(offer, tell).await?;
        self.install(&staged, tell).await?;
        Ok(Updated {
            staged,
            elapsed: began.elapsed(),
        })
    }
}

/// Platform and architecture in the specification's words.
///
/// # Panics
/// Never: the names of Rust's targets fit.
#[must_use]
pub fn this_machine() -> (Platform, Architecture) {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let fits = "the names of Rust's targets are short and printable";
    (
        std::env::consts::OS.parse().expect(fits),
        architecture.parse().expect(fits),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name() {
        let (platform, architecture) = this_machine();
        assert!(!platform.as_str().is_empty() && architecture.as_str() != "x86_64");
    }
}
