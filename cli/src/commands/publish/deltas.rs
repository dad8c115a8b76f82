//! The deltas of a publish: from which releases, made here, and uploaded before the release is announced.
//!
//! A delta is a saving, never a condition: one that is too large, or that the daemon does not take, is left out with a
//! remark, and clients fetch the whole file instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use client::Daemon;
use client::download::{Progress, Wanted, download};
use client::http::{ListQuery, NewDelta, NewRelease};
use delta::{Format, Options};
use protocol::api::{DeltaSummary, ReleaseState, ReleaseView};
use protocol::{Checksum, Code, Version};
use serde::Serialize;
use tempfile::TempDir;

use super::artifact::Artifact;
use crate::args::DeltaFrom;
use crate::commands::blocking;
use crate::commands::progress::{Counter, shown};
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{format_share, format_size};

/// How many releases `--delta-from auto` looks back.
const AUTO_RELEASES: usize = 3;

/// A delta that saves less than this is not worth the steps that it adds, in percent of the whole file.
const LARGEST_PERCENT: u64 = 60;

/// What became of one delta.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeltaOutcome {
    from_version: Version,
    format: &'static str,
    size_bytes: u64,
    result: DeltaResult,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum DeltaResult {
    Uploaded,
    AlreadyThere,
    TooLarge,
    Refused,
}

impl DeltaOutcome {
    /// Whether clients can use it.
    pub(super) fn is_there(&self) -> bool {
        matches!(
            self.result,
            DeltaResult::Uploaded | DeltaResult::AlreadyThere
        )
    }
}

/// Deltas that wait for their upload, in files that go with this value.
#[derive(Debug)]
pub(super) struct Made {
    deltas: Vec<MadeDelta>,
    outcomes: Vec<DeltaOutcome>,
    /// Removed with this value.
    folder: TempDir,
}

#[derive(Debug)]
struct MadeDelta {
    from: Version,
    format: Format,
    file: PathBuf,
    size_bytes: u64,
    checksum: Checksum,
}

/// Makes the deltas that are not there yet.
pub(super) async fn make(
    daemon: &Daemon,
    from: &DeltaFrom,
    release: &NewRelease,
    artifact: &Artifact,
    there: &[DeltaSummary],
    output: &Output,
) -> Result<Made, Failure> {
    let bases = bases(daemon, from, release).await?;
    let folder = tempfile::Builder::new()
        .prefix("relctl-publish-")
        .tempdir()
        .map_err(|error| Failure::file("make a folder in", &std::env::temp_dir(), &error))?;
    let mut made = Made {
        deltas: Vec::new(),
        outcomes: Vec::new(),
        folder,
    };
    let format = Format::Zstd;
    for base in bases {
        let from = base.version_number.clone();
        let found = there
            .iter()
            .find(|delta| delta.from_version == from && delta.format == format.name());
        if let Some(found) = found {
            made.outcomes.push(DeltaOutcome {
                from_version: from,
                format: format.name(),
                size_bytes: found.size,
                result: DeltaResult::AlreadyThere,
            });
            continue;
        }
        let old = fetch(daemon, &base, made.folder.path(), output).await?;
        let patch = made.folder.path().join(format!("{from}.{format}"));
        let delta = make_one(from, format, old, artifact.path.clone(), patch).await?;
        let share = format_share(delta.size_bytes, artifact.size_bytes);
        let size = format_size(delta.size_bytes);
        let MadeDelta { from, .. } = &delta;
        if delta.size_bytes * 100 > artifact.size_bytes * LARGEST_PERCENT {
            output.say(&format!(
                "  delta      from {from} left out: {size} ({share}) saves too little"
            ));
            made.outcomes.push(delta.outcome(DeltaResult::TooLarge));
            continue;
        }
        output.say(&format!("  delta      from {from}: {size} ({share})"));
        made.deltas.push(delta);
    }
    Ok(made)
}

impl MadeDelta {
    fn outcome(&self, result: DeltaResult) -> DeltaOutcome {
        DeltaOutcome {
            from_version: self.from.clone(),
            format: self.format.name(),
            size_bytes: self.size_bytes,
            result,
        }
    }
}

