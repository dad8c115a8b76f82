//! `relctl watch` as a pipeline uses it: the fleet becomes an exit code.

use serde_json::{Value, json};

use tests::relctl::Running;
use tests::wait::until;
use tests::{Daemon, Socket};

use crate::BINARIES;
use crate::jars::small_jar;

const ROLLOUT_FAILED: i32 = 9;
const TIMED_OUT: i32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_may_watch_a_version_before_it_publishes_it() {
    let daemon = Daemon::start(BINARIES);
    let client = registered(&daemon).await;
    let watch = watch(&daemon, &["2.0.0", "--until", "100%"]).await;
    publish(&daemon, "2.0.0");
    installed(client, true).await;
    let finished = watch.finish().exits_with(0);
    let summary = finished.json_lines().pop().unwrap();
    assert_eq!(summary["type"], "SUMMARY", "{}", finished.story());
    assert_eq!(summary["data"]["completed"], 1, "{}", finished.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_fails_on_the_machines_fails_the_pipeline() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "2.0.0");
    let client = registered(&daemon).await;
    let limits = ["2.0.0", "--until", "100%", "--fail-over", "50%"];
    let watch = watch(&daemon, &limits).await;
    installed(client, false).await;
    let _ = watch.finish().exits_with(ROLLOUT_FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_does_not_move_times_the_pipeline_out() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "2.0.0");
    let _client = registered(&daemon).await;
    let limits = ["2.0.0", "--until", "100%", "--timeout", "1s"];
    let watch = watch(&daemon, &limits).await;
    let finished = watch.finish().exits_with(TIMED_OUT);
    let summary = finished.json_lines().pop().unwrap();
    assert_eq!(summary["type"], "SUMMARY", "{}", finished.story());
}

fn publish(daemon: &Daemon, version: &str) {
    let jar = daemon.home().join(format!("app-{version}.jar"));
    std::fs::write(&jar, small_jar(version)).unwrap();
    let _ = daemon.relctl(["publish"]).path(&jar).succeed();
}

/// A client that runs 1.0.0.
async fn registered(daemon: &Daemon) -> Socket {
    let mut client = Socket::open(daemon, &daemon.admin_token()).await;
    client.register("desktop-1", "1.0.0").await;
    client.settle().await;
    client
}

/// The client tells how its installation of 2.0.0 ended.
async fn installed(mut client: Socket, success: bool) {
    let data = json!({ "version": "2.0.0", "previousVersion": "1.0.0", "success": success, "message": "" });
    client.send("INSTALLATION_COMPLETED", data).await;
    client.settle().await;
}

/// A watch that the daemon knows of.
pub(crate) async fn watch<'a>(daemon: &'a Daemon, limits: &[&str]) -> Running<'a> {
    let arguments = ["watch", "--json"].iter().chain(limits).copied();
    let watch = daemon.relctl(arguments).start();
    until("the watcher is connected", async || {
        let path = format!("{}/statistics", protocol::api::paths::ADMIN);
        let statistics: Value = daemon.api().get(&path).await.is(200).data();
        (statistics["watchers"] == 1).then_some(())
    })
    .await;
    watch
}
