//! `relctl simulate` as a demo and a pipeline use it: a fleet from one process, which a watcher sees as any other.

use serde_json::Value;

use tests::{Daemon, Setup, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

const ROLLOUT_FAILED: i32 = 9;
const NOT_FOUND: i32 = 5;
const NETWORK: i32 = 8;
const INTERRUPTED: i32 = 130;

/// All clients come from one address, and want to come at once.
const NO_CONNECTION_LIMIT: &str = "[limits]\nconnections-per-minute = 0\n";

/// What the fleet's last line tells, and the exit code of a pipeline that watches it take 2.0.0.
async fn rollout(scenario: &str, watch_exits_with: i32) -> Value {
    let daemon = Setup::new(BINARIES).config(NO_CONNECTION_LIMIT).start();
    publish(&daemon, "1.0.0").await;
    let simulation = daemon
        .relctl(["simulate", "--clients", "200", "--current", "1.0.0"])
        .args(["--rate", "400/s", "--until", "updated", "--json"])
        .args(["--scenario", scenario])
        .start();
    simulation.wait_for_json("all to be connected", |line| {
        line["data"]["connected"] == 200
    });
    let watch = crate::watch::watch(&daemon, &["2.0.0", "--until", "95%", "--fail-over", "5%"]);
    let watch = watch.await;
    publish(&daemon, "2.0.0").await;
    let _ = watch.finish().exits_with(watch_exits_with);
    let finished = simulation.finish().exits_with(0);
    let summary = finished.json_lines().pop().unwrap();
    assert_eq!(summary["type"], "SUMMARY", "{}", finished.story());
    summary["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_which_a_tenth_fails_fails_the_pipeline_that_watches_it() {
    let summary = rollout("fail:10%", ROLLOUT_FAILED).await;
    assert_eq!(summary["announced"], 200, "{summary:#}");
    assert_eq!(summary["completed"], 180, "{summary:#}");
    assert_eq!(summary["failed"], 20, "{summary:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_happy_fleet_lets_the_pipeline_pass() {
    let summary = rollout("happy", 0).await;
    assert_eq!(summary["completed"], 200, "{summary:#}");
    assert_eq!(summary["failed"], 0, "{summary:#}");
    assert!(
        summary["announcementDelayMs"]["p99"].is_f64(),
        "{summary:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flaky_fleet_that_downloads_arrives_all_the_same() {
    let daemon = Setup::new(BINARIES).config(NO_CONNECTION_LIMIT).start();
    publish(&daemon, "1.0.0").await;
    let simulation = ["client", "simulate", "--clients", "20", "--json"];
    let options = ["--scenario", "flaky", "--download", "--until", "updated"];
    let finished = daemon.relctl(simulation).args(options).run().exits_with(0);
    let summary = finished.json_lines().pop().unwrap();
    let data = &summary["data"];
    assert_eq!(data["completed"], 20, "{}", finished.story());
    assert_ne!(data["reconnects"], 0, "{}", finished.story());
    let path = format!("{}/statistics", protocol::api::paths::ADMIN);
    let statistics = daemon.api().get(&path).await.is(200).data();
    assert_eq!(statistics["totalDownloads"], 20, "{statistics:#}");
}

#[tokio::test]
async fn a_simulation_that_cannot_work_says_so_at_once() {
    let daemon = Daemon::start(BINARIES);
    let unknown = ["simulate", "--clients", "1", "--channel", "nightly"];
    let _ = daemon.relctl(unknown).run().exits_with(NOT_FOUND);
    let _ = daemon
        .relctl(["simulate", "--clients", "1", "--url", "http://127.0.0.1:1"])
        .run()
        .exits_with(NETWORK);
}

#[tokio::test]
async fn ctrl_c_ends_a_simulation_with_its_summary() {
    let daemon = Daemon::start(BINARIES);
    let simulation = daemon
        .relctl(["simulate", "--clients", "2", "--json"])
        .start();
    simulation.wait_for_json("both to be connected", |line| {
        line["data"]["connected"] == 2
    });
    simulation.signal("INT");
    let finished = simulation.finish().exits_with(INTERRUPTED);
    let summary = finished.json_lines().pop().unwrap();
    assert_eq!(summary["data"]["result"], "interrupted");
    assert_eq!(summary["data"]["connected"], 2, "{}", finished.story());
}

async fn publish(daemon: &Daemon, version: &str) {
    let upload = Upload::new(version, small_jar(version));
    let _ = daemon.api().publish(&upload).await.is(201);
}
