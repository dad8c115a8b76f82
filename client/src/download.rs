//! Fetches a file so that a cut never means starting over, and a wrong byte never means a wrong file.
//!
//! The bytes go to `NAME.part`; beside it `NAME.part.json` says what they are the beginning of. The target gets its
//! name only after its SHA-256 matched, so whoever finds it may use it.

mod part;

use std::path::Path;
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderName, StatusCode};
use protocol::{Checksum, ClientId};
use reqwest::Response;
use tracing::debug;

use crate::backoff::Backoff;
use crate::error::blocking;
use crate::{Daemon, Error, room};
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
const FRUITLESS_TRIES: u32 = 8;

/// Waits between tries: short, because somebody looks at a bar.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Callers hear of progress at most this often, and at the end.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Fetches `wanted` to `target`, going on where an earlier try stopped.
///
/// # Errors
/// The disk has no room for it, the daemon refuses, the connection breaks again and again, the file cannot be written,
/// or the bytes are not the announced ones; `target` is then as it was before.
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
    room::ensure(folder_of(target), wanted.missing_bytes(target)).await?;
    let mut part = Part::open(target, wanted).await?;
    let resumed_bytes = part.len();
    let mut transfer = Transfer {
        daemon,
        wanted,
        client,
        progress,
        fetched_bytes: 0,
        is_pieced: resumed_bytes > 0,
    };
    transfer.run(&mut part).await?;
    match part.finish(target, wanted).await {
        // A piece was damaged on the disk, or somebody in between sent one of another file. All of it comes anew, once.
        Err(Error::Mismatch { .. }) if transfer.is_pieced => {
            let mut part = Part::open(target, wanted).await?;
            transfer.run(&mut part).await?;
            part.finish(target, wanted).await?;
        }
        finished => finished?,
    }
    Ok(Fetched {
        fetched_bytes: transfer.fetched_bytes,
        resumed_bytes,
    })
}

impl Wanted {
    /// How many bytes an earlier try left to be fetched.
    pub(crate) fn missing_bytes(&self, target: &Path) -> u64 {
        if std::fs::metadata(target).is_ok_and(|found| found.len() == self.size_bytes) {
            return 0;
        }
        self.size_bytes.saturating_sub(part::len_beside(target))
    }

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

/// One file on its way, over as many requests as it takes.
struct Transfer<'a> {
    daemon: &'a Daemon,
    wanted: &'a Wanted,
    client: Option<&'a ClientId>,
    progress: &'a mut (dyn FnMut(Progress) + Send),
    fetched_bytes: u64,
    /// Whether the file is put together from several answers.
    is_pieced: bool,
}

impl Transfer<'_> {
    async fn run(&mut self, part: &mut Part) -> Result<(), Error> {
        let mut backoff = Backoff::new().with_bounds(FIRST_WAIT, LAST_WAIT);
        loop {
            let before = part.len();
            let error = match self.fetch(part).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_temporary() => error,
                Err(error) => return Err(error),
            };
            if part.len() > before {
                backoff.reset();
            }
            if backoff.failures() + 1 >= FRUITLESS_TRIES {
                return Err(error);
            }
            let wait = backoff.next_wait_for(&error);
            let (path, at) = (&self.wanted.path, part.len());
            debug!(%path, at, %error, ?wait, "download goes on after a wait");
            tokio::time::sleep(wait).await;
        }
    }

    /// One request: from where the part ends to the end of the file.
    async fn fetch(&mut self, part: &mut Part) -> Result<(), Error> {
        let wanted = self.wanted;
        if part.len() == wanted.size_bytes {
            (self.progress)(wanted.progress(part.len()));
            return Ok(());
        }
        let mut response = self.open(part).await?;
        let mut told = Instant::now();
        (self.progress)(wanted.progress(part.len()));
        while let Some(bytes) = self.next_chunk(&mut response, part).await? {
            let len = part.len() + bytes.len() as u64;
            if len > wanted.size_bytes {
                return Err(wrong_size(wanted, len));
            }
            part.write(&bytes).await?;
            self.fetched_bytes += bytes.len() as u64;
            if told.elapsed() >= PROGRESS_INTERVAL {
                told = Instant::now();
                // On a slow line the buffer holds what took seconds to come; a kill shall not cost that.
                part.flush().await?;
                (self.progress)(wanted.progress(len));
            }
        }
        part.flush().await?;
        (self.progress)(wanted.progress(part.len()));
        if part.len() < wanted.size_bytes {
            return Err(Error::Interrupted {
                url: self.daemon.url().to_owned(),
                reason: format!(
                    "it ended after {} of {} bytes",
                    part.len(),
                    wanted.size_bytes
                ),
            });
        }
        Ok(())
    }

    /// The rest of the file where the part can be gone on with, and the whole of it where not.
    async fn open(&mut self, part: &mut Part) -> Result<Response, Error> {
        let Self {
            daemon,
            wanted,
            client,
            ..
        } = *self;
        if let Some(from) = part.resume_point() {
            match daemon.open_download(&wanted.path, client, Some(from)).await {
                Ok(response) if response.status() == StatusCode::OK => {
                    part.restart(whole(wanted, &response)?).await?;
                    return Ok(response);
                }
                Ok(response) if goes_on(wanted, part, &response) => {
                    self.is_pieced = true;
                    return Ok(response);
                }
                // What was sent is of another file, or another range: nothing of it is used.
                Ok(_) => {}
                // The file is shorter than what we have of it: it is another file.
                Err(Error::Refused(refusal)) if refusal.status == Some(416) => {}
                Err(error) => return Err(error),
            }
            part.restart(None).await?;
        }
        let response = daemon.open_download(&wanted.path, client, None).await?;
        part.restart(whole(wanted, &response)?).await?;
        Ok(response)
    }

    // `&mut`, though nothing is changed: a shared borrow of what tells progress could not be sent to another thread.
    async fn next_chunk(
        &mut self,
        response: &mut Response,
        part: &mut Part,
    ) -> Result<Option<bytes::Bytes>, Error> {
        match self.daemon.chunk(response).await {
            Ok(chunk) => Ok(chunk),
            Err(error) => {
                // What arrived is kept: the next try goes on from there.
                part.flush().await?;
                Err(error)
            }
        }
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

/// The tag of an answer that is the whole file, as far as can be told before its bytes are there.
fn whole(wanted: &Wanted, response: &Response) -> Result<Option<String>, Error> {
    if response.status() != StatusCode::OK {
        let status = response.status();
        return Err(unreadable(response, &format!("status {status}")));
    }
    // A sign-in page of a hotel is also a 200; its type or its size gives it away before a byte is kept.
    if text(response, CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(unreadable(
            response,
            "it sent a web page in place of a file",
        ));
    }
    let announced = text(response, CONTENT_LENGTH).and_then(|text| text.parse().ok());
    match announced {
        Some(bytes) if bytes != wanted.size_bytes => Err(wrong_size(wanted, bytes)),
        _ => Ok(text(response, ETAG).map(str::to_owned)),
    }
}

/// Whether an answer begins where the part ends, and is of the same file.
fn goes_on(wanted: &Wanted, part: &Part, response: &Response) -> bool {
    let Some((at, tag)) = part.resume_point() else {
        return false;
    };
    response.status() == StatusCode::PARTIAL_CONTENT
        && text(response, ETAG).is_none_or(|found| found == tag)
        && text(response, CONTENT_RANGE).and_then(content_range) == Some((at, wanted.size_bytes))
}

fn text(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// The folder in which a file lies or will lie.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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
