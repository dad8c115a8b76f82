//! Uploads that are cut: by the network, by the end of the tool, by the end of the daemon.

use std::time::Duration;

use tests::wait::until;
use tests::{Daemon, Relay};

use super::{AT_ONCE, data, publish, write};
use crate::BINARIES;
use crate::jars::large_jar;

const CUTS: usize = 20;

/// 16 KiB in each: about 3 MB a second.
const PACE: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_twenty_times_arrives_and_little_of_it_travels_twice() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let size = std::fs::metadata(&jar).unwrap().len();
    let mut random = fastrand::Rng::with_seed(6);
    let cuts: Vec<u64> = (0..CUTS)
        .map(|_| random.u64(2_000..size / CUTS as u64))
        .collect();
    let relay = Relay::cutting_uploads(daemon.url(), AT_ONCE, cuts)
        .await
        .unwrap();
    let done = publish(&daemon, relay.url(), &jar).args(["--delta-from", "none"]);
    let done = done.run().exits_with(0);
    assert_eq!(relay.cuts_left(), 0, "{}", done.story());
    let document = done.json();
    assert_eq!(
        data(&document)["sha256"],
        crate::sha256(&large_jar("1.0.0"))
    );
    let twice = relay.sent_bytes() - size;
    println!(
        "{CUTS} cuts: {twice} bytes beside the {size} of the file, heads of requests included"
    );
    // What the relay had taken and the daemon not yet, and four heads for each try.
    assert!(
        twice < CUTS as u64 * 40_000,
        "{twice} bytes\n{}",
        done.story()
    );
    let uploads = std::fs::read_dir(daemon.data_dir().join("uploads")).unwrap();
    assert_eq!(uploads.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_run_goes_on_where_a_killed_one_was_also_after_the_daemon_was_killed() {
    let mut daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let size = std::fs::metadata(&jar).unwrap().len();
    let relay = Relay::cutting_uploads(daemon.url(), PACE, [])
        .await
        .unwrap();
    let url = relay.url();
    let none = ["--delta-from", "none"];
    let mut first = publish(&daemon, url, &jar).args(none).start();
    until("a third is there", async || {
        (relay.sent_bytes() > size / 3).then_some(())
    })
    .await;
    first.kill();
    drop(first);
    daemon.kill();
    daemon.start_again_where_it_was();

    let before = relay.sent_bytes();
    let second = publish(&daemon, url, &jar).args(none).run().exits_with(0);
    let document = second.json();
    let resumed = data(&document)["resumedBytes"].as_u64().unwrap();
    // The daemon writes pieces of half a megabyte; so much was on its way to the disk at most.
    assert!(resumed > size / 3 - 600_000, "{}", second.story());
    let sent = relay.sent_bytes() - before;
    assert!(
        sent < size - resumed + 20_000,
        "{sent} bytes\n{}",
        second.story()
    );
    assert!(
        second.stderr.contains("were there before"),
        "{}",
        second.story()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_in_the_middle_costs_a_wait() {
    let mut daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), &large_jar("1.0.0"));
    let size = std::fs::metadata(&jar).unwrap().len();
    let relay = Relay::cutting_uploads(daemon.url(), PACE, [])
        .await
        .unwrap();
    let (url, token) = (relay.url().to_owned(), daemon.admin_token());
    let running = tests::Relctl::new(BINARIES.relctl)
        .args(["publish", "--json", "--delta-from", "none"])
        .path(&jar)
        .env("RELCTL_URL", &url)
        .token(token)
        .start();
    until("half is there", async || {
        (relay.sent_bytes() > size / 2).then_some(())
    })
    .await;
    daemon.kill();
    daemon.start_again_where_it_was();
    let status = running.finish().exits_with(0);
    assert!(status.stderr.contains("trying again"), "{}", status.story());
    let release = daemon.api().release("1.0.0").await.data();
    assert_eq!(release["checksum"], crate::sha256(&large_jar("1.0.0")));
}
