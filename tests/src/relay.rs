//! A network between a client and the daemon, as bad as networks are: slow, cut in the middle, and counted.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// What goes on at once; a cut loses at most this much of what the daemon has sent.
pub const CHUNK_BYTES: usize = 16 * 1024;

/// A relay in front of a daemon. Dropping it ends it.
#[derive(Debug)]
pub struct Relay {
    url: String,
    wire: Arc<Wire>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Wire {
    target: String,
    /// To the daemon.
    up: Way,
    /// To clients.
    down: Way,
}

/// One direction.
#[derive(Debug)]
struct Way {
    passed_bytes: AtomicU64,
    cuts: Mutex<VecDeque<u64>>,
    /// One chunk in each of these.
    pace: Duration,
}

/// As fast as a clock ticks.
const NO_PACE: Duration = Duration::from_nanos(1);

impl Relay {
    /// A relay to a daemon's URL, with one chunk of [`CHUNK_BYTES`] in each `pace`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn slow(url: &str, pace: Duration) -> io::Result<Self> {
        let down = Way::new(pace, []);
        Self::start(url, Way::new(NO_PACE, []), down).await
    }

    /// A relay that is slow, and cuts, on the way to the daemon: each of these numbers once, on the first connection that has
    /// brought so many bytes there.
    ///
    /// # Errors
    /// No port is free.
    pub async fn cutting_uploads(
        url: &str,
        pace: Duration,
        cuts: impl IntoIterator<Item = u64>,
    ) -> io::Result<Self> {
        let down = Way::new(NO_PACE, []);
        Self::start(url, Way::new(pace, cuts), down).await
    }

    /// The same, with connections that are reset: each of these numbers once, on the first connection that has brought
    /// so many bytes to the client. What a reset finds unread in the client's socket is lost, so this one has a pace.
    ///
    /// # Errors
    /// No port is free.
    pub async fn cutting(
        url: &str,
        pace: Duration,
        cuts: impl IntoIterator<Item = u64>,
    ) -> io::Result<Self> {
        let down = Way::new(pace, cuts);
        Self::start(url, Way::new(NO_PACE, []), down).await
    }

    async fn start(url: &str, up: Way, down: Way) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Arc::new(Wire {
            target: url.trim_start_matches("http://").to_owned(),
            up,
            down,
        });
        Ok(Self {
            url: format!("http://{}", listener.local_addr()?),
            task: tokio::spawn(accept(listener, Arc::clone(&wire))),
            wire,
        })
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes went to clients so far.
    #[must_use]
    pub fn passed_bytes(&self) -> u64 {
        self.wire.down.passed_bytes.load(Ordering::Relaxed)
    }

    /// How many bytes went to the daemon so far, heads of requests included.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.wire.up.passed_bytes.load(Ordering::Relaxed)
    }

    /// How many cuts are still to come.
    #[must_use]
    pub fn cuts_left(&self) -> usize {
        self.wire.up.cuts().len() + self.wire.down.cuts().len()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    fn new(pace: Duration, cuts: impl IntoIterator<Item = u64>) -> Self {
        Self {
            passed_bytes: AtomicU64::new(0),
            cuts: Mutex::new(cuts.into_iter().collect()),
            pace,
        }
    }

    fn cuts(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> Interval {
        let mut clock = interval(self.pace);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        clock
    }

    /// Counts a chunk of a connection that has brought so many bytes with it, and tells whether it is cut now.
    fn passes(&self, length: usize, bytes: u64) -> bool {
        self.passed_bytes
            .fetch_add(length as u64, Ordering::Relaxed);
        let mut cuts = self.cuts();
        let is_due = cuts.front().is_some_and(|cut| *cut <= bytes);
        if is_due {
            cuts.pop_front();
        }
        is_due
    }
}

async fn accept(listener: TcpListener, wire: Arc<Wire>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, Arc::clone(&wire)));
    }
}

/// One connection. Errors end it, as they do on a network.
async fn carry(mut client: TcpStream, wire: Arc<Wire>) -> io::Result<()> {
    let Ok(mut daemon) = TcpStream::connect(&wire.target).await else {
        return client.set_zero_linger();
    };
    let (mut up_pace, mut down_pace) = (wire.up.clock(), wire.down.clock());
    let (mut up, mut down) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let (mut sent_bytes, mut brought_bytes) = (0, 0);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                up_pace.tick().await;
                daemon.write_all(&up[..length]).await?;
                sent_bytes += length as u64;
                if wire.up.passes(length, sent_bytes) {
                    return client.set_zero_linger();
                }
            }
            read = daemon.read(&mut down) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                down_pace.tick().await;
                client.write_all(&down[..length]).await?;
                brought_bytes += length as u64;
                if wire.down.passes(length, brought_bytes) {
                    return client.set_zero_linger();
                }
            }
        }
    }
}
