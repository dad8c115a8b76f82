//! The body of a download: a file in chunks, read one ahead, and measured as it is handed over.
//!
//! Reads run on the blocking pool, so a cold disk never holds a worker. The blob is immutable and stays readable
//! through the open file even when it is swept meanwhile.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use protocol::message::{COMPRESSED, DownloadProgress};
use protocol::{ClientId, Timestamp, Version};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::download::{Download, Packing};
use crate::app::App;
use crate::limit::DownloadSlot;

/// Large enough that trips to the blocking pool do not count, small enough that a thousand downloads fit in memory.
const CHUNK_BYTES: u64 = 256 * 1024;

/// The last piece is small: when it is asked for, all before it has left our buffers.
const LAST_BYTES: u64 = 16 * 1024;

/// Between two reports of progress (contract section 5: at most four a second).
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// Speed is measured over so long.
const SPEED_WINDOW: Duration = Duration::from_secs(3);

/// A part of a file as an HTTP body.
pub(super) struct FileBody {
    reading: Option<JoinHandle<io::Result<(File, Bytes)>>>,
    /// Behind what was handed over.
    position: u64,
    end: u64,
    transfer: Transfer,
}

impl FileBody {
    /// The bytes from `start` up to, and without, `end`.
    pub(super) fn new(file: File, start: u64, end: u64, transfer: Transfer) -> Self {
        Self {
            reading: read(file, start, end),
            position: start,
            end,
            transfer,
        }
    }
}

fn read(file: File, start: u64, end: u64) -> Option<JoinHandle<io::Result<(File, Bytes)>>> {
    let left = end.checked_sub(start).filter(|left| *left > 0)?;
    let length = if left > LAST_BYTES {
        CHUNK_BYTES.min(left - LAST_BYTES)
    } else {
        left
    };
    Some(tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, start)?;
        Ok((file, bytes.into()))
    }))
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        // Whoever asks for more has taken what it got.
        this.transfer.advance(this.position);
        let Some(reading) = &mut this.reading else {
            return Poll::Ready(None);
        };
        let read_result = ready!(Pin::new(reading).poll(context))
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        this.reading = None;
        match read_result {
            Ok((file, bytes)) => {
                this.position += bytes.len() as u64;
                this.reading = read(file, this.position, this.end);
                if this.reading.is_none() {
                    this.transfer.is_all_handed_over = true;
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                tracing::error!(%error, "a file cannot be read; its download breaks off");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.position)
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        if self.transfer.is_all_handed_over {
            self.transfer.position = self.position;
        }
        self.transfer.end();
    }
}

/// One running download: its place among the client's downloads, and what is told and counted of it.
pub(super) struct Transfer {
    app: Arc<App>,
    _slot: DownloadSlot,
    client: Option<ClientId>,
    version: Version,
    packing: Packing,
    start: u64,
    /// Up to here it was handed over.
    position: u64,
    total: u64,
    is_all_handed_over: bool,
    samples: VecDeque<(Instant, u64)>,
    reported_at: Instant,
}

impl Transfer {
    /// Begins to tell and to count.
    pub(super) fn begin(
        app: &Arc<App>,
        slot: DownloadSlot,
        client: Option<ClientId>,
        download: &Download,
        start: u64,
    ) -> Self {
        let now = Instant::now();
        let transfer = Self {
            app: Arc::clone(app),
            _slot: slot,
            client,
            version: download.version.clone(),
            packing: download.packing.clone(),
            start,
            position: start,
            total: download.blob.size_bytes,
            is_all_handed_over: false,
            samples: VecDeque::from([(now, start)]),
            reported_at: now,
        };
        if start == 0 && matches!(transfer.packing, Packing::Plain) {
            transfer
                .app
                .counters
                .count(&transfer.version, |counts| counts.downloads_started += 1);
        }
        transfer.report(0);
        transfer
    }

    fn advance(&mut self, position: u64) {
        self.position = position;
        let now = Instant::now();
        if now.duration_since(self.reported_at) >= REPORT_INTERVAL {
            self.reported_at = now;
            let speed = self.measure(now);
            self.report(speed);
        }
    }

    /// Bytes a second over the last few seconds.
    fn measure(&mut self, now: Instant) -> u64 {
        self.samples.push_back((now, self.position));
        while self.samples.len() > 2
            && self
                .samples
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > SPEED_WINDOW)
        {
            self.samples.pop_front();
        }
        let Some((since, position)) = self.samples.front() else {
            return 0;
        };
        let elapsed_ms = u64::try_from(now.duration_since(*since).as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        self.position.saturating_sub(*position).saturating_mul(1000) / elapsed_ms
    }

    fn report(&self, speed: u64) {
        let Some(client) = &self.client else { return };
        let left = self.total.saturating_sub(self.position);
        self.app.hub.download_progress(DownloadProgress {
            client_id: client.clone(),
            version: self.version.clone(),
            bytes_downloaded: self.position,
            total_bytes: self.total,
            progress_percentage: percentage(self.position, self.total),
            download_speed: speed,
            estimated_time_remaining: left.div_ceil(speed.max(1)) * u64::from(speed > 0),
            timestamp: Timestamp::now(),
            format: match &self.packing {
                Packing::Plain => None,
                Packing::Delta { format, .. } => Some(format.clone()),
                Packing::Compressed { .. } => Some(COMPRESSED.to_owned()),
            },
            seq: None,
        });
    }

    fn end(&mut self) {
        let speed = self.measure(Instant::now());
        self.report(speed);
        let sent = self.position - self.start;
        let is_complete = self.position == self.total;
        self.app.counters.count(&self.version, |counts| {
            counts.bytes_sent += sent;
            if !is_complete {
                return;
            }
            let saved_of = |full_size_bytes: &u64| full_size_bytes.saturating_sub(self.total);
            match &self.packing {
                Packing::Plain => counts.downloads_completed += 1,
                Packing::Delta {
                    full_size_bytes, ..
                } => {
                    counts.delta_downloads_completed += 1;
                    counts.bytes_saved += saved_of(full_size_bytes);
                }
                Packing::Compressed { full_size_bytes } => {
                    counts.compressed_downloads_completed += 1;
                    counts.bytes_saved += saved_of(full_size_bytes);
                }
            }
        });
    }
}

/// Whole percent; 100 only for all of it.
fn percentage(position: u64, total: u64) -> u8 {
    let percent = position.saturating_mul(100) / total.max(1);
    u8::try_from(percent).unwrap_or(100).min(100)
}
