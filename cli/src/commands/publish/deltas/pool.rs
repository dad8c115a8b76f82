//! Makes what a release lacks, a few deltas at a time: the bases come over the network while others are worked on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use client::Daemon;
use client::download::{Progress, Wanted, download};
use delta::Format;
use protocol::api::{ReleaseView, paths};
use protocol::limits::COMPRESSED_PERCENT_MAX;
use protocol::{ClientId, Code, DeltaSource};
use tokio::task::JoinSet;

use super::making::{self, FromBase, Job};
use crate::commands::blocking;
use crate::commands::progress::{Counter, shown};
use crate::commands::publish::artifact::Artifact;
use crate::failure::Failure;
use crate::output::Output;

/// Making a delta takes a few times the size of both files: with more at once, memory would grow with the fleet.
const AT_ONCE: usize = 2;

/// What is to be made.
pub(super) struct Missing {
    pub(super) bases: Vec<(ReleaseView, Vec<Format>)>,
    /// Above this a delta is left out, in percent of the whole file.
    pub(super) largest_percent: u64,
    pub(super) is_compressed_missing: bool,
}

impl Missing {
    /// How many deltas there are to make.
    pub(super) fn steps(&self) -> u64 {
        let deltas: usize = self.bases.iter().map(|(_, formats)| formats.len()).sum();
        deltas as u64 + u64::from(self.is_compressed_missing)
    }
}

/// Fetches one base after the other, and makes the deltas from those that are here meanwhile. The compressed file needs
/// none, so it comes first.
pub(super) async fn make_all(
    daemon: &Daemon,
    missing: Missing,
    artifact: &Artifact,
    folder: &Path,
    done: &Counter,
    output: &Output,
) -> Result<Vec<FromBase>, Failure> {
    let path = artifact.path.clone();
    let new = blocking(move || {
        std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))
    });
    let new = Arc::new(new.await?);
    let mut running = JoinSet::new();
    let mut finished = Vec::new();
    let job = |position, from, old, formats, largest_percent| Job {
        position,
        from,
        old,
        new: Arc::clone(&new),
        formats,
        largest_percent,
        folder: folder.to_owned(),
        done: Arc::clone(done),
    };
    if missing.is_compressed_missing {
        let formats = vec![Format::Jar];
        let last = missing.bases.len();
        let job = job(
            last,
            DeltaSource::Nothing,
            None,
            formats,
            COMPRESSED_PERCENT_MAX,
        );
        running.spawn_blocking(move || making::make(job));
    }
    for (position, (base, formats)) in missing.bases.into_iter().enumerate() {
        if running.len() >= AT_ONCE {
            finished.extend(next(&mut running, output).await?);
        }
        let old = fetch(daemon, &base, folder, output).await?;
        let from = DeltaSource::Version(base.version_number);
        let job = job(position, from, Some(old), formats, missing.largest_percent);
        running.spawn_blocking(move || making::make(job));
    }
    while let Some(from_base) = next(&mut running, output).await? {
        finished.push(from_base);
    }
    finished.sort_by_key(|from_base| from_base.position);
    Ok(finished)
}

/// The next job that ends.
async fn next(
    running: &mut JoinSet<Result<FromBase, Failure>>,
    output: &Output,
) -> Result<Option<FromBase>, Failure> {
    match running.join_next().await {
        None => Ok(None),
        Some(Ok(outcome)) => {
            let from_base = outcome?;
            output.say(&format!("  {}", from_base.describe()));
            Ok(Some(from_base))
        }
        Some(Err(_)) => Err(Failure::error("the work was given up half-way")),
    }
}

async fn fetch(
    daemon: &Daemon,
    base: &ReleaseView,
    folder: &Path,
    output: &Output,
) -> Result<PathBuf, Failure> {
    let version = &base.version_number;
    let wanted = |path| Wanted {
        path,
        size_bytes: base.file_size,
        checksum: base.checksum,
    };
    let target = folder.join(format!("{}.jar", base.version_number));
    let counter = Counter::new(AtomicU64::new(0));
    let counted = Arc::clone(&counter);
    let mut on_progress =
        move |progress: Progress| counted.store(progress.done_bytes, Ordering::Relaxed);
    let fetching = async {
        // Not as a client: nobody's update begins with it.
        let ours = wanted(format!("{}/versions/{}/download", paths::ADMIN, base.id));
        match download(daemon, &ours, None, &target, &mut on_progress).await {
            // An older daemon has it for clients only.
            Err(error) if error.code() == Some(Code::NotFound) => {
                let theirs = wanted(base.download_url.clone());
                let publisher = format!("relctl-publish-{}", std::process::id());
                let publisher: ClientId = publisher.parse().expect("letters, dashes and digits");
                download(daemon, &theirs, Some(&publisher), &target, &mut on_progress).await
            }
            outcome => outcome,
        }
    };
    let label = format!("get {version}");
    shown(output, &label, base.file_size, &counter, fetching).await?;
    Ok(target)
}
