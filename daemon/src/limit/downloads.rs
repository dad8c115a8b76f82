//! Downloads that run: how many a client has, and how fast they may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::error::RateLimitDetails;
use protocol::message::ViolationType;

use super::rate::Rate;
use super::{LimitKey, WINDOW_MINUTES, locked};

/// A download that was refused waits for another one to end, which nobody can foretell; this is a polite pause.
const RETRY_SECONDS: u64 = 5;

/// How often clients without downloads are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// All downloads of a daemon.
#[derive(Debug)]
pub(super) struct Downloads {
    /// Of one client at the same time; 0 is no limit.
    max: u64,
    client_bytes_per_second: u64,
    is_paced: bool,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    clients: HashMap<LimitKey, Client>,
    /// Clients with at least one download.
    active_clients: u64,
    rate: Option<Rate>,
    swept_at: Option<Instant>,
}

#[derive(Debug)]
struct Client {
    downloads: u64,
    /// Outlives the client's downloads for a moment: one range after the other is as fast as one download.
    rate: Option<Rate>,
}

/// Which rate a download takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// That of its client, which the client's downloads share.
    OfClient,
    /// That of the daemon, which all downloads share.
    OfAll,
}

impl Downloads {
    /// At most so many of one client at the same time; 0 is no limit.
    pub(super) fn new(max: u32) -> Self {
        Self::with(u64::from(max), 0, 0)
    }

    /// As many as before, at most so fast; 0 is no limit.
    pub(super) fn with_bandwidth(&self, of_client: u64, of_all: u64) -> Self {
        Self::with(self.max, of_client, of_all)
    }

    fn with(max: u64, client_bytes_per_second: u64, bytes_per_second: u64) -> Self {
        Self {
            max,
            client_bytes_per_second,
            is_paced: client_bytes_per_second > 0 || bytes_per_second > 0,
            running: Mutex::new(Running {
                clients: HashMap::new(),
                active_clients: 0,
                rate: Rate::new(bytes_per_second),
                swept_at: None,
            }),
        }
    }

    pub(super) fn start(
        self: &Arc<Self>,
        key: &LimitKey,
        now: Instant,
    ) -> Result<DownloadSlot, RateLimitDetails> {
        let mut running = locked(&self.running);
        running.sweep(now);
        let client = running.clients.get(key);
        let count = client.map_or(0, |client| client.downloads);
        if self.max != 0 && count >= self.max {
            return Err(RateLimitDetails {
                retry_after: RETRY_SECONDS,
                violation_type: ViolationType::DownloadLimit,
                current_count: count + 1,
                max_allowed: self.max,
                window_minutes: WINDOW_MINUTES,
            });
        }
        running.active_clients += u64::from(count == 0);
        let client = running.clients.entry(key.clone());
        client
            .or_insert_with(|| Client {
                downloads: 0,
                rate: Rate::new(self.client_bytes_per_second),
            })
            .downloads += 1;
        Ok(DownloadSlot {
            key: key.clone(),
            downloads: Arc::clone(self),
        })
    }

    pub(super) fn count(&self) -> u64 {
        let running = locked(&self.running);
        running
            .clients
            .values()
            .map(|client| client.downloads)
            .sum()
    }
}

impl Running {
    fn sweep(&mut self, now: Instant) {
        let due = self
            .swept_at
            .is_none_or(|swept_at| now.saturating_duration_since(swept_at) >= SWEEP_INTERVAL);
        if due {
            self.clients.retain(|_, client| {
                client.downloads > 0 || client.rate.as_ref().is_some_and(|rate| !rate.is_idle(now))
            });
            self.swept_at = Some(now);
        }
    }
}

/// One running download of a client.
#[derive(Debug)]
pub struct DownloadSlot {
    key: LimitKey,
    downloads: Arc<Downloads>,
}

impl DownloadSlot {
    /// Whether any limit of bandwidth holds.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.downloads.is_paced
    }

    /// How many of the `wanted` bytes may go at the download's next turn.
    #[must_use]
    pub fn piece(&self, wanted: usize) -> usize {
        let running = locked(&self.downloads.running);
        let client = running.clients.get(&self.key);
        let downloads = client.map_or(1, |client| client.downloads);
        let of_client = client.and_then(|client| client.rate.as_ref());
        let of_client = of_client.map(|rate| rate.piece(1, downloads));
        let of_all = running.rate.as_ref();
        let of_all = of_all.map(|rate| rate.piece(running.active_clients, downloads));
        [of_client, of_all]
            .into_iter()
            .flatten()
            .map(|piece| usize::try_from(piece).unwrap_or(usize::MAX))
            .fold(wanted, usize::min)
    }

    /// Takes bytes from a rate; when they may go, where that rate is limited.
    #[must_use]
    pub fn take(&self, share: Share, bytes: usize, now: Instant) -> Option<Instant> {
        let mut running = locked(&self.downloads.running);
        let rate = match share {
            Share::OfClient => running.clients.get_mut(&self.key)?.rate.as_mut(),
            Share::OfAll => running.rate.as_mut(),
        };
        Some(rate?.take(bytes as u64, now))
    }
}

impl Drop for DownloadSlot {
    fn drop(&mut self) {
        let mut running = locked(&self.downloads.running);
        let Some(client) = running.clients.get_mut(&self.key) else {
            return;
        };
        client.downloads -= 1;
        if client.downloads == 0 {
            let is_forgotten = client.rate.is_none();
            running.active_clients -= 1;
            if is_forgotten {
                running.clients.remove(&self.key);
            }
        }
    }
}
