//! Fetches a file so that a cut never means starting over, and a wrong byte never means a wrong file.
//!
//! The bytes go to `NAME.part`; beside it `NAME.part.json` says what they are the beginning of. The target gets its
//! name only after its SHA-256 matched, so whoever finds it may use it.

mod part;

use std::path::Path;
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG};
use protocol::{Checksum, ClientId};
use reqwest::Response;
use tracing::debug;

use crate::backoff::Backoff;
use crate::error::blocking;
use crate::{Daemon, Error};
use part::Part;

/// A file of the daemon, as it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Path of the download, such as `/api/v1/updates/download/2.1.0`.
    pub path: String,
    /// Its size in bytes; not a byte more is taken.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub checksum: Checksum,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes from the start of the file, also after a resume.
    pub done_bytes: u64,
    /// Size of the file.
    pub total_bytes: u64,
}

/// A download that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes that came over the network this time; less than the size after a resume, 0 when the file was there.
    pub fetched_bytes: u64,
    /// Bytes that an earlier try had left.
    pub resumed_bytes: u64,
}

/// Tries in a row that brought nothing before a download is given up. What was fetched stays for the next time.
const FRUITLESS_TRIES: u32 = 6;

/// Waits between tries: short, because somebody looks at a bar.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Callers hear of progress at most this often, and at the end.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Fetches `wanted` to `target`, going on where an earlier try stopped.
///
/// # Errors
/// The daemon refuses, the connection breaks again and again, the file cannot be written, or the bytes are not the
/// announced ones; `target` is then as it was before.
pub async fn download(
    daemon: &Daemon,
    wanted: &Wanted,
    client: Option<&ClientId>,
    target: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Fetched, Error> {
    if is_there(target, wanted).await? {
        progress(wanted.progress(wanted.size_bytes));
        return Ok(Fetched {
            fetched_bytes: 0,
            resumed_bytes: wanted.size_bytes,
        });
    }
    let mut backoff = Backoff::new().with_bounds(FIRST_WAIT, LAST_WAIT);
    let mut part = Part::open(target, wanted).await?;
    let resumed_bytes = part.len();
    let mut fetched_bytes = 0;
    loop {
        let before = part.len();
        let outcome = fetch(
            daemon,
            wanted,
            client,
            &mut part,
            progress,
            &mut fetched_bytes,
        );
        let error = match outcome.await {
            Ok(()) => break,
            Err(error) if error.is_temporary() => error,
            Err(error) => return Err(error),
        };
        if part.len() > before {
            backoff.reset();
        }
        if backoff.failures() + 1 >= FRUITLESS_TRIES {
            return Err(error);
        }
        let wait = match error.retry_after() {
            Some(asked) => backoff.next_wait_after(asked),
            None => backoff.next_wait(),
        };
        debug!(path = %wanted.path, at = part.len(), %error, ?wait, "download goes on after a wait");
        tokio::time::sleep(wait).await;
    }
    part.finish(target, wanted).await?;
    Ok(Fetched {
        fetched_bytes,
        resumed_bytes,
    })
}

impl Wanted {
    fn progress(&self, done_bytes: u64) -> Progress {
        Progress {
            done_bytes,
            total_bytes: self.size_bytes,
        }
    }

    fn what(&self) -> String {
        format!("the download {}", self.path)
    }
}

async fn is_there(target: &Path, wanted: &Wanted) -> Result<bool, Error> {
    let (target, size, checksum) = (target.to_owned(), wanted.size_bytes, wanted.checksum);
    blocking(move || match std::fs::metadata(&target) {
        Ok(found) if found.len() == size => {
            let (digest, _) =
                delta::checksum::sha256_file(&target).map_err(Error::file("read", &target))?;
            Ok(Checksum::from_bytes(digest) == checksum)
        }
        _ => Ok(false),
    })
    .await
}

/// One request: from where the part ends to the end of the file.
async fn fetch(
    daemon: &Daemon,
    wanted: &Wanted,
    client: Option<&ClientId>,
    part: &mut Part,
    progress: &mut (dyn FnMut(Progress) + Send),
    fetched_bytes: &mut u64,
) -> Result<(), Error> {
    if part.len() == wanted.size_bytes {
        progress(wanted.progress(part.len()));
        return Ok(());
    }
    let from = part.resume_point();
    let opened = daemon.open_download(&wanted.path, client, from).await;
    let mut response = match opened {
        Ok(response) => response,
        // The file is shorter than what we have of it: it is another file.
        Err(Error::Refused(refusal)) if refusal.status == Some(416) => {
            part.restart(None).await?;
            daemon.open_download(&wanted.path, client, None).await?
        }
        Err(error) => return Err(error),
    };
    begin(wanted, part, &response).await?;

    let mut told = Instant::now();
    progress(wanted.progress(part.len()));
    while let Some(bytes) = next_chunk(daemon, &mut response, part).await? {
        if part.len() + bytes.len() as u64 > wanted.size_bytes {
            return Err(wrong_size(wanted, part.len() + bytes.len() as u64));
        }
        part.write(&bytes).await?;
        *fetched_bytes += bytes.len() as u64;
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            progress(wanted.progress(part.len()));
        }
    }
    part.flush().await?;
    progress(wanted.progress(part.len()));
    if part.len() < wanted.size_bytes {
        return Err(Error::Interrupted {
            url: daemon.url().to_owned(),
            reason: format!(
                "it ended after {} of {} bytes",
                part.len(),
                wanted.size_bytes
            ),
        });
    }
    Ok(())
}

async fn next_chunk(
    daemon: &Daemon,
    response: &mut Response,
    part: &mut Part,
) -> Result<Option<bytes::Bytes>, Error> {
    match daemon.chunk(response).await {
        Ok(chunk) => Ok(chunk),
        Err(error) => {
            // What arrived is kept: the next try goes on from there.
            part.flush().await?;
            Err(error)
        }
    }
}

/// Brings the part in line with what the answer is: the rest of the file, or the whole of it.
async fn begin(wanted: &Wanted, part: &mut Part, response: &Response) -> Result<(), Error> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let announced: Option<u64> = header(CONTENT_LENGTH).and_then(|text| text.parse().ok());
    if response.status() == StatusCode::PARTIAL_CONTENT {
        let (start, total) = header(CONTENT_RANGE)
            .and_then(content_range)
            .ok_or_else(|| unreadable(response, "its Content-Range cannot be read"))?;
        if start != part.len() || total != wanted.size_bytes {
            part.restart(None).await?;
            return Err(unreadable(
                response,
                "it sent another range than the one asked for",
            ));
        }
        return Ok(());
    }
    // A sign-in page of a hotel is also a 200; its size gives it away before a byte is kept.
    match announced {
        Some(bytes) if bytes != wanted.size_bytes => return Err(wrong_size(wanted, bytes)),
        _ => {}
    }
    part.restart(header(ETAG).map(str::to_owned)).await
}

fn unreadable(response: &Response, reason: &str) -> Error {
    Error::Unreadable {
        url: response.url().to_string(),
        reason: reason.to_owned(),
    }
}

fn wrong_size(wanted: &Wanted, actual: u64) -> Error {
    Error::Size {
        what: wanted.what(),
        expected: wanted.size_bytes,
        actual,
    }
}

/// First byte and total of `bytes 5-9/10`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_tells_where_the_bytes_begin() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 10)));
        for text in ["bytes */10", "bytes 5-9/*", "5-9/10", ""] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }
}
