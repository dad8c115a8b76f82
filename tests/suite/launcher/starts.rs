//! The application comes first: streams, signals, exit codes, and a start that waits for nobody.

use serde_json::Value;
use tests::relctl::Running;

use super::*;

const TERMINATED: i32 = 143;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_fetches_and_the_exit_code_is_the_applications() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "1.0.0", Character::Works, &[]);
    let desktop = Desktop::new(&daemon);
    let ended = desktop.run(&[], &["exit=7"]).run().exits_with(7);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    assert!(
        ended.stderr.contains("first-installation"),
        "{}",
        ended.story()
    );
    // Nothing but the application wrote to standard output.
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_installed_and_no_daemon_the_message_says_so() {
    let mut daemon = Daemon::start(BINARIES);
    publish(&daemon, "1.0.0", Character::Works, &[]);
    daemon.kill();
    let ended = Desktop::new(&daemon).run(&[], &[]).run().exits_with(8);
    assert!(ended.stderr.contains("cannot reach"), "{}", ended.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_away_or_silent_keeps_no_application_from_starting() {
    let mut daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    // Accepts connections and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let run = |url: &str| {
        let launcher = desktop.run(&[], &["exit=0"]).env("RELCTL_URL", url).run();
        let ended = launcher.exits_with(0);
        assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
        let events: Vec<Value> = events(&ended.stderr);
        // The application was started before anything was said about a daemon.
        assert_eq!(events[0]["event"], "started", "{}", ended.story());
    };
    run(&silent);
    let url = daemon.url().to_owned();
    let _ = daemon.terminate();
    // The folder outlives the daemon.
    let launcher = Relctl::new(BINARIES.relctl)
        .env("RELCTL_URL", &url)
        .args(["client", "run", "--app-dir"])
        .path(&daemon.home().join(CLIENT))
        .args(["--", "--", "exit=0"]);
    // Not even a token.
    let ended = launcher.run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    assert!(ended.stderr.contains("no updates"), "{}", ended.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_application_and_its_end_is_ours() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    for (signal, code) in [("TERM", TERMINATED), ("INT", 130), ("HUP", 129)] {
        let launcher = desktop.run(&[], &["stay"]).start();
        runs(&launcher, "1.0.0");
        launcher.signal(signal);
        let ended = launcher.finish().exits_with(code);
        assert!(ended.stdout.contains("goodbye 1.0.0"), "{}", ended.story());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_launcher_starts_the_application_and_leaves_the_folder_alone() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let first = desktop.run(&[], &["stay"]).start();
    runs(&first, "1.0.0");
    let status = desktop.status();
    assert_eq!(status["atWork"], "launcher", "{status:#}");
    let second = desktop.run(&[], &["exit=3"]).run().exits_with(3);
    assert_eq!(started(&second.stdout), ["1.0.0"], "{}", second.story());
    assert!(
        second.stderr.contains("another updater works"),
        "{}",
        second.story()
    );
    end(first);
    assert_eq!(desktop.status()["atWork"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_java_the_message_says_what_to_do() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let ended = desktop.run(&["--java", "/nowhere/java"], &[]).run();
    let ended = ended.exits_with(12);
    assert!(ended.stderr.contains("--java PATH"), "{}", ended.story());
    let home = daemon.home().to_string_lossy().into_owned();
    let ended = desktop.run(&[], &[]).env("JAVA_HOME", &home).run();
    let ended = ended.exits_with(12);
    assert!(ended.stderr.contains("bin/java"), "{}", ended.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_path_may_stand_in_place_of_the_jar() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let words = [
        "--",
        "-cp",
        "{jar}",
        fixtures::probe::MAIN_CLASS,
        "--",
        "exit=4",
    ];
    let ended = desktop.client("run").args(words).run().exits_with(4);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
}

/// Asks a launcher to end, and waits for it. Its application must run: a JVM that is asked while it starts may end anyhow.
#[track_caller]
pub(super) fn end(launcher: Running) {
    launcher.signal("TERM");
    let _ = launcher.finish().exits_with(TERMINATED);
}

/// What a launcher told on standard error.
pub(super) fn events(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
