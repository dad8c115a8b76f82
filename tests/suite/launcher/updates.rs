//! Updates under a launcher: staged while the application runs, started next time, confirmed in three ways.

use super::starts::end;
use super::*;
use crate::watch::watch;

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_staged_while_the_application_runs_and_starts_next_time() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let watch = watch(&daemon, &[]).await;
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    let jar = publish(&daemon, "1.1.0", Character::Confirms, &[]);
    event(&launcher, "staged", "1.1.0");
    watch.wait_for_json("that it is staged", |line| {
        line["type"] == "INSTALLATION_PROGRESS" && line["data"]["phase"] == "staged"
    });
    let status = desktop.status();
    assert_eq!(status["current"]["version"], "1.0.0", "{status:#}");
    assert_eq!(status["staged"]["version"], "1.1.0", "{status:#}");
    assert_eq!(started(&launcher.stdout()), ["1.0.0"]);
    end(launcher);

    let launcher = desktop.run(&["--require-confirmation"], &["stay"]).start();
    runs(&launcher, "1.1.0");
    event(&launcher, "confirmed", "1.1.0");
    let completed = completed(&watch, "1.1.0");
    assert_eq!(completed["success"], true, "{completed:#}");
    assert_eq!(completed["previousVersion"], "1.0.0");
    assert_eq!(completed["message"], "Confirmed by the application");
    let status = desktop.status();
    assert_eq!(status["current"]["version"], "1.1.0", "{status:#}");
    assert_eq!(status["current"]["previousVersion"], "1.0.0");
    assert_eq!(status["current"]["isOnProbation"], false);
    assert_eq!(sha256_of(&desktop.jar("1.1.0")), sha256_of(&jar));
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mandatory_update_starts_the_application_again_at_once() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let limits = ["1.1.0", "--until", "100%", "--fail-over", "0%"];
    let launcher = desktop.run(&["--probation", "1s"], &["stay"]).start();
    runs(&launcher, "1.0.0");
    let watch = watch(&daemon, &limits).await;
    publish(&daemon, "1.1.0", Character::Works, &["--mandatory"]);
    runs(&launcher, "1.1.0");
    assert!(launcher.stdout().contains("goodbye 1.0.0"));
    // It stays up, and only then it counts.
    event(&launcher, "confirmed", "1.1.0");
    let ended = watch.finish().exits_with(0);
    let lines = ended.json_lines();
    let ends = lines
        .iter()
        .filter(|line| line["type"] == "INSTALLATION_COMPLETED");
    assert_eq!(ends.count(), 1, "{}", ended.story());
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_own_report_confirms_and_is_the_only_one() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let watch = watch(&daemon, &[]).await;
    publish(&daemon, "1.1.0", Character::Reports, &["--mandatory"]);
    let launcher = desktop.run(&["--require-confirmation"], &["stay"]).start();
    runs(&launcher, "1.1.0");
    event(&launcher, "confirmed", "1.1.0");
    assert_eq!(completed(&watch, "1.1.0")["message"], "The window is open");
    end(launcher);
    let lines = watch.stdout();
    assert_eq!(
        lines.matches("INSTALLATION_COMPLETED").count(),
        1,
        "{lines}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closes_a_new_version_early_decides_nothing() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Works, &[]);
    let _ = desktop.client("install").succeed();
    for _ in 0..4 {
        let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
        assert_eq!(started(&ended.stdout), ["1.1.0"], "{}", ended.story());
        let status = desktop.status();
        assert_eq!(status["current"]["isOnProbation"], true, "{status:#}");
        assert_eq!(status["current"]["starts"], 0, "{status:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_no_launcher_saw_counts_at_the_next_start() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Confirms, &[]);
    let _ = desktop.client("install").succeed();
    // It touches its file and ends before anybody looks, or is looked at in time: both are confirmations in the end.
    let _ = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    let ended = desktop.run(&[], &["exit=0"]).run();
    let status = desktop.status();
    assert_eq!(
        status["current"]["isOnProbation"],
        false,
        "{}",
        ended.story()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_staged_and_then_withdrawn_does_not_start() {
    let mut daemon = Daemon::start(BINARIES);
    let folder = Desktop::with_first(&daemon).folder;
    publish(&daemon, "1.1.0", Character::Crashes, &[]);
    // It outlives the daemon, so it cannot borrow it.
    let launcher = Relctl::new(BINARIES.relctl)
        .env("RELCTL_URL", daemon.url())
        .token(daemon.admin_token())
        .args(["--json", "client", "run", "--app-dir"])
        .path(&folder)
        .args(["--", "--", "stay"])
        .start();
    runs(&launcher, "1.0.0");
    event(&launcher, "staged", "1.1.0");
    let _ = daemon.relctl(["versions", "disable", "1.1.0"]).succeed();
    // Whoever comes back asks.
    daemon.start_again_where_it_was();
    tests::wait::until("nothing is staged", async || {
        (!folder.join("staged.json").exists()).then_some(())
    })
    .await;
    end(launcher);
    let desktop = Desktop::new(&daemon);
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_version_goes_back_to_the_one_that_the_daemon_names() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Confirms, &[]);
    let _ = desktop.client("update").args(["--once"]).succeed();
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.1.0");
    let recall = [
        "versions",
        "rollback",
        "--channel",
        "stable",
        "--to",
        "1.0.0",
    ];
    let _ = daemon.relctl(recall).succeed();
    event(&launcher, "staged", "1.0.0");
    end(launcher);
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
}
