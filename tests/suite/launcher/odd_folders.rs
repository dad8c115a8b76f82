//! Folders that cannot be written to, lie on two file systems, or were damaged: the application starts, the message is clear.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::starts::end;
use super::*;

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
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    let staging = desktop.folder.join("staging");
    let Some(disk) = Mounted::small_disk(&staging, "2m") else {
        return;
    };
    publish(
        &daemon,
        "1.1.0",
        Character::Confirms,
        &["--delta-from", "none"],
    );
    // Full: the update fails, and the application runs.
    let filler = staging.join("filler");
    fs::write(&filler, vec![1; 2_000_000]).ok();
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    launcher.wait_for_on(Stream::Stderr, "what is wrong", |text| {
        (text.contains("the update failed") && text.contains("room")
            || text.contains("no space left"))
        .then_some(())
    });
    let status = desktop.status();
    assert_eq!(status["current"]["version"], "1.0.0", "{status:#}");
    assert!(status["lastError"]["message"].is_string(), "{status:#}");
    end(launcher);

    // With room again it works, though nothing can be renamed from there.
    fs::remove_file(&filler).unwrap();
    let launcher = desktop.run(&[], &["stay"]).start();
    runs(&launcher, "1.0.0");
    event(&launcher, "staged", "1.1.0");
    end(launcher);
    let ended = desktop.run(&[], &["exit=0"]).run().exits_with(0);
    assert_eq!(started(&ended.stdout), ["1.1.0"], "{}", ended.story());
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_to_starts_its_application_and_leaves_what_crashes() {
    let daemon = Daemon::start(BINARIES);
    let desktop = Desktop::with_first(&daemon);
    publish(&daemon, "1.1.0", Character::Crashes, &[]);
    let mount = || Mounted::read_only(&desktop.folder);
    let Some(mounted) = mount() else {
        return;
    };
    let ended = desktop.run(&[], &["exit=6"]).run().exits_with(6);
    assert_eq!(started(&ended.stdout), ["1.0.0"], "{}", ended.story());
    let said = &ended.stderr;
    assert!(said.contains("no updates from here"), "{}", ended.story());
    assert!(said.contains("read-only"), "{}", ended.story());
    drop(mounted);

    // The disk went bad after a bad version was installed: for as long as that lasts, each start finds out anew.
    let _ = desktop.client("install").succeed();
    let _mounted = mount();
    for _ in 0..2 {
        let ended = desktop.run(&[], &["exit=6"]).run().exits_with(6);
        let versions = started(&ended.stdout);
        assert_eq!(
            versions,
            ["1.1.0", "1.1.0", "1.1.0", "1.0.0"],
            "{}",
            ended.story()
        );
    }
}

/// Something mounted on a folder, gone when dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// A file system of its own, with room for this much. Says loudly where that is not permitted.
    fn small_disk(folder: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        mount(&["-t", "tmpfs", "-o", &options, "relctl-test"], folder).then_some(Self(folder))
    }

    /// The folder itself, but nobody can write to it, root included.
    fn read_only(folder: &'a Path) -> Option<Self> {
        let own = folder.to_string_lossy();
        let mounted = mount(&["--bind", &own], folder).then_some(Self(folder))?;
        mount(&["-o", "remount,bind,ro"], folder).then_some(mounted)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(folder).output();
    let is_mounted = mounted.is_ok_and(|output| output.status.success());
    if !is_mounted {
        // Not `println!`, which is shown only when the test fails.
        let line = "\nSKIPPED: mounting is not permitted here, so an odd folder was NOT tested\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    is_mounted
}
