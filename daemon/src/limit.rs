//! How often a client may come (contract section 7): connections and messages a minute, downloads at the same time; and how
//! fast its downloads may be.
//!
//! Deciding is pure, with `now` as an argument from a clock that never goes back. A window begins with a client's
//! first try and counts refused tries too, so `currentCount` tells how far over the limit it went, and after
//! `retryAfter` seconds the next try succeeds. A limit of 0 is switched off.

mod downloads;
mod rate;

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::error::RateLimitDetails;
use protocol::message::{RateLimited, ViolationType};
use protocol::{ClientId, Timestamp, Username};

pub use downloads::{DownloadSlot, Share};

use downloads::Downloads;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(60);
/// The same in the unit that is sent.
const WINDOW_MINUTES: u64 = 1;
/// From this multiple of the connection limit on, one address is refused before the upgrade (contract section 7).
const ADDRESS_FACTOR: u32 = 5;
/// Clients that one limit remembers at once: about 10 MB. Beyond it newcomers are let through uncounted, since
/// the limit exists to be fair among clients; the limit of their address still holds them.
const REMEMBERED_KEYS: usize = 65_536;

/// Whom a limit counts for: the client id given at the handshake, else user and address.
///
/// The user belongs to the first as well: otherwise anybody could use up the limit of somebody else's client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// A client that named itself.
    Client(Username, ClientId),
    /// A user at an address.
    User(Username, IpAddr),
}

impl LimitKey {
    /// The key of a caller who may have named a client.
    #[must_use]
    pub fn new(username: &Username, client_id: Option<&ClientId>, address: IpAddr) -> Self {
        match client_id {
            Some(client_id) => Self::Client(username.clone(), client_id.clone()),
            None => Self::User(username.clone(), address.to_canonical()),
        }
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(_, client_id) => client_id.fmt(f),
            Self::User(username, address) => write!(f, "{username}@{address}"),
        }
    }
}

/// The limits of a daemon; one value, shared by all transports.
#[derive(Debug)]
pub struct Limits {
    connections: Mutex<Window<LimitKey>>,
    addresses: Mutex<Window<IpAddr>>,
    messages: Mutex<Window<LimitKey>>,
    downloads: Arc<Downloads>,
}

impl Limits {
    /// Limits with these numbers; 0 switches one off.
    #[must_use]
    pub fn new(
        connections_per_minute: u32,
        messages_per_minute: u32,
        concurrent_downloads: u32,
    ) -> Self {
        let connections = ViolationType::ConnectionLimit;
        Self {
            connections: Mutex::new(Window::new(connections_per_minute, connections)),
            addresses: Mutex::new(Window::new(
                connections_per_minute.saturating_mul(ADDRESS_FACTOR),
                connections,
            )),
            messages: Mutex::new(Window::new(
                messages_per_minute,
                ViolationType::MessageLimit,
            )),
            downloads: Arc::new(Downloads::new(concurrent_downloads)),
        }
    }

    /// The same with limits of bandwidth, in bytes a second: for the downloads of one client, and for all together.
    #[must_use]
    pub fn with_bandwidth(self, of_client: u64, of_all: u64) -> Self {
        let downloads = Arc::new(self.downloads.with_bandwidth(of_client, of_all));
        Self { downloads, ..self }
    }

    /// Counts a connection from an address.
    ///
    /// # Errors
    /// The address came so often that it is refused before the upgrade.
    pub fn take_address(&self, address: IpAddr, now: Instant) -> Result<(), RateLimitDetails> {
        locked(&self.addresses).take(network(address), now)
    }

    /// Counts a connection of a client.
    ///
    /// # Errors
    /// The client is over its limit.
    pub fn take_connection(&self, key: &LimitKey, now: Instant) -> Result<(), RateLimitDetails> {
        locked(&self.connections).take(key.clone(), now)
    }

    /// Counts a message of a client.
    ///
    /// # Errors
    /// The client is over its limit.
    pub fn take_message(&self, key: &LimitKey, now: Instant) -> Result<(), RateLimitDetails> {
        locked(&self.messages).take(key.clone(), now)
    }

    /// Starts a download; it counts until the slot is dropped.
    ///
    /// # Errors
    /// The client has as many downloads running as it may.
    pub fn start_download(
        &self,
        key: &LimitKey,
        now: Instant,
    ) -> Result<DownloadSlot, RateLimitDetails> {
        self.downloads.start(key, now)
    }

    /// Downloads that run now, of all clients.
    #[must_use]
    pub fn running_downloads(&self) -> u64 {
        self.downloads.count()
    }
}

/// The message that tells a client, or a watcher, of a passed limit.
#[must_use]
pub fn rate_limited(key: &LimitKey, details: &RateLimitDetails, now: Timestamp) -> RateLimited {
    let RateLimitDetails {
        retry_after,
        violation_type,
        current_count,
        max_allowed,
        window_minutes,
    } = *details;
    RateLimited {
        client_id: key.to_string(),
        retry_after,
        message: retry_sentence(retry_after),
        violation_type,
        current_count,
        max_allowed,
        window_minutes,
        timestamp: now,
        seq: None,
    }
}

/// The specification's sentence for people.
#[must_use]
pub fn retry_sentence(retry_after: u64) -> String {
    format!("Rate limit exceeded. Please retry after {retry_after} seconds")
}

/// Counts tries of many keys, each in windows of its own.
#[derive(Debug)]
struct Window<K> {
    max: u32,
    violation: ViolationType,
    counts: HashMap<K, Count>,
    swept_at: Option<Instant>,
}

#[derive(Debug)]
struct Count {
    began_at: Instant,
    tries: u64,
}

impl Count {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began_at) >= WINDOW
    }
}

impl<K: Hash + Eq> Window<K> {
    fn new(max: u32, violation: ViolationType) -> Self {
        Self {
            max,
            violation,
            counts: HashMap::new(),
            swept_at: None,
        }
    }

    fn take(&mut self, key: K, now: Instant) -> Result<(), RateLimitDetails> {
        if self.max == 0 {
            return Ok(());
        }
        self.sweep(now);
        if self.counts.len() >= REMEMBERED_KEYS && !self.counts.contains_key(&key) {
            return Ok(());
        }
        let count = self.counts.entry(key).or_insert(Count {
            began_at: now,
            tries: 0,
        });
        if count.is_over(now) {
            *count = Count {
                began_at: now,
                tries: 0,
            };
        }
        count.tries += 1;
        if count.tries <= u64::from(self.max) {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.saturating_duration_since(count.began_at));
        Err(RateLimitDetails {
            retry_after: left.as_millis().div_ceil(1000).max(1) as u64,
            violation_type: self.violation,
            current_count: count.tries,
            max_allowed: u64::from(self.max),
            window_minutes: WINDOW_MINUTES,
        })
    }

    /// Forgets windows that are over, at most once a window, so the cost a try stays constant.
    fn sweep(&mut self, now: Instant) {
        let due = self
            .swept_at
            .is_none_or(|swept_at| now.saturating_duration_since(swept_at) >= WINDOW);
        if due {
            self.counts.retain(|_, count| !count.is_over(now));
            self.swept_at = Some(now);
        }
    }
}

/// What counts as one address: an IPv6 customer has a whole /64 to choose from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

/// No code panics while it holds one of these locks, and counts stay usable in any case.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
