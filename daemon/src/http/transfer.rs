//! A running download as others see it: measured as its bytes are handed to the socket, told and counted.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::message::{COMPRESSED, DownloadProgress};
use protocol::{ClientId, Timestamp, Version};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::download::{Download, Packing};
use crate::app::App;
use crate::limit::DownloadSlot;

/// Between two reports of progress (contract section 5: at most four a second).
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// The end of a file goes by itself, and is short enough for any socket that takes something to take it whole.
pub(super) const TAIL_BYTES: usize = 16 * 1024;

/// Speed is measured over so long.
const SPEED_WINDOW: Duration = Duration::from_secs(3);

/// One running download: its place among the client's downloads, and what is told and counted of it. It ends when it is
/// dropped.
pub(super) struct Transfer {
    app: Arc<App>,
    client: Option<ClientId>,
    version: Version,
    packing: Packing,
    is_counted: bool,
    start: u64,
    /// Behind the last byte that was asked for.
    end: u64,
    total: u64,
    measured: Mutex<Measured>,
}

struct Measured {
    /// The place, until the download is settled.
    slot: Option<Arc<DownloadSlot>>,
    /// Up to here it was handed to the socket.
    position: u64,
    samples: VecDeque<(Instant, u64)>,
    reported_at: Instant,
}

impl Transfer {
    /// Begins to tell and to count, for a part of the file.
    pub(super) fn begin(
        app: &Arc<App>,
        slot: Arc<DownloadSlot>,
        client: Option<ClientId>,
        download: &Download,
        part: &Range<u64>,
    ) -> Self {
        let now = Instant::now();
        let transfer = Self {
            app: Arc::clone(app),
            client,
            version: download.version.clone(),
            packing: download.packing.clone(),
            is_counted: download.is_clients,
            start: part.start,
            end: part.end,
            total: download.blob.size_bytes,
            measured: Mutex::new(Measured {
                slot: Some(slot),
                position: part.start,
                samples: VecDeque::from([(now, part.start)]),
                reported_at: now,
            }),
        };
        let is_begun = part.start == 0 && matches!(transfer.packing, Packing::Plain);
        if is_begun && transfer.is_counted {
            transfer
                .app
                .counters
                .count(&transfer.version, |counts| counts.downloads_started += 1);
        }
        transfer.report(part.start, 0);
        transfer
    }

    /// Where what it has to wait for may run.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.app.tasks
    }

    /// So many bytes are about to be handed to the socket.
    ///
    /// Who has the last one may come again at once, and then its place has to be free and the download counted. So both
    /// is done now, when the tail is next.
    pub(super) fn settle_if_last(&self, bytes: u64) {
        let mut measured = self.measured();
        if bytes > TAIL_BYTES as u64 || measured.position + bytes < self.end {
            return;
        }
        if let Some(slot) = measured.slot.take() {
            drop(measured);
            drop(slot);
            self.count(self.end);
        }
    }

    /// So many more bytes were handed to the socket.
    pub(super) fn advance(&self, bytes: u64) {
        let mut measured = self.measured();
        measured.position += bytes;
        // The end is told by itself; and where there is nobody to tell, the clock need not be read.
        if self.client.is_none() || measured.position == self.end {
            return;
        }
        let now = Instant::now();
        if now.duration_since(measured.reported_at) < REPORT_INTERVAL {
            return;
        }
        measured.reported_at = now;
        let (position, speed) = (measured.position, measured.speed(now));
        drop(measured);
        self.report(position, speed);
    }

    fn report(&self, position: u64, speed: u64) {
        let Some(client) = &self.client else { return };
        if !self.app.hub.is_followed(client) {
            return;
        }
        let left = self.total.saturating_sub(position);
        self.app.hub.download_progress(DownloadProgress {
            client_id: client.clone(),
            version: self.version.clone(),
            bytes_downloaded: position,
            total_bytes: self.total,
            progress_percentage: percentage(position, self.total),
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

    fn count(&self, position: u64) {
        if !self.is_counted {
            return;
        }
        let sent = position - self.start;
        let is_complete = position == self.total;
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

    /// Nothing panics while it holds the lock.
    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut measured = self.measured();
        let (position, speed) = (measured.position, measured.speed(Instant::now()));
        let slot = measured.slot.take();
        drop(measured);
        self.report(position, speed);
        if slot.is_some() {
            self.count(position);
        }
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Measured {
    /// Bytes a second over the last few seconds.
    fn speed(&mut self, now: Instant) -> u64 {
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
}

/// Whole percent; 100 only for all of it.
fn percentage(position: u64, total: u64) -> u8 {
    let percent = position.saturating_mul(100) / total.max(1);
    u8::try_from(percent).unwrap_or(100).min(100)
}
