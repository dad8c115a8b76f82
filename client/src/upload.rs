//! A file that reaches the daemon whatever the network does: cut, it goes on where it stopped, also in another process on
//! another machine, because the daemon is asked and not a file of ours.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::api::UploadView;
use protocol::{Checksum, Code, UploadId};

use crate::http::Sent;
use crate::{Daemon, Error, Retry};

/// A file to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Where it lies.
    pub file: &'a Path,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256, by which an earlier try is found.
    pub checksum: Checksum,
}

/// A file that is with the daemon, and waits to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// What to name it by.
    pub id: UploadId,
    /// How many of its bytes were there before.
    pub resumed_bytes: u64,
    /// How many bytes were handed to connections for the rest, those of broken ones included.
    pub sent_bytes: u64,
}

/// Sends a file, or what is missing of it. Failures count only as long as nothing arrives.
///
/// # Errors
/// The daemon cannot be reached or does not stay, or refuses; `NOT_FOUND` when it is too old to know of uploads.
pub async fn upload(
    daemon: &Daemon,
    outgoing: Outgoing<'_>,
    sent: Sent,
    retry: &mut Retry<'_>,
) -> Result<Uploaded, Error> {
    let Outgoing {
        file, size_bytes, ..
    } = outgoing;
    let earlier = retry.call(|| daemon.uploads()).await?;
    let earlier = earlier.iter().rev().find(|view| is_of(view, &outgoing));
    let mut known = earlier.map(|view| view.id);
    let resumed_bytes = earlier.map_or(0, |view| view.offset);
    let counter = Arc::new(AtomicU64::new(0));
    let mut farthest = resumed_bytes;
    loop {
        let (id, offset) = match stand(daemon, known, &outgoing, retry).await? {
            Some(stand) => stand,
            // It went away meanwhile, at worst on a full disk: that is said to whoever begins another.
            None => {
                known = None;
                continue;
            }
        };
        known = Some(id);
        if offset > farthest {
            farthest = offset;
            retry.succeeded();
        }
        if offset == size_bytes {
            let sent_bytes = counter.load(Ordering::Relaxed);
            return Ok(Uploaded {
                id,
                resumed_bytes,
                sent_bytes,
            });
        }
        let counted = counted_from(offset, &counter, &sent);
        match daemon.continue_upload(id, offset, file, counted).await {
            Ok(offset) if offset == size_bytes => {}
            // A file that shrank, or a daemon that confirms less than it was sent.
            Ok(offset) => {
                return Err(Error::Size {
                    what: file.display().to_string(),
                    expected: size_bytes,
                    actual: offset,
                });
            }
            // Another process sends the same file, or our own cut request was not over yet: look again.
            Err(error) if matches!(error.code(), Some(Code::Conflict | Code::NotFound)) => {
                retry.wait_after(as_cut(daemon, error)).await?;
            }
            Err(error) => retry.wait_after(error).await?,
        }
    }
}

/// Where the upload stands; a new one where none is known. `None` when the known one is gone.
async fn stand(
    daemon: &Daemon,
    known: Option<UploadId>,
    outgoing: &Outgoing<'_>,
    retry: &mut Retry<'_>,
) -> Result<Option<(UploadId, u64)>, Error> {
    // Not `Retry::call`: an answer here is no progress yet.
    loop {
        let stood = match known {
            Some(id) => daemon
                .upload_offset(id)
                .await
                .map(|offset| offset.map(|offset| (id, offset))),
            None => begin(daemon, outgoing).await.map(|id| Some((id, 0))),
        };
        match stood {
            Ok(stood) => return Ok(stood),
            Err(error) => retry.wait_after(error).await?,
        }
    }
}

async fn begin(daemon: &Daemon, outgoing: &Outgoing<'_>) -> Result<UploadId, Error> {
    let name = outgoing.file.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let sha256 = outgoing.checksum.to_string();
    let metadata = [("filename", &*name), ("sha256", &sha256)];
    daemon.begin_upload(outgoing.size_bytes, &metadata).await
}

/// Whether an upload was begun for this very file, under its name.
fn is_of(view: &UploadView, outgoing: &Outgoing<'_>) -> bool {
    let says = |key: &str, value: &str| view.metadata.get(key).is_some_and(|said| said == value);
    let name = outgoing.file.file_name().unwrap_or_default();
    view.length == outgoing.size_bytes
        && says("sha256", &outgoing.checksum.to_string())
        && says("filename", &name.to_string_lossy())
}

fn counted_from(offset: u64, counter: &Arc<AtomicU64>, sent: &Sent) -> Sent {
    let (counter, sent) = (Arc::clone(counter), Arc::clone(sent));
    let before = counter.load(Ordering::Relaxed);
    Arc::new(move |position| {
        counter.store(before + (position - offset), Ordering::Relaxed);
        sent(position);
    })
}

/// A refusal that a cut request leads to passes like the cut.
fn as_cut(daemon: &Daemon, error: Error) -> Error {
    Error::Interrupted {
        url: daemon.url().to_owned(),
        reason: error.to_string(),
    }
}
