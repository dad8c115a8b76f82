//! The ways to the new file, cheapest first. Each ends with a staged file of the right SHA-256, or with a reason.

use std::fmt;
use std::path::{Path, PathBuf};

use delta::{ApplyLimits, Expected, Format};
use protocol::{Checksum, DeltaSource};
use tracing::warn;

use super::course::Course;
use super::{Offer, OfferedDelta, Staged, Updater};
use crate::download::{self, Progress, Wanted};
use crate::error::blocking;
use crate::state::Transition;
use crate::{Error, room};

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
    /// Downloaded whole and compressed: rebuilt from a delta that needs no old file.
    Compressed,
    /// Downloaded whole.
    Full,
}

impl Way {
    /// One word for programs: `kept`, `delta`, `compressed` or `full`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Delta { .. } => "delta",
            Self::Compressed => "compressed",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Way {
    /// The same for people, who want to know which delta: `jar delta`, `compressed download`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept | Self::Full => f.write_str(self.name()),
            Self::Delta { format } => write!(f, "{format} delta"),
            Self::Compressed => f.write_str("compressed download"),
        }
    }
}

/// Brings the file of an offer, one way or another.
pub(super) async fn bring(
    updater: &Updater,
    offer: &Offer,
    course: &mut Course<'_>,
) -> Result<Staged, Error> {
    let staged = |file: PathBuf, way: Way, fetched_bytes: u64| Staged {
        from: offer.from.clone(),
        version: offer.to.clone(),
        file,
        checksum: offer.full.checksum,
        size_bytes: offer.full.size_bytes,
        way,
        fetched_bytes,
        is_rollback: offer.is_rollback,
    };
    let kept = updater.app.jar(&offer.to);
    if has_checksum(&kept, offer.full.checksum).await {
        course.step(Transition::Verify(Way::Kept));
        return Ok(staged(kept, Way::Kept, 0));
    }
    // What a failed delta cost counts as well.
    let mut fetched_bytes = 0;
    for (way, offered) in worth_trying(offer) {
        match by_delta(updater, offer, &way, offered, &mut fetched_bytes, course).await {
            Ok(file) => return Ok(staged(file, way, fetched_bytes)),
            // Without a token or a network the full download would fail the same way.
            Err(error) if !is_about_the_delta(&error) => return Err(error),
            Err(error) => {
                warn!(version = %offer.to, %way, %error, "a way did not lead to the new version");
                let reason = error.to_string();
                course.step(Transition::FallBack { way, reason });
            }
        }
    }
    let file = updater.app.staged(&format!("{}.jar", offer.to));
    let full = &offer.full;
    fetch(updater, full, Way::Full, &file, &mut fetched_bytes, course).await?;
    Ok(staged(file, Way::Full, fetched_bytes))
}

/// The deltas that this build can apply and that save something, the one from nothing among them, smallest first.
fn worth_trying(offer: &Offer) -> Vec<(Way, &OfferedDelta)> {
    let deltas = offer.deltas.iter().map(|offered| {
        let format = offered.format.clone();
        (Way::Delta { format }, offered)
    });
    let compressed = offer.compressed.iter();
    let compressed = compressed.map(|offered| (Way::Compressed, offered));
    let worth_it = |(_, offered): &(Way, &OfferedDelta)| {
        offered.format.parse::<Format>().is_ok() && offered.file.size_bytes < offer.full.size_bytes
    };
    let mut ways: Vec<(Way, &OfferedDelta)> = deltas.chain(compressed).filter(worth_it).collect();
    // By size alone: a delta that is larger than the compressed file saves nothing against it. Stable, so that between
    // equals a delta comes first, and the daemon's order counts.
    ways.sort_by_key(|(_, offered)| offered.file.size_bytes);
    ways
}

/// The file that a way starts from; what starts from nothing starts from a file without bytes.
async fn base_of(updater: &Updater, offer: &Offer, way: &Way) -> Result<PathBuf, Error> {
    if *way != Way::Compressed {
        return Ok(updater.app.jar(&offer.from));
    }
    let nothing = updater.app.staged("nothing");
    blocking(move || {
        std::fs::write(&nothing, b"").map_err(Error::file("write", &nothing))?;
        Ok(nothing)
    })
    .await
}

