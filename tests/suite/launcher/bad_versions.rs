//! Versions that do not work: the previous one comes back by itself, and the publisher hears why.

use super::starts::end;
use super::*;
use crate::watch::watch;

const ROLLOUT_FAILED: i32 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_crashes_at_start_goes_back_by_itself_and_fails_the_rollout() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    let limits = ["1.1.0", "--until", "100%", "--fail-over", "10%"];
    let watch = watch(&daemon, &limits).await;

    publish(&daemon, "1.1.0", Character::Crashes, &["--mandatory"]);

    event(&launcher, "rolled-back", "1.1.0");
    launcher.wait_for("1.0.0 runs again", |text| {
        (started(text) == ["1.0.0", "1.1.0", "1.1.0", "1.1.0", "1.0.0"]).then_some(())
    });
    let ended = watch.finish().exits_with(ROLLOUT_FAILED);
    let lines = ended.json_lines();
    let failed = lines
        .iter()
        .find(|line| line["type"] == "INSTALLATION_COMPLETED")
        .unwrap();
    assert_eq!(failed["data"]["success"], false);
    let message = failed["data"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("exited with code 1 after "),
        "{message}"
    );
    assert!(
        message.ends_with(", 3 times; returned to 1.0.0"),
        "{message}"
    );
    let status = desktop.status();
    assert_eq!(status["current"]["version"], "1.0.0", "{status:#}");
    assert_eq!(status["heldBack"][0]["version"], "1.1.0", "{status:#}");

    // It is offered still, and left alone; the next version is taken.
    end(launcher);
    let launcher = desktop.run(&["--probation", "500ms"], &["stay"]).start();
    event(&launcher, "held-back", "1.1.0");
    publish(&daemon, "1.1.1", Character::Works, &["--mandatory"]);
    runs(&launcher, "1.1.1");
    event(&launcher, "confirmed", "1.1.1");
    assert_eq!(started(&launcher.stdout()), ["1.0.0", "1.1.1"]);
    assert_eq!(desktop.status()["heldBack"], serde_json::json!([]));
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publisher_hears_of_a_way_back_that_happened_offline() {
    let mut daemon = Daemon::start(BINARIES);
    publish(&daemon, "1.0.0", Character::Works, &[]);
    let _ = Desktop::new(&daemon)
        .client("update")
        .args(["--once"])
        .succeed();
    publish(&daemon, "1.1.0", Character::Crashes, &[]);
    let _ = Desktop::new(&daemon).client("install").succeed();
    daemon.kill();
    let ended = Desktop::new(&daemon)
        .run(&["--max-crashes", "1"], &["exit=5"])
        .run()
        .exits_with(5);
    assert_eq!(
        started(&ended.stdout),
        ["1.1.0", "1.0.0"],
        "{}",
        ended.story()
    );

    daemon.start_again();
    let desktop = Desktop::new(&daemon);
    assert_eq!(desktop.status()["hasUnsentReports"], true);
    let watch = watch(&daemon, &[]).await;
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    let failed = completed(&watch, "1.1.0");
    assert_eq!(failed["success"], false);
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .ends_with("returned to 1.0.0")
    );
    tests::wait::until("the report is not kept any more", async || {
        (desktop.status()["hasUnsentReports"] == false).then_some(())
    })
    .await;
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_hangs_is_ended_and_left() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Hangs, &[]);
    let _ = desktop.client("install").succeed();
    let flags = [
        "--require-confirmation",
        "--probation",
        "500ms",
        "--grace",
        "300ms",
        "--max-crashes",
        "2",
    ];
    let launcher = desktop.run(&flags, &["stay"]).start();
    let back = event(&launcher, "rolled-back", "1.1.0");
    let message = back["message"].as_str().unwrap();
    assert!(
        message.contains("did not confirm within 0.5 s, 2 times"),
        "{message}"
    );
    launcher.wait_for("1.0.0 runs again", |text| {
        (started(text).last()? == "1.0.0").then_some(())
    });
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launcher_that_dies_with_its_application_counts_the_start_all_the_same() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Works, &[]);
    let _ = desktop.client("install").succeed();
    for starts in 1..=2 {
        let mut launcher = desktop.run(&["--max-crashes", "2"], &["stay"]).start();
        runs(&launcher, "1.1.0");
        // As if the version had taken the machine down.
        launcher.kill();
        let status = desktop.status();
        assert_eq!(status["current"]["starts"], starts, "{status:#}");
    }
    let ended = desktop.run(&["--max-crashes", "2"], &["exit=0"]).run();
    let ended = ended.exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    let status = desktop.status();
    let reason = status["heldBack"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "was started 2 times and never confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_version_that_crashes_has_nothing_to_go_back_to() {
    let daemon = Daemon::start(BINARIES);
    publish(&daemon, "1.0.0", Character::Crashes, &[]);
    let desktop = Desktop::new(&daemon);
    let watch = watch(&daemon, &[]).await;
    // Starting it again is for whoever started it.
    for _ in 0..2 {
        let ended = desktop.run(&["--max-crashes", "2"], &[]).run();
        let ended = ended.exits_with(1);
        assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    }
    let failed = completed(&watch, "1.0.0");
    assert_eq!(failed["success"], false);
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.ends_with("there is no version to return to"),
        "{message}"
    );
}
