//! Clients that take their time, or are gone: whose download goes on, and whose place is given to the next.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::harness::{Daemon, eventually, updates};
use crate::raw::{RawDownload, publish_large};

const PATH: &str = "/download/2.1.0";

async fn with_one_place(stall: Duration) -> (Daemon, u64) {
    let daemon = Daemon::start_with(|config| {
        config.limits.concurrent_downloads = 1;
        config.limits.download_stall_timeout = stall;
    })
    .await;
    let size = publish_large(&daemon, "2.1.0").await;
    (daemon, size)
}

async fn place_is_free(daemon: &Daemon) {
    let limits = &daemon.running().app().limits;
    eventually("the place is free", || limits.running_downloads() == 0).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_download() {
    let stall = Duration::from_millis(400);
    let (daemon, size) = with_one_place(stall).await;
    let began = Instant::now();
    let mut stalled = RawDownload::begin(&daemon, &updates(PATH), "a", "").await;
    place_is_free(&daemon).await;
    assert!(began.elapsed() >= stall, "it had its time");
    let body = stalled.read(size).await;
    assert!((body.len() as u64) < size, "it was broken off");
    let again = daemon.get(&format!("{}?clientId=a", updates(PATH))).await;
    assert_eq!(again.body.len() as u64, size);
}

#[tokio::test]
async fn a_client_that_takes_little_keeps_its_download() {
    let (daemon, size) = with_one_place(Duration::from_millis(800)).await;
    let mut slow = RawDownload::begin(&daemon, &updates(PATH), "a", "").await;
    slow.fill_buffers().await;
    // Too slow for the kernel to call the socket writable within the time-out: for that, about 1 MB has to go.
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    let mut read = 0;
    for _ in 0..40 {
        pace.tick().await;
        read += slow.read(50_000).await.len() as u64;
    }
    assert_eq!(read, 2_000_000, "it was broken off");
    read += slow.read(size - read).await.len() as u64;
    assert_eq!(read, size);
}

/// How a client leaves in the middle of its download.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    /// Its process ends; what it has not read makes the kernel reset the connection.
    Closing,
    /// It resets the connection.
    Resetting,
    /// It says that it sends nothing more, which no client does that waits for the rest.
    EndingItsHalf,
    /// It closes after it has asked for more, which hyper keeps for later.
    ClosingAfterAsking,
}

#[tokio::test]
async fn a_client_that_is_gone_has_its_place_free_within_a_second() {
    let (daemon, _) = with_one_place(Duration::from_secs(60)).await;
    let limits = &daemon.running().app().limits;
    for leaving in [
        Leaving::Closing,
        Leaving::Resetting,
        Leaving::EndingItsHalf,
        Leaving::ClosingAfterAsking,
    ] {
        let mut download = RawDownload::begin(&daemon, &updates(PATH), "a", "").await;
        download.fill_buffers().await;
        assert_eq!(limits.running_downloads(), 1);
        let refused = daemon.get(&format!("{}?clientId=a", updates(PATH))).await;
        refused.refused(429, "RATE_LIMITED");
        let mut kept = None;
        match leaving {
            Leaving::Closing => drop(download),
            Leaving::Resetting => {
                download.0.set_zero_linger().expect("a socket");
                drop(download);
            }
            Leaving::EndingItsHalf => {
                download.0.shutdown().await.expect("a socket");
                kept = Some(download);
            }
            Leaving::ClosingAfterAsking => {
                let request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
                download.0.write_all(request).await.expect("a socket");
                drop(download);
            }
        }
        let left = Instant::now();
        place_is_free(&daemon).await;
        assert!(left.elapsed() < Duration::from_secs(1), "{leaving:?}");
        drop(kept);
    }
}
