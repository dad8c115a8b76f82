//! `relctl client install`, `rollback` and `status`, with a launcher at work and without.

use super::starts::end;
use super::*;

const NOT_FOUND: i32 = 5;
const CONFLICT: i32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_running_launcher_installs_and_goes_back_when_it_is_asked() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let launcher = desktop.run(&["--probation", "500ms"], &["stay"]).start();
    runs(&launcher, "1.0.0");
    publish(&daemon, "1.1.0", Character::Works, &[]);
    event(&launcher, "staged", "1.1.0");

    let asked = desktop.client("install").args(["--json"]).run();
    assert_eq!(asked.exits_with(0).json()["data"]["outcome"], "asked");
    runs(&launcher, "1.1.0");
    event(&launcher, "confirmed", "1.1.0");

    let asked = desktop.client("rollback").args(["--json"]).run();
    let asked = asked.exits_with(0).json();
    assert_eq!(asked["data"]["outcome"], "asked", "{asked:#}");
    assert_eq!(asked["data"]["toVersion"], "1.0.0");
    event(&launcher, "rolled-back", "1.1.0");
    launcher.wait_for("1.0.0 runs again", |text| {
        (started(text) == ["1.0.0", "1.1.0", "1.0.0"]).then_some(())
    });
    let status = desktop.status();
    assert_eq!(
        status["heldBack"][0]["reason"], "was left by the user",
        "{status:#}"
    );

    // Held back means: not without being told to.
    let refused = desktop.client("install").args(["1.1.0"]).run();
    let refused = refused.exits_with(CONFLICT);
    assert!(refused.stderr.contains("--force"), "{}", refused.story());
    let _ = desktop
        .client("install")
        .args(["1.1.0", "--force"])
        .succeed();
    launcher.wait_for("1.1.0 runs again", |text| {
        (started(text).last()? == "1.1.0").then_some(())
    });
    end(launcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_launcher_the_next_start_runs_what_was_chosen() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let refused = desktop.client("rollback").run().exits_with(NOT_FOUND);
    assert!(
        refused.stderr.contains("no whole version before 1.0.0"),
        "{}",
        refused.story()
    );
    publish(&daemon, "1.1.0", Character::Confirms, &[]);
    publish(&daemon, "1.2.0", Character::Confirms, &[]);

    let installed = desktop.client("install").args(["1.1.0", "--json"]).run();
    let installed = installed.exits_with(0).json();
    assert_eq!(installed["data"]["outcome"], "switched", "{installed:#}");
    assert_eq!(installed["data"]["toVersion"], "1.1.0");
    let _ = desktop.client("install").succeed();
    let run = || {
        let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
        started(&ended.stdout)
    };
    assert_eq!(run(), ["1.2.0"]);
    let _ = desktop.client("rollback").succeed();
    assert_eq!(run(), ["1.0.0"], "1.1.0 never confirmed");
    // Other updaters leave it alone as well.
    let left_alone = desktop.client("update").args(["--once", "--json"]).run();
    let left_alone = left_alone.exits_with(0);
    assert_eq!(left_alone.json()["data"]["updated"], false);
    assert!(
        left_alone.stderr.contains("1.2.0 is offered and held back"),
        "{}",
        left_alone.story()
    );
    // Any other version is fetched, and stays.
    let _ = desktop.client("rollback").args(["--to", "1.1.0"]).succeed();
    assert_eq!(run(), ["1.1.0"]);
    let status = desktop.status();
    assert_eq!(status["heldBack"][0]["version"], "1.2.0", "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_named() {
    let daemon = Daemon::start(BINARIES);
    for command in ["status", "install", "rollback"] {
        let desktop = Desktop::new(&daemon);
        let ended = desktop.client(command).run().exits_with(2);
        assert!(ended.stderr.contains(CLIENT), "{}", ended.story());
    }
    let folder = daemon.home().join(CLIENT);
    std::fs::create_dir(folder).unwrap();
    let status = Desktop::new(&daemon).client("status").succeed();
    assert!(status.contains("nothing yet"), "{status}");
}
