//! `relctl watch` as a pipeline uses it: the fleet becomes an exit code.

use serde_json::{Value, json};

use tests::relctl::{Relctl, Running};
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

#[tokio::test(flavor = "multi_thread")]
async fn over_a_restart_in_order_nothing_is_missed() {
    watch_over(|daemon| assert!(daemon.terminate().success()))
        .await
        .has_missed_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_kill_nothing_is_missed_while_the_machine_goes_on() {
    watch_over(Daemon::kill).await.has_missed_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_may_be_missing_are_told() {
    let seen = watch_over(|daemon| {
        daemon.kill();
        // As a disk may have it after its power was lost.
        let path = daemon.data_dir().join("events.log");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("desktop", "\0\0\0\0\0\0\0")).unwrap();
    })
    .await;
    assert_eq!(seen.states, ["reconnecting", "gap", "live"]);
    let expected = [
        "CLIENT_CONNECTED",
        "CLIENT_CONNECTED",
        "INSTALLATION_COMPLETED",
    ];
    assert_eq!(seen.events[..3], expected);
}

/// What a watch told of a client whose daemon ended and started again.
struct Seen {
    states: Vec<String>,
    events: Vec<String>,
}

impl Seen {
    /// The session that was open is told to be over, also when the daemon could not say so any more.
    #[track_caller]
    fn has_missed_nothing(&self) {
        assert_eq!(self.states, ["reconnecting", "live"]);
        let expected = [
            "CLIENT_CONNECTED",
            "CLIENT_DISCONNECTED",
            "CLIENT_CONNECTED",
            "INSTALLATION_COMPLETED",
        ];
        assert_eq!(self.events[..4], expected);
    }
}

async fn watch_over(end: impl FnOnce(&mut Daemon)) -> Seen {
    let mut daemon = Daemon::start(BINARIES);
    let client = registered(&daemon).await;
    let watch = Relctl::new(BINARIES.relctl)
        .env("RELCTL_URL", daemon.url())
        .token(daemon.admin_token())
        .args(["watch", "--json"])
        .start();
    let _ = watch.wait_for_json("the client", |line| line["type"] == "CLIENT_CONNECTED");
    end(&mut daemon);
    drop(client);
    daemon.start_again_where_it_was();
    installed(registered(&daemon).await, true).await;
    let _ = watch.wait_for_json("the end of the installation", |line| {
        line["type"] == "INSTALLATION_COMPLETED"
    });
    watch.signal("INT");
    let lines = watch.finish().json_lines();
    let (states, events): (Vec<_>, Vec<_>) = lines
        .iter()
        .partition(|line| line["type"] == "STREAM_STATE");
    let words = |lines: Vec<&Value>, word: fn(&Value) -> &Value| {
        let words = lines.into_iter().map(|line| word(line).as_str().unwrap());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut states = words(states, |line| &line["data"]["state"]);
    states.dedup(); // It may have tried more than once.
    let events = words(events, |line| &line["type"]);
    Seen { states, events }
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
