//! Builds the deltas that offered releases lack: `deltas.build = "on-publish"`.
//!
//! The work is found in the catalog anew after each build, so a release that is toggled or rolled back meanwhile changes
//! what comes next and nothing else, and a daemon that was killed goes on where it was. One build at a time, on a
//! thread of its own with the lowest priority. What came out of it is applied once, then stored like an upload, in one
//! step; before that nothing of it is on the disk, so a build may be abandoned at any moment.
//!
//! What failed or saved too little is not tried again before the next start.

mod plan;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use delta::{ApplyLimits, Format, Options};
use protocol::Code;
use protocol::limits::{COMPRESSED_LEVEL, COMPRESSED_PERCENT_MAX, DELTA_PERCENT_MAX};
use tokio::sync::oneshot;

use crate::app::App;
use crate::blobs::Blobs;
use crate::ops::deltas::rebuild::{check_rebuilds, read_blob, read_source};
use crate::ops::deltas::{add_built, source_file};
use crate::store::{BlobRef, Release};
use plan::MissingDelta;

/// What `nice` calls it.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;

/// Builds what is missing, then waits until releases change.
pub async fn build_deltas(app: Arc<App>) {
    let mut given_up: HashSet<MissingDelta> = HashSet::new();
    loop {
        let work = async {
            let Some(wanted) = next(&app, &given_up) else {
                // One that changed since the look has left its call here.
                app.releases_changed.notified().await;
                return None;
            };
            let ended = build(&app, &wanted).await;
            Some((wanted, ended))
        };
        let done = tokio::select! {
            done = work => done,
            () = app.stop.cancelled() => return,
        };
        let Some((wanted, ended)) = done else {
            continue;
        };
        let MissingDelta { from, to, format } = &wanted;
        match ended {
            Ok(Ended::Stored) => {}
            Ok(Ended::LeftOut(reason)) => {
                tracing::info!(%from, %to, %format, reason, "a delta is left out");
                given_up.insert(wanted);
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::warn!(%from, %to, %format, reason, "a delta cannot be built; clients go another way");
                given_up.insert(wanted);
            }
        }
    }
}

/// How a build ended that did not fail.
#[derive(Debug)]
enum Ended {
    Stored,
    /// Clients do without it, for this reason.
    LeftOut(String),
}

/// What a build made.
#[derive(Debug)]
enum Made {
    Patch(Vec<u8>),
    LeftOut(String),
}

fn next(app: &App, given_up: &HashSet<MissingDelta>) -> Option<MissingDelta> {
    // Nothing could be stored.
    if app.store.read_only_reason().is_some() {
        return None;
    }
    let running = app.hub.summary().by_version;
    let catalog = app.store.catalog();
    plan::next(&catalog, &app.config.channels, &running, given_up)
}

async fn build(app: &Arc<App>, wanted: &MissingDelta) -> anyhow::Result<Ended> {
    let place = app.delta_build().await?;
    let catalog = app.store.catalog();
    let gone = || format!("version {} is not there any more", wanted.to);
    let to = Arc::clone(catalog.by_version(&wanted.to).with_context(gone)?);
    let job = Job {
        blobs: app.blobs.clone(),
        source: source_file(&catalog, &wanted.from, &to)?,
        target: to.blob,
        format: wanted.format,
    };
    let MissingDelta {
        from,
        to: version,
        format,
    } = wanted;
    tracing::info!(%from, to = %version, %format, "a delta is being built");
    let began = Instant::now();
    let (done, built) = oneshot::channel();
    // Not the blocking pool: a thread keeps its priority. It only reads and computes, so at a stop it is left behind; the
    // place is free when it ends, and not before.
    let thread = thread::Builder::new().name("delta-build".into());
    thread.spawn(move || {
        lower_priority();
        let made = make(&job);
        drop(place);
        // Nobody waits for it when the daemon stops.
        done.send(made).ok();
    })?;
    let patch = match built.await.context("the build panicked")?? {
        Made::Patch(patch) => patch,
        Made::LeftOut(reason) => return Ok(Ended::LeftOut(reason)),
    };
    let duration_ms = began.elapsed().as_millis();
    tracing::info!(%from, to = %version, %format, size_bytes = patch.len(), duration_ms, "a delta was built");
    store(app, wanted, to, patch).await
}

async fn store(
    app: &Arc<App>,
    wanted: &MissingDelta,
    to: Arc<Release>,
    patch: Vec<u8>,
) -> anyhow::Result<Ended> {
    let (from, format) = (wanted.from.clone(), wanted.format);
    let storing = app.blocking(move |app| add_built(app, &from, &to, format, &patch));
    match storing.await {
        Ok(_) => Ok(Ended::Stored),
        Err(error) if error.code() == Code::Conflict => Ok(Ended::LeftOut(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// All that a build needs to know; it sees neither store nor sessions.
struct Job {
    blobs: Blobs,
    /// `None` where the delta starts from nothing.
    source: Option<BlobRef>,
    target: BlobRef,
    format: Format,
}

/// Makes a delta, and applies it once before it counts.
fn make(job: &Job) -> anyhow::Result<Made> {
    let (options, percent_max) = match job.source {
        Some(_) => (Options::default(), DELTA_PERCENT_MAX),
        None => {
            let level = Some(COMPRESSED_LEVEL);
            (Options { level }, COMPRESSED_PERCENT_MAX)
        }
    };
    let old = read_source(&job.blobs, job.source)?;
    let new = read_blob(&job.blobs, &job.target)?;
    let patch = match delta::create(job.format, &old, &new, options) {
        Ok(patch) => patch,
        // No JAR that the format knows: there is the other one.
        Err(error @ delta::Error::NotModelled { .. }) => {
            return Ok(Made::LeftOut(error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let (size, full) = (patch.len() as u64, job.target.size_bytes);
    if size * 100 > full * percent_max {
        let reason = format!("it has {size} bytes of {full}, which saves too little");
        return Ok(Made::LeftOut(reason));
    }
    drop(new);
    let limits = ApplyLimits::for_sizes(old.len() as u64, full);
    check_rebuilds(&old, &patch, &job.target, &limits)?;
    Ok(Made::Patch(patch))
}

/// Lets everything else on the machine go first. Where that cannot be, the build goes on all the same.
fn lower_priority() {
    // On Linux priorities are those of threads, and no process id means the calling thread; elsewhere it would be the
    // whole daemon.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::debug!(%error, "a build runs with ordinary priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_build_steps_back_behind_everything_else_and_the_daemon_does_not() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let lowered = thread::spawn(move || {
            lower_priority();
            nice()
        });
        assert_eq!(lowered.join().unwrap(), LOWEST_PRIORITY);
        assert_eq!(nice(), before);
    }
}
