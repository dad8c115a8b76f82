//! `relctl client run` with a real `java` application: it starts whatever happens, takes updates, and takes back bad ones.

mod bad_versions;
mod by_hand;
mod kill;
mod odd_folders;
mod starts;
mod updates;

use std::path::{Path, PathBuf};

use serde_json::Value;

use fixtures::probe::{Character, probe_jar};
use tests::process::Stream;
use tests::relctl::Running;
use tests::{Daemon, Relctl};

use crate::BINARIES;

/// A JVM that starts quickly is all that these tests need of it.
const QUICK: [&str; 2] = ["-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/// Small, but more than one block of anything.
const BALLAST: usize = 300_000;

const CLIENT: &str = "desktop-1";

/// A desktop: the folder of an application, and a daemon to follow.
struct Desktop<'a> {
    daemon: &'a Daemon,
    folder: PathBuf,
}

impl<'a> Desktop<'a> {
    fn new(daemon: &'a Daemon) -> Self {
        Self {
            daemon,
            folder: daemon.home().join(CLIENT),
        }
    }

    /// One on which 1.0.0 was installed.
    fn with_first(daemon: &'a Daemon) -> Self {
        publish(daemon, "1.0.0", Character::Works, &[]);
        let desktop = Self::new(daemon);
        let _ = desktop.client("update").args(["--once"]).succeed();
        desktop
    }

    /// A command of `relctl client` in this folder.
    fn client(&self, command: &str) -> Relctl<'a> {
        self.daemon
            .relctl(["client", command, "--app-dir"])
            .path(&self.folder)
            .env("RELCTL_CLIENT_ID", CLIENT)
    }

    /// The launcher, and what the application is given.
    fn run(&self, flags: &[&str], arguments: &[&str]) -> Relctl<'a> {
        let words = ["--json"].iter().chain(flags).chain(&["--"]);
        self.client("run")
            .that_starts_others()
            .args(words.chain(&QUICK).chain(&["--"]).copied())
            .args(arguments.iter().copied())
    }

    /// What `relctl client status` says.
    #[track_caller]
    fn status(&self) -> Value {
        let status = self.client("status").args(["--json"]).run();
        status.exits_with(0).json()["data"].take()
    }

    fn jar(&self, version: &str) -> PathBuf {
        self.folder.join("versions").join(version).join("app.jar")
    }
}

/// Packs a version of the probe and publishes it.
fn publish(daemon: &Daemon, version: &str, character: Character, flags: &[&str]) -> PathBuf {
    let path = daemon.home().join(format!("probe-{version}.jar"));
    std::fs::write(&path, probe_jar(version, character, BALLAST)).unwrap();
    let publish = daemon.relctl(["publish"]).path(&path);
    let _ = publish.args(flags.iter().copied()).succeed();
    path
}

/// What the probe says when it starts, from three places of its JAR.
fn greeting(version: &str) -> String {
    format!("probe {version} {version} {version} ")
}

/// The versions that a launcher's application said to be, in their order.
fn started(stdout: &str) -> Vec<String> {
    let lines = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("probe "));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(
                words[1] == words[0] && words[2] == words[0],
                "a mixture of versions: {line}"
            );
            words[0].to_owned()
        })
        .collect()
}

/// Waits until the application of this version runs.
#[track_caller]
fn runs(launcher: &Running, version: &str) {
    launcher.wait_for(&format!("{version} says that it runs"), |text| {
        text.contains(&greeting(version)).then_some(())
    });
}

/// Waits for an event of the launcher.
#[track_caller]
fn event(launcher: &Running, event: &str, version: &str) -> Value {
    let what = format!("the event {event} of {version}");
    launcher.wait_for_on(Stream::Stderr, &what, |text| {
        let lines = text.lines();
        let mut events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.find(|line| line["event"] == event && line["version"] == version)
    })
}

/// The end of an installation, as a watcher hears of it.
#[track_caller]
fn completed(watch: &Running, version: &str) -> Value {
    let completed = watch.wait_for_json("the end of an installation", |line| {
        line["type"] == "INSTALLATION_COMPLETED" && line["data"]["version"] == version
    });
    completed["data"].clone()
}

fn sha256_of(path: &Path) -> String {
    crate::sha256(&std::fs::read(path).unwrap())
}