fn is_about_the_delta(error: &Error) -> bool {
    match error {
        Error::Delta(_)
        | Error::OtherBase
        | Error::Mismatch { .. }
        | Error::Size { .. }
        | Error::NoRoom { .. }
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
    way: &Way,
    offered: &OfferedDelta,
    fetched_bytes: &mut u64,
    course: &mut Course<'_>,
) -> Result<PathBuf, Error> {
    let base = base_of(updater, offer, way).await?;
    if !has_checksum(&base, offered.source).await {
        // Known before a byte is fetched.
        return Err(Error::OtherBase);
    }
    let source = match way {
        // The same bytes go on after a cut, whatever runs by then.
        Way::Compressed => DeltaSource::Nothing,
        Way::Kept | Way::Delta { .. } | Way::Full => DeltaSource::Version(offer.from.clone()),
    };
    let name = format!("{source}-{}.{}", offer.to, offered.format);
    let patch = updater.app.staged(&name);
    let file = &offered.file;
    // What is fetched is of no use where there is no room for what it makes.
    let folder = updater.app.staged("");
    let full_bytes = offer.full.size_bytes;
    room::ensure(&folder, full_bytes + file.missing_bytes(&patch)).await?;
    fetch(updater, file, way.clone(), &patch, fetched_bytes, course).await?;
    room::ensure(&folder, full_bytes).await?;

    course.step(Transition::Patch);
    let rebuilt = updater.app.staged(&format!("{}.rebuilt.jar", offer.to));
    let expected = Expected {
        base: Some(*offered.source.as_bytes()),
        result: Some(*offer.full.checksum.as_bytes()),
    };
    let target = rebuilt.clone();
    blocking(move || {
        let base_bytes = std::fs::metadata(&base)
            .map_err(Error::file("read", &base))?
            .len();
        let limits = ApplyLimits::for_sizes(base_bytes, full_bytes);
        match delta::apply_to_file(&base, &patch, &target, &expected, &limits) {
            // The disk is at fault: another way would fail on it as well, and the patch is good for another time.
            Err(delta::Error::File {
                doing,
                path,
                source,
            }) => Err(Error::File {
                doing,
                path,
                source,
            }),
            applied => {
                std::fs::remove_file(&patch).ok();
                applied?;
                Ok(())
            }
        }
    })
    .await?;
    Ok(rebuilt)
}

async fn fetch(
    updater: &Updater,
    wanted: &Wanted,
    way: Way,
    target: &Path,
    fetched_bytes: &mut u64,
    course: &mut Course<'_>,
) -> Result<(), Error> {
    let mut is_whole = false;
    let mut on_progress = |progress: Progress| {
        // The last byte may be told of twice.
        if is_whole {
            return;
        }
        course.step(Transition::Download(way.clone(), progress));
        if progress.done_bytes == progress.total_bytes {
            is_whole = true;
            course.step(Transition::Verify(way.clone()));
        }
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

    fn delta(format: &str, size_bytes: u64) -> OfferedDelta {
        OfferedDelta {
            format: format.into(),
            file: wanted(size_bytes),
            source: Checksum::from_bytes([0; 32]),
        }
    }

    fn ways(deltas: Vec<OfferedDelta>, compressed: Option<OfferedDelta>) -> Vec<String> {
        let offer = Offer {
            from: "1.0.0".parse().unwrap(),
            to: "1.1.0".parse().unwrap(),
            is_mandatory: false,
            is_rollback: false,
            full: wanted(1000),
            deltas,
            compressed,
            signature: None,
        };
        let ways = worth_trying(&offer).into_iter();
        ways.map(|(way, _)| way.to_string()).collect()
    }

    #[test]
    fn the_smallest_delta_that_this_build_can_apply_is_tried_first() {
        let deltas = vec![
            delta("zstd", 300),
            delta("of-the-future", 1),
            delta("jar", 20),
            delta("zstd", 1000),
        ];
        assert_eq!(ways(deltas, None), ["jar delta", "zstd delta"]);
    }

    #[test]
    fn the_compressed_file_comes_behind_the_deltas_that_are_smaller_and_only_when_it_saves_something()
     {
        let deltas = || vec![delta("zstd", 300), delta("jar", 20)];
        assert_eq!(
            ways(deltas(), Some(delta("jar", 500))),
            ["jar delta", "zstd delta", "compressed download"]
        );
        assert_eq!(
            ways(deltas(), Some(delta("jar", 200))),
            ["jar delta", "compressed download", "zstd delta"]
        );
        assert_eq!(ways(Vec::new(), Some(delta("jar", 999))).len(), 1);
        assert_eq!(ways(Vec::new(), Some(delta("jar", 1000))).len(), 0);
    }
}
