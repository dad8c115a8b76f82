//! `relctl watch` as a pipeline uses it: the fleet becomes an exit code.

use serde_json::{Value, json};

use tests::relctl::{Relctl, Running};
use tests::wait::until;
use tests::{Daemon, Finished, Socket};

use crate::BINARIES;
use crate::jars::small_jar;

const ROLLOUT_FAILED: i32 = 9;
const TIMED_OUT: i32 = 10;
const NETWORK: i32 = 8;
const AUTH: i32 = 4;

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
async fn done_waits_for_everybody_and_fails_with_who_failed() {
    for (success, code) in [(true, 0), (false, ROLLOUT_FAILED)] {
        let daemon = Daemon::start(BINARIES);
        publish(&daemon, "2.0.0");
        let client = registered(&daemon).await;
        let watch = watch(&daemon, &["2.0.0", "--until", "done"]).await;
        installed(client, success).await;
        let _ = watch.finish().exits_with(code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_is_no_sample_of_two_and_enough_for_one() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "2.0.0");
    let client = registered(&daemon).await;
    let limits = [
        "2.0.0",
        "--until",
        "100%",
        "--min-sample",
        "2",
        "--timeout",
        "2s",
    ];
    let share = watch(&daemon, &limits).await;
    installed(client, true).await;
    let _ = share.finish().exits_with(TIMED_OUT);
    let number = ["watch", "--json", "2.0.0", "--until", "1", "--since", "0"];
    let _ = daemon.relctl(number).run().exits_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_withdrawn_is_not_waited_for() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "2.0.0");
    let _client = registered(&daemon).await;
    let watch = watch(&daemon, &["2.0.0", "--until", "100%"]).await;
    let _ = daemon.relctl(["versions", "disable", "2.0.0"]).succeed();
    let finished = watch.finish().exits_with(ROLLOUT_FAILED);
    assert_eq!(summary_of(&finished)["result"], "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_stays_away_is_given_up_and_summed_up() {
    let mut daemon = Daemon::start(BINARIES);
    let watch = Relctl::new(BINARIES.relctl)
        .env("RELCTL_URL", daemon.url())
        .token(daemon.admin_token())
        .args(["watch", "--json", "--until", "1", "--give-up-after", "1s"])
        .start();
    connected(&daemon).await;
    daemon.kill();
    let finished = watch.finish().exits_with(NETWORK);
    let summary = summary_of(&finished);
    assert_eq!(
        (&summary["result"], &summary["gaps"]),
        (&json!("lost"), &json!(0))
    );
    // The error comes before it, as of every command.
    let lines = finished.json_lines();
    let error = &lines[lines.len() - 2];
    assert_eq!(
        error["error"]["code"],
        "CONNECTION_LOST",
        "{}",
        finished.story()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_ends_the_watch_with_a_summary() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["user", "add", "ci", "--role", "PUBLISHER"])
        .succeed();
    let token = daemon.relctl(["token", "create", "--user", "ci"]).succeed();
    let watch = daemon
        .relctl(["watch", "--json"])
        .token(token.trim())
        .start();
    connected(&daemon).await;
    let _ = daemon.relctl(["user", "disable", "ci"]).succeed();
    let finished = watch.finish().exits_with(AUTH);
    assert_eq!(summary_of(&finished)["result"], "error");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_the_stream_with_a_summary() {
    let daemon = Daemon::start(BINARIES);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let watch = watch(&daemon, &[]).await;
        watch.signal(signal);
        let finished = watch.finish().exits_with(code);
        assert_eq!(summary_of(&finished)["result"], "interrupted");
        until("the watcher is gone", async || {
            (watchers(&daemon).await == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_hears_every_ten_seconds_where_the_fleet_stands() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "2.0.0");
    let _client = registered(&daemon).await;
    let watch = daemon
        .relctl(["watch", "2.0.0", "--timeout", "15s"])
        .start();
    let finished = watch.finish().exits_with(TIMED_OUT);
    let summaries = finished
        .stdout
        .lines()
        .filter(|line| line.contains(" summary "));
    let summaries: Vec<&str> = summaries.collect();
    assert_eq!(summaries.len(), 1, "{}", finished.story());
    let words = "summary 2.0.0: 0 of 1 done (0 %), 1 waiting";
    assert!(summaries[0].ends_with(words), "{}", finished.story());
    let last = finished.stdout.lines().next_back().unwrap();
    assert!(
        last.starts_with("timeout: 0 % done (0 of 1), 0 failed, in 15 s"),
        "{last}"
    );
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
    connected(daemon).await;
    watch
}

/// Waits until the daemon knows of a watcher.
async fn connected(daemon: &Daemon) {
    until("the watcher is connected", async || {
        (watchers(daemon).await == 1).then_some(())
    })
    .await;
}

async fn watchers(daemon: &Daemon) -> u64 {
    let path = format!("{}/statistics", protocol::api::paths::ADMIN);
    let statistics: Value = daemon.api().get(&path).await.is(200).data();
    statistics["watchers"].as_u64().unwrap()
}

/// What the last line says.
fn summary_of(finished: &Finished) -> Value {
    let mut last = finished.json_lines().pop().unwrap();
    assert_eq!(last["type"], "SUMMARY", "{}", finished.story());
    last["data"].take()
}
