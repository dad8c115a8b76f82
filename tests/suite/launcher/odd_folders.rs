//! Folders that cannot be written to, lie on two file systems, or were damaged: the application starts, the message is clear.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use tests::Volume;

use super::starts::end;
use super::*;

/// Room for a few small versions.
const PLENTY_MB: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_version_is_not_started_and_comes_again() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Confirms, &[]);
    let _ = desktop.client("update").args(["--once"]).succeed();
    let whole = sha256_of(&desktop.jar("1.1.0"));
    let jar = fs::read(desktop.jar("1.1.0")).unwrap();
    fs::write(desktop.jar("1.1.0"), &jar[..jar.len() / 2]).unwrap();

    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    event(&launcher, "damaged", "1.1.0");
    event(&launcher, "staged", "1.1.0");
    end(launcher);
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.1.0"], "{}", ended.story());
    assert_eq!(sha256_of(&desktop.jar("1.1.0")), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_only_version_is_fetched_again_before_the_start() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    fs::write(desktop.jar("1.0.0"), "damaged").unwrap();
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    // And so is one whose note is scribbled over.
    fs::write(desktop.folder.join("current.json"), "scribble").unwrap();
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    assert!(desktop.folder.join("current.json.damaged").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn staging_on_another_file_system_works_and_a_full_one_leaves_the_version_alone() {
    let Some(disk) = disk("staging_on_another_file_system_works") else {
        return;
    };
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let staging = desktop.folder.join("staging");
    fs::remove_dir_all(&staging).unwrap();
    symlink(disk.path(), &staging).unwrap();
    let flags = ["--delta-from", "none"];
    publish(&daemon, "1.1.0", Character::Confirms, &flags);
    // Full: the update fails, and the application runs.
    let filler = disk.path().join("filler");
    let left = BALLAST / 3;
    fs::write(&filler, vec![1; PLENTY_MB as usize * 1024 * 1024 - left]).unwrap();
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    launcher.wait_for_on(Stream::Stderr, "what is wrong", |text| {
        let is_failed = text.contains("the update failed");
        (is_failed && text.contains("room")).then_some(())
    });
    let status = desktop.status();
    assert_eq!(status["current"]["version"], "1.0.0", "{status:#}");
    let trouble = status["lastError"]["message"].as_str().unwrap();
    assert!(trouble.contains("room"), "{trouble}");
    end(launcher);

    // With room again it works, though nothing can be renamed from there.
    fs::remove_file(&filler).unwrap();
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    event(&launcher, "staged", "1.1.0");
    end(launcher);
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.1.0"], "{}", ended.story());
    assert!(desktop.status()["lastError"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_to_starts_its_application_and_leaves_what_crashes() {
    let Some(disk) = disk("a_folder_that_cannot_be_written_to") else {
        return;
    };
    let daemon = Daemon::start(BINARIES);
    symlink(disk.path(), daemon.home().join(CLIENT)).unwrap();
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Crashes, &[]);
    disk.make_read_only();
    let ended = desktop.run(&[], &["exit=6"]).run().exits_with(6);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    let said = &ended.stderr;
    assert!(said.contains("no updates from here"), "{}", ended.story());
    assert!(said.contains("read-only"), "{}", ended.story());

    // The disk went bad after a bad version was installed: for as long as that lasts, each start finds out anew.
    disk.make_writable();
    let _ = desktop.client("install").succeed();
    disk.make_read_only();
    for _ in 0..2 {
        let ended = desktop.run(&[], &["exit=6"]).run().exits_with(6);
        let versions = started(&ended.stdout);
        let expected = ["1.1.0", "1.1.0", "1.1.0", "1.0.0"];
        assert_eq!(versions, expected, "{}", ended.story());
    }
}

/// A small disk; `None`, and a loud word about it, where none can be mounted.
fn disk(test: &str) -> Option<Volume> {
    match Volume::mount(PLENTY_MB) {
        Ok(disk) => Some(disk),
        Err(reason) => {
            // Not `println!`, which is shown only when the test fails.
            let line = format!("\nSKIPPED {test}: {reason}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
    }
}
