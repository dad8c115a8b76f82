//! The ways to the new file, cheapest first. Each ends with a staged file of the right SHA-256, or with a reason.

use std::fmt;
use std::path::{Path, PathBuf};

use delta::{ApplyLimits, Expected, Format};
use protocol::Checksum;
use tracing::warn;

use super::{Offer, OfferedDelta, Step, Updater};
use crate::Error;
use crate::download::{self, Progress, Wanted};
use crate::error::blocking;

/// How a new version came to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The file of an earlier installation was still there.
    Kept,
    /// Rebuilt from the installed file and a delta.
    Delta {
        /// The delta's format.
        format: String,
    },
    /// Downloaded whole.
    Full,
}

impl Way {
    /// One word for programs: `kept`, `delta` or `full`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Delta { .. } => "delta",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Way {
    /// The same for people, who want to know which delta: `jar delta`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept | Self::Full => f.write_str(self.name()),
            Self::Delta { format } => write!(f, "{format} delta"),
        }
    }
}

/// A file that may be put in place.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) file: PathBuf,
    pub(super) way: Way,
    pub(super) fetched_bytes: u64,
}

/// Brings the file of an offer, one way or another.
pub(super) async fn bring(
    updater: &Updater,
    offer: &Offer,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<Arrived, Error> {
    let kept = updater.app.jar(&offer.to);
    if has_checksum(&kept, offer.full.checksum).await {
        return Ok(Arrived {
            file: kept,
            way: Way::Kept,
            fetched_bytes: 0,
        });
    }
    // What a failed delta cost counts as well.
    let mut fetched_bytes = 0;
    for offered in worth_trying(offer) {
        match by_delta(updater, offer, offered, &mut fetched_bytes, tell).await {
            Ok(file) => {
                return Ok(Arrived {
                    file,
                    way: way_of(offered),
                    fetched_bytes,
                });
            }
            // Without a token or a network the full download would fail the same way.
            Err(error) if !is_about_the_delta(&error) => return Err(error),
            Err(error) => {
                warn!(version = %offer.to, format = offered.format, %error, "a delta did not lead to the new version");
                tell(Step::FellBack {
                    version: offer.to.clone(),
                    way: way_of(offered),
                    reason: error.to_string(),
                });
            }
        }
    }
    let file = updater.app.staged(&format!("{}.jar", offer.to));
    fetch(
        updater,
        offer,
        &offer.full,
        Way::Full,
        &file,
        &mut fetched_bytes,
        tell,
    )
    .await?;
    Ok(Arrived {
        file,
        way: Way::Full,
        fetched_bytes,
    })
}

/// The deltas that this build can apply and that save something, smallest first.
fn worth_trying(offer: &Offer) -> Vec<&OfferedDelta> {
    let worth_it = |offered: &&OfferedDelta| {
        offered.format.parse::<Format>().is_ok() && offered.file.size_bytes < offer.full.size_bytes
    };
    let mut deltas: Vec<&OfferedDelta> = offer.deltas.iter().filter(worth_it).collect();
    // Stable, so that between equals the daemon's order counts.
    deltas.sort_by_key(|offered| offered.file.size_bytes);
    deltas
}

fn way_of(offered: &OfferedDelta) -> Way {
    Way::Delta {
        format: offered.format.clone(),
    }
}

fn is_about_the_delta(error: &Error) -> bool {
    match error {
        Error::Delta(_)
        | Error::OtherBase
        | Error::Mismatch { .. }
        | Error::Size { .. }
        | Error::Unreadable { .. } => true,
        Error::Refused(refusal) => !matches!(
            refusal.code,
            protocol::Code::Unauthorized | protocol::Code::Forbidden
        ),
        _ => false,
    }
}

async fn by_delta(
    updater: &Updater,
    offer: &Offer,
    offered: &OfferedDelta,
    fetched_bytes: &mut u64,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<PathBuf, Error> {
    let base = updater.app.jar(&offer.from);
    if !has_checksum(&base, offered.source).await {
        // Known before a byte is fetched.
        return Err(Error::OtherBase);
    }
    let name = format!("{}-{}.{}", offer.from, offer.to, offered.format);
    let patch = updater.app.staged(&name);
    fetch(
        updater,
        offer,
        &offered.file,
        way_of(offered),
        &patch,
        fetched_bytes,
        tell,
    )
    .await?;

    tell(Step::Rebuilding {
        version: offer.to.clone(),
    });
    let rebuilt = updater.app.staged(&format!("{}.rebuilt.jar", offer.to));
    let expected = Expected {
        base: Some(*offered.source.as_bytes()),
        result: Some(*offer.full.checksum.as_bytes()),
    };
    let full_bytes = offer.full.size_bytes;
    let target = rebuilt.clone();
    blocking(move || {
        let base_bytes = std::fs::metadata(&base)
            .map_err(Error::file("read", &base))?
            .len();
        let limits = ApplyLimits::for_sizes(base_bytes, full_bytes);
        let applied = delta::apply_to_file(&base, &patch, &target, &expected, &limits);
        // A patch is used once, whatever came of it.
        std::fs::remove_file(&patch).ok();
        applied?;
        Ok(())
    })
    .await?;
    Ok(rebuilt)
}

async fn fetch(
    updater: &Updater,
    offer: &Offer,
    wanted: &Wanted,
    way: Way,
    target: &Path,
    fetched_bytes: &mut u64,
    tell: &mut (dyn FnMut(Step) + Send),
) -> Result<(), Error> {
    let mut on_progress = |progress: Progress| {
        tell(Step::Downloading {
            version: offer.to.clone(),
            way: way.clone(),
            progress,
        });
    };
    let client = Some(&updater.client_id);
    let fetched =
        download::download(&updater.daemon, wanted, client, target, &mut on_progress).await?;
    *fetched_bytes += fetched.fetched_bytes;
    Ok(())
}

/// Whether a file is there and is the right one. One that cannot be read is not.
async fn has_checksum(path: &Path, checksum: Checksum) -> bool {
    let path = path.to_owned();
    let compared = blocking(move || match delta::checksum::sha256_file(&path) {
        Ok((digest, _)) => Ok(Checksum::from_bytes(digest) == checksum),
        Err(_) => Ok(false),
    });
    compared.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(size_bytes: u64) -> Wanted {
        Wanted {
            path: "/x".into(),
            size_bytes,
            checksum: Checksum::from_bytes([0; 32]),
        }
    }

    #[test]
    fn the_smallest_delta_that_this_build_can_apply_is_tried_first() {
        let delta = |format: &str, size_bytes| OfferedDelta {
            format: format.into(),
            file: wanted(size_bytes),
            source: Checksum::from_bytes([0; 32]),
        };
        let offer = Offer {
            from: "1.0.0".parse().unwrap(),
            to: "1.1.0".parse().unwrap(),
            is_mandatory: false,
            is_rollback: false,
            full: wanted(1000),
            deltas: vec![
                delta("zstd", 300),
                delta("of-the-future", 1),
                delta("jar", 20),
                delta("zstd", 1000),
            ],
        };
        let ways: Vec<String> = worth_trying(&offer)
            .into_iter()
            .map(|offered| way_of(offered).to_string())
            .collect();
        assert_eq!(ways, ["jar delta", "zstd delta"]);
    }
}