/// The releases to make deltas from, newest first.
async fn bases(
    daemon: &Daemon,
    from: &DeltaFrom,
    release: &NewRelease,
) -> Result<Vec<ReleaseView>, Failure> {
    match from {
        DeltaFrom::None => Ok(Vec::new()),
        DeltaFrom::Versions(versions) => {
            let mut bases = Vec::new();
            for version in versions {
                let found = daemon.release(version).await.map_err(Failure::from);
                bases.push(found.map_err(|failure| {
                    failure.while_doing(format!("make a delta from {version}"))
                })?);
            }
            Ok(bases)
        }
        DeltaFrom::Auto => {
            let query = ListQuery {
                size: 100,
                channel: Some(release.channel.clone()),
                state: Some(ReleaseState::Active),
                ..ListQuery::default()
            };
            let minimum = release.minimum_client_version.as_ref();
            let page = daemon.releases(&query).await?;
            let bases = page.content.into_iter().filter(|base| {
                // Clients below the minimum cannot take the release, by delta or otherwise.
                release.version.is_newer_than(&base.version_number)
                    && minimum.is_none_or(|minimum| !minimum.is_newer_than(&base.version_number))
            });
            Ok(bases.take(AUTO_RELEASES).collect())
        }
    }
}

async fn fetch(
    daemon: &Daemon,
    base: &ReleaseView,
    folder: &Path,
    output: &Output,
) -> Result<PathBuf, Failure> {
    let wanted = Wanted {
        path: base.download_url.clone(),
        size_bytes: base.file_size,
        checksum: base.checksum,
    };
    let target = folder.join(format!("{}.jar", base.version_number));
    let counter = Counter::new(AtomicU64::new(0));
    let counted = Arc::clone(&counter);
    let mut on_progress =
        move |progress: Progress| counted.store(progress.done_bytes, Ordering::Relaxed);
    let fetching = download(daemon, &wanted, None, &target, &mut on_progress);
    let label = format!("get {}", base.version_number);
    shown(output, &label, base.file_size, &counter, fetching).await?;
    Ok(target)
}

/// Makes a delta, and applies it once before it counts.
async fn make_one(
    from: Version,
    format: Format,
    old: PathBuf,
    new: PathBuf,
    patch: PathBuf,
) -> Result<MadeDelta, Failure> {
    blocking(move || {
        let read =
            |path: &Path| std::fs::read(path).map_err(|error| Failure::file("read", path, &error));
        let (old_bytes, new_bytes) = (read(&old)?, read(&new)?);
        let failed = |error: delta::Error| {
            Failure::check(format!("the delta from {from} could not be made: {error}"))
                .help("publish without deltas:  --delta-from none")
        };
        let bytes =
            delta::create(format, &old_bytes, &new_bytes, Options::default()).map_err(failed)?;
        delta::verify(&old_bytes, &bytes, &new_bytes).map_err(failed)?;
        std::fs::write(&patch, &bytes).map_err(|error| Failure::file("write", &patch, &error))?;
        std::fs::remove_file(&old).ok();
        Ok(MadeDelta {
            from,
            format,
            file: patch,
            size_bytes: bytes.len() as u64,
            checksum: Checksum::from_bytes(delta::checksum::sha256(&bytes)),
        })
    })
    .await
}

/// Uploads what was made.
pub(super) async fn upload(
    daemon: &Daemon,
    to: &Version,
    made: Made,
    output: &Output,
) -> Result<Vec<DeltaOutcome>, Failure> {
    let Made {
        deltas,
        mut outcomes,
        folder: _folder,
    } = made;
    for delta in deltas {
        let counter = Counter::new(AtomicU64::new(0));
        let counted = Arc::clone(&counter);
        let sent = Arc::new(move |bytes| counted.store(bytes, Ordering::Relaxed));
        let new = NewDelta {
            from: &delta.from,
            format: delta.format.name(),
            file: &delta.file,
            checksum: delta.checksum,
        };
        let label = format!("delta {}", delta.from);
        let uploading = daemon.add_delta(to, &new, sent);
        let result = match shown(output, &label, delta.size_bytes, &counter, uploading).await {
            Ok(_) => DeltaResult::Uploaded,
            Err(error) => match error.code() {
                Some(Code::Conflict) => DeltaResult::AlreadyThere,
                Some(Code::InvalidArtifact | Code::ChecksumMismatch) => {
                    output.warn(&format!(
                        "the daemon did not take the delta from {}: {error}; clients fetch the whole file instead",
                        delta.from
                    ));
                    DeltaResult::Refused
                }
                _ => return Err(error.into()),
            },
        };
        outcomes.push(delta.outcome(result));
    }
    let there = outcomes.iter().filter(|outcome| outcome.is_there()).count();
    if there > 0 {
        let sizes: u64 = outcomes
            .iter()
            .filter(|outcome| outcome.is_there())
            .map(|outcome| outcome.size_bytes)
            .sum();
        output.say(&format!(
            "  deltas     {} there, {}",
            there,
            format_size(sizes)
        ));
    }
    Ok(outcomes)
}
