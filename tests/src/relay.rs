//! A network between a client and the daemon, as bad as networks are: slow, cut in the middle, and counted.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

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
    passed_bytes: AtomicU64,
    cuts: Mutex<VecDeque<u64>>,
    /// One chunk in each of these.
    pace: Duration,
}

impl Relay {
    /// A relay to a daemon's URL, with one chunk of [`CHUNK_BYTES`] in each `pace`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn slow(url: &str, pace: Duration) -> io::Result<Self> {
        Self::start(url, pace, VecDeque::new()).await
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
        Self::start(url, pace, cuts.into_iter().collect()).await
    }

    async fn start(url: &str, pace: Duration, cuts: VecDeque<u64>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Arc::new(Wire {
            target: url.trim_start_matches("http://").to_owned(),
            passed_bytes: AtomicU64::new(0),
            cuts: Mutex::new(cuts),
            pace,
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
        self.wire.passed_bytes.load(Ordering::Relaxed)
    }

    /// How many cuts are still to come.
    #[must_use]
    pub fn cuts_left(&self) -> usize {
        self.wire.cuts().len()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    fn cuts(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the connection that brought so many bytes is cut now.
    fn cuts_at(&self, bytes: u64) -> bool {
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
    let mut pace = interval(wire.pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut up, mut down) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut brought_bytes = 0;
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read? {
                0 => return Ok(()),
                length => daemon.write_all(&up[..length]).await?,
            },
            read = daemon.read(&mut down) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                pace.tick().await;
                client.write_all(&down[..length]).await?;
                brought_bytes += length as u64;
                wire.passed_bytes.fetch_add(length as u64, Ordering::Relaxed);
                if wire.cuts_at(brought_bytes) {
                    return client.set_zero_linger();
                }
            }
        }
    }
}
