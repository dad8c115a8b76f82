//! One application on one machine: what it runs, what it should run, and the way from one to the other.
//!
//! The way is the cheapest that works: a copy that is still there, a delta, the whole file compressed, the whole file as
//! it is. Whatever fails on a cheaper way only leads to the next one; the SHA-256 decides in the end, whichever way it was.

mod report;
mod way;

use std::time::{Duration, Instant};

use delta::Format;
use protocol::api::{CheckAnswer, CheckQuery, DeltaAnswer};
use protocol::message::{Capability, IssueType, Register};
use protocol::{Architecture, Channel, Checksum, ClientId, Platform, Version};

use crate::download::{Progress, Wanted};
use crate::error::blocking;
use crate::{AppFolder, Daemon, Error};

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
}

/// What the daemon offers to this application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the application runs; `0.0.0` when nothing is installed.
    pub from: Version,
    /// What it should run.
    pub to: Version,
    /// Whether it must.
    pub is_mandatory: bool,
    /// Whether this is a way back, because the running version was recalled.
    pub is_rollback: bool,
    /// The whole file.
    pub full: Wanted,
    /// The deltas to it, best first.
    pub deltas: Vec<OfferedDelta>,
    /// The whole file, compressed: a delta from nothing, which needs no installed file.
    pub compressed: Option<OfferedDelta>,
}

/// A delta of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedDelta {
    /// How to apply it.
    pub format: String,
    /// Its bytes.
    pub file: Wanted,
    /// The SHA-256 that the file must have from which it starts; of no bytes where it starts from nothing.
    pub source: Checksum,
}

/// What an update is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes arrive.
    Downloading {
        /// What will be installed.
        version: Version,
        /// The way that is tried.
        way: Way,
        /// How far it is.
        progress: Progress,
    },
    /// A way did not lead there; the next one is tried.
    FellBack {
        /// What will be installed.
        version: Version,
        /// The way that failed.
        way: Way,
        /// Why.
        reason: String,
    },
    /// The new file is made from what arrived: from the old one and a delta, or from the compressed file alone.
    Rebuilding {
        /// What will be installed.
        version: Version,
        /// The way that is tried.
        way: Way,
    },
    /// The new file is whole and its SHA-256 is right; it is put in place.
    Installing {
        /// What will be installed.
        version: Version,
    },
}

/// An update that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// What ran before; `0.0.0` when nothing was installed.
    pub from: Version,
    /// What runs now.
    pub to: Version,
    /// Which way led there.
    pub way: Way,
    /// Bytes that came over the network.
    pub fetched_bytes: u64,
    /// Size of the whole file.
    pub full_bytes: u64,
    /// Whether this was a way back.
    pub is_rollback: bool,
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
            return self.first_offer(newest).await.map(Some);
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

    async fn first_offer(&self, version: &Version) -> Result<Offer, Error> {
        let release = self.daemon.metadata(version).await?;
        let compressed = self.daemon.compressed(version).await?;
        Ok(Offer {
            from: Version::ZERO,
            to: release.version,
            is_mandatory: release.is_mandatory,
            is_rollback: false,
            full: Wanted {
                path: release.download_url,
                size_bytes: release.file_size,
                checksum: release.checksum,
            },
            deltas: Vec::new(),
            compressed: compressed_of(compressed, release.checksum),
        })
    }

    /// Fetches, rebuilds, verifies and puts in place what was offered.
    ///
    /// # Errors
    /// No way led there. The version that ran before still does.
    pub async fn update(
        &self,
        offer: &Offer,
        tell: &mut (dyn FnMut(Step) + Send),
    ) -> Result<Updated, Error> {
        let began = Instant::now();
        let arrived = way::bring(self, offer, tell).await?;
        tell(Step::Installing {
            version: offer.to.clone(),
        });
        let (app, version, checksum) = (self.app.clone(), offer.to.clone(), offer.full.checksum);
        blocking(move || app.place(&arrived.file, &version, checksum)).await?;
        Ok(Updated {
            from: offer.from.clone(),
            to: offer.to.clone(),
            way: arrived.way,
            fetched_bytes: arrived.fetched_bytes,
            full_bytes: offer.full.size_bytes,
            is_rollback: offer.is_rollback,
            elapsed: began.elapsed(),
        })
    }
}

impl Offer {
    fn from_answer(daemon: &Daemon, answer: CheckAnswer) -> Result<Self, Error> {
        let (Some(path), Some(size_bytes), Some(checksum)) =
            (answer.download_url, answer.file_size, answer.checksum)
        else {
            return Err(Error::Unreadable {
                url: daemon.url().to_owned(),
                reason: "it offers an update without saying where its file is".into(),
            });
        };
        Ok(Self {
            from: answer.current_version,
            to: answer.latest_version,
            is_mandatory: answer.is_mandatory,
            is_rollback: answer.is_rollback,
            deltas: offered(answer.delta, checksum),
            compressed: compressed_of(answer.compressed, checksum),
            full: Wanted {
                path,
                size_bytes,
                checksum,
            },
        })
    }
}

/// The deltas of an answer. One to other bytes than the announced ones is of no use.
fn offered(answer: Option<DeltaAnswer>, target: Checksum) -> Vec<OfferedDelta> {
    let Some(answer) = answer.filter(|answer| answer.target_checksum == target) else {
        return Vec::new();
    };
    let source = answer.source_checksum;
    let deltas = answer.deltas.into_iter();
    deltas
        .map(|delta| OfferedDelta {
            format: delta.format,
            file: Wanted {
                path: delta.download_url,
                size_bytes: delta.size,
                checksum: delta.checksum,
            },
            source,
        })
        .collect()
}

/// The compressed file of an answer, in a format that this build knows.
fn compressed_of(answer: Option<DeltaAnswer>, target: Checksum) -> Option<OfferedDelta> {
    let mut all = offered(answer, target).into_iter();
    all.find(|offered| offered.format.parse::<Format>().is_ok())
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
