//! Downloads that may only be so fast.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::RANGE;

use crate::harness::{Daemon, Upload, eventually, send, updates};
use crate::raw::{RawDownload, publish_large};

/// What `count` downloads by one client each took, of so many bytes.
async fn seconds_of(daemon: &Daemon, clients: &[&str], bytes: u64) -> Vec<f64> {
    let began = Instant::now();
    let downloads = clients.iter().map(async |client| {
        let request = daemon
            .request(Method::GET, &updates("/download/2.1.0"))
            .header("x-client-id", *client)
            .header(RANGE, format!("bytes=0-{}", bytes - 1));
        assert_eq!(send(request).await.body.len() as u64, bytes);
        began.elapsed().as_secs_f64()
    });
    join_all(downloads).await
}

#[tokio::test]
async fn the_downloads_of_a_client_together_are_as_fast_as_it_may_be() {
    let daemon = Daemon::start_with(|config| {
        config.limits.download_bytes_per_second_per_client = 1_000_000;
    })
    .await;
    publish_large(&daemon, "2.1.0").await;
    let seconds = seconds_of(&daemon, &["a", "a", "b"], 1_500_000).await;
    // 3 MB and 1.5 MB; the first tenth of a second goes at once.
    for (seconds, expected) in seconds.into_iter().zip([3.0, 3.0, 1.5]) {
        assert!(seconds > expected * 0.9, "too fast: {seconds} s");
        assert!(seconds < expected * 1.5, "too slow: {seconds} s");
    }
}

#[tokio::test]
async fn all_downloads_together_are_as_fast_as_they_may_be_and_clients_share_alike() {
    let daemon = Daemon::start_with(|config| {
        config.limits.download_bytes_per_second = 2_000_000;
    })
    .await;
    publish_large(&daemon, "2.1.0").await;
    let seconds = seconds_of(&daemon, &["a", "a", "a", "b"], 1_000_000).await;
    // b has half of it until it is done; then the three of a have all.
    for (seconds, expected) in seconds.into_iter().zip([2.0, 2.0, 2.0, 1.0]) {
        assert!(seconds > expected * 0.85, "too fast: {seconds} s");
        assert!(seconds < expected * 1.5, "too slow: {seconds} s");
    }
}

#[tokio::test]
async fn a_download_that_has_to_wait_does_not_stall() {
    let daemon = Daemon::start_with(|config| {
        config.limits.download_bytes_per_second_per_client = 1024;
        config.limits.download_stall_timeout = Duration::from_millis(100);
    })
    .await;
    publish_large(&daemon, "2.1.0").await;
    let seconds = seconds_of(&daemon, &["a"], 3000).await;
    assert!(seconds[0] > 1.8, "a kilobyte a second: {seconds:?}");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_has_to_wait_makes_room() {
    let daemon = Daemon::start_with(|config| {
        config.limits.download_bytes_per_second_per_client = 2048;
        config.limits.concurrent_downloads = 1;
    })
    .await;
    let answer = daemon.publish(Upload::new("2.1.0").with_jar(jar())).await;
    assert_eq!(answer.status, 201);
    let path = updates("/download/2.1.0");
    let mut download = RawDownload::begin(&daemon, &path, "a", "").await;
    // All that was sent is read: leaving is a mere end, and no reset.
    let _ = download.read(2048).await;
    let left = Instant::now();
    drop(download);
    let limits = &daemon.running().app().limits;
    eventually("the place is free", || limits.running_downloads() == 0).await;
    assert!(left.elapsed() < Duration::from_secs(1));
}

fn jar() -> Vec<u8> {
    fixtures::jars::jar_pair(3, 800_000).0
}
