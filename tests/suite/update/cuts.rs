//! Connections that break, a daemon that goes away, an updater that is killed: nothing is fetched twice.

use std::fs::File;
use std::time::{Duration, SystemTime};

use tests::relay::CHUNK_BYTES;
use tests::wait::until;
use tests::{Daemon, Relay};

use super::{installed, jar_of_15_mb, publish_whole, say, staged, update, updated};
use crate::BINARIES;

/// For each chunk: four megabytes a second, a pace that the updater keeps up with on a busy machine.
const PACE: Duration = Duration::from_millis(4);

const CUTS: usize = 30;
const KILLS: usize = 12;

/// What a cut may cost the network: a chunk on its way, what the updater had not yet read, headers, and some JSON. Idle
/// machines need less than a tenth of it.
const BYTES_A_CUT: u64 = 4 * CHUNK_BYTES as u64;

/// What a killed updater had in its hands, and not yet written: its buffer, and what lay in the sockets.
const IN_HAND_BYTES: u64 = 256 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_thirty_times_fetches_each_byte_once() {
    let daemon = Daemon::start(BINARIES);
    let jar = jar_of_15_mb("1.0.0");
    publish_whole(&daemon, "1.0.0", &jar).await;
    let mut random = fastrand::Rng::with_seed(5);
    let cuts: Vec<u64> = (0..CUTS).map(|_| random.u64(20_000..480_000)).collect();
    let relay = Relay::cutting(daemon.url(), PACE, cuts).await.unwrap();

    let updated = updated(&daemon, relay.url());

    assert_eq!(relay.cuts_left(), 0);
    assert!(installed(&daemon) == ("1.0.0".into(), jar.clone()));
    let size = jar.len() as u64;
    let extra = relay.passed_bytes() - size;
    say(&format!(
        "{CUTS} cuts: {extra} bytes beside the {size} of the file went over the network, {} of the file arrived",
        updated["fetchedBytes"]
    ));
    assert_eq!(updated["fetchedBytes"], size);
    assert!(extra <= CUTS as u64 * BYTES_A_CUT, "{extra}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_updater_that_is_killed_again_and_again_goes_on_where_it_was() {
    let daemon = Daemon::start(BINARIES);
    let jar = jar_of_15_mb("1.0.0");
    publish_whole(&daemon, "1.0.0", &jar).await;
    let relay = Relay::slow(daemon.url(), PACE).await.unwrap();
    let size = jar.len() as u64;
    let mut random = fastrand::Rng::with_seed(6);
    for _ in 0..KILLS {
        let goal = relay.passed_bytes() + random.u64(1..size / KILLS as u64);
        let mut running = update(&daemon, relay.url()).args(["--once"]).start();
        until("some more bytes", async || {
            (relay.passed_bytes() >= goal).then_some(())
        })
        .await;
        running.kill();
    }

    let updated = updated(&daemon, relay.url());

    assert!(installed(&daemon) == ("1.0.0".into(), jar));
    let extra = relay.passed_bytes() - size;
    say(&format!(
        "{KILLS} kills: {extra} bytes more than the {size} of the file went over the network, {} of them at last",
        updated["fetchedBytes"]
    ));
    assert!(updated["fetchedBytes"].as_u64().unwrap() < size);
    assert!(extra <= KILLS as u64 * IN_HAND_BYTES, "{extra}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_restarts_in_the_middle_of_a_download_is_gone_on_with() {
    let mut daemon = Daemon::start(BINARIES);
    let jar = jar_of_15_mb("1.0.0");
    publish_whole(&daemon, "1.0.0", &jar).await;
    let relay = Relay::slow(daemon.url(), PACE).await.unwrap();
    let arguments = ["client", "update", "--once", "--json", "--app-dir"];
    let app_dir = super::app_dir(&daemon);
    // Its log is shown by the relay's side of the test: the daemon itself is restarted meanwhile.
    let running = tests::Relctl::new(BINARIES.relctl)
        .token(daemon.admin_token())
        .env("RELCTL_URL", relay.url())
        .args(arguments)
        .path(&app_dir)
        .start();
    until("half of the file", async || {
        (relay.passed_bytes() > jar.len() as u64 / 2).then_some(())
    })
    .await;

    daemon.kill();
    daemon.start_again_where_it_was();

    let finished = running.finish().exits_with(0);
    assert_eq!(finished.json()["data"]["fetchedBytes"], jar.len());
    assert!(installed(&daemon) == ("1.0.0".into(), jar));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_changes_nothing() {
    let daemon = Daemon::start(BINARIES);
    publish_whole(&daemon, "1.0.0", &jar_of_15_mb("1.0.0")).await;
    let _ = updated(&daemon, daemon.url());
    let jar = jar_of_15_mb("1.1.0");
    publish_whole(&daemon, "1.1.0", &jar).await;
    half_way(&daemon, jar.len() as u64).await;
    // All that is there was written in a future that the clock does not know of yet.
    let future = SystemTime::now() + Duration::from_secs(400 * 24 * 60 * 60);
    for path in [
        staged(&daemon, "1.1.0.jar.part"),
        staged(&daemon, "1.1.0.jar.part.json"),
        staged(&daemon, "lock"),
        super::app_dir(&daemon).join("current.json"),
    ] {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(future).unwrap();
    }

    let updated = updated(&daemon, daemon.url());

    assert!(updated["fetchedBytes"].as_u64().unwrap() < jar.len() as u64);
    assert!(installed(&daemon) == ("1.1.0".into(), jar));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_try_left_and_the_disk_has_damaged_is_found_out_and_fetched_anew() {
    let daemon = Daemon::start(BINARIES);
    let jar = jar_of_15_mb("1.0.0");
    publish_whole(&daemon, "1.0.0", &jar).await;
    half_way(&daemon, jar.len() as u64).await;
    let part = staged(&daemon, "1.0.0.jar.part");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&part, bytes).unwrap();

    let updated = updated(&daemon, daemon.url());

    assert!(updated["fetchedBytes"].as_u64().unwrap() > jar.len() as u64);
    assert!(installed(&daemon) == ("1.0.0".into(), jar));
}

/// Leaves about half of the newest release in the staging folder.
async fn half_way(daemon: &Daemon, size: u64) {
    let relay = Relay::slow(daemon.url(), PACE).await.unwrap();
    let mut running = update(daemon, relay.url()).args(["--once"]).start();
    until("half of the file", async || {
        (relay.passed_bytes() > size / 2).then_some(())
    })
    .await;
    running.kill();
}
