//! Bringing files to the daemon: small ones in one request, larger ones so that a cut costs little and a new run goes on.

use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use client::http::{NewDelta, NewRelease, Sent};
use client::upload::{Outgoing, Uploaded, upload};
use protocol::api::ReleaseView;
use protocol::{Code, Version};

use super::artifact::Artifact;
use super::deltas::MadeDelta;
use super::link::Link;
use crate::commands::progress::{Counter, shown};

/// From this size on a file goes by an upload that can be cut. Below it, two more requests cost more than sending it again.
const RESUMABLE_BYTES: u64 = 1024 * 1024;

/// What bringing a file took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// How many bytes of files were handed to connections, those of broken ones included.
    pub(super) sent_bytes: u64,
    /// How many an earlier run had brought.
    pub(super) resumed_bytes: u64,
}

impl AddAssign for Brought {
    fn add_assign(&mut self, other: Self) {
        self.sent_bytes += other.sent_bytes;
        self.resumed_bytes += other.resumed_bytes;
    }
}

/// Brings the JAR, unannounced.
pub(super) async fn send_release(
    link: Link<'_>,
    artifact: &Artifact,
    release: &NewRelease,
) -> Result<Brought, client::Error> {
    let Artifact {
        path,
        size_bytes,
        checksum,
        ..
    } = artifact;
    let daemon = link.daemon;
    let outgoing = Outgoing {
        file: path,
        size_bytes: *size_bytes,
        checksum: *checksum,
    };
    if let Some(uploaded) = uploaded(link, "uploading", outgoing).await? {
        let made = link.call(async || {
            let made = daemon.create_release_from(release, uploaded.id).await;
            match made {
                Err(error) if error.code() == Some(Code::NotFound) => {
                    // The upload is gone when the answer to an earlier try was lost: then the release is there.
                    let there = daemon.release(&release.version).await;
                    there
                        .ok()
                        .filter(|view| view.checksum == release.checksum)
                        .ok_or(error)
                }
                made => made.map(|published| published.release),
            }
        });
        made.await?;
        return Ok(uploaded.into());
    }
    let counter = Counter::new(AtomicU64::new(0));
    let sending = link.call(|| daemon.create_release(release, path, counting(&counter)));
    shown(link.output, "uploading", *size_bytes, &counter, sending).await?;
    Ok(Brought {
        sent_bytes: *size_bytes,
        resumed_bytes: 0,
    })
}

/// Brings a delta.
pub(super) async fn send_delta(
    link: Link<'_>,
    to: &Version,
    delta: &MadeDelta,
) -> Result<Brought, client::Error> {
    let daemon = link.daemon;
    let new = NewDelta {
        from: &delta.from,
        format: delta.format.name(),
        file: &delta.file,
        checksum: delta.checksum,
    };
    let outgoing = Outgoing {
        file: &delta.file,
        size_bytes: delta.size_bytes,
        checksum: delta.checksum,
    };
    let label = delta.label();
    if let Some(uploaded) = uploaded(link, &label, outgoing).await? {
        let added = link.call(async || {
            let added = daemon.add_delta_from(to, &new, uploaded.id).await;
            match added {
                Err(error) if error.code() == Some(Code::NotFound) => {
                    let there = daemon.release(to).await;
                    there
                        .ok()
                        .filter(|view| has(view, &new))
                        .map(drop)
                        .ok_or(error)
                }
                added => added.map(drop),
            }
        });
        added.await?;
        return Ok(uploaded.into());
    }
    let counter = Counter::new(AtomicU64::new(0));
    let sending = link.call(|| daemon.add_delta(to, &new, counting(&counter)));
    shown(link.output, &label, delta.size_bytes, &counter, sending).await?;
    Ok(Brought {
        sent_bytes: delta.size_bytes,
        resumed_bytes: 0,
    })
}

fn has(view: &ReleaseView, delta: &NewDelta<'_>) -> bool {
    let mut all = view.deltas.iter().chain(&view.compressed);
    all.any(|found| found.from_version == *delta.from && found.format == delta.format)
}

/// A file by an upload that can be cut; `None` where it is too small for that, or the daemon too old.
async fn uploaded(
    link: Link<'_>,
    label: &str,
    outgoing: Outgoing<'_>,
) -> Result<Option<Uploaded>, client::Error> {
    if outgoing.size_bytes < RESUMABLE_BYTES {
        return Ok(None);
    }
    let counter = Counter::new(AtomicU64::new(0));
    let mut retry = link.retry();
    let sending = upload(link.daemon, outgoing, counting(&counter), &mut retry);
    let size_bytes = outgoing.size_bytes;
    match shown(link.output, label, size_bytes, &counter, sending).await {
        Ok(uploaded) => Ok(Some(uploaded)),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn counting(counter: &Counter) -> Sent {
    let counter = Arc::clone(counter);
    Arc::new(move |bytes| counter.store(bytes, Ordering::Relaxed))
}

impl From<Uploaded> for Brought {
    fn from(uploaded: Uploaded) -> Self {
        Self {
            sent_bytes: uploaded.sent_bytes,
            resumed_bytes: uploaded.resumed_bytes,
        }
    }
}
