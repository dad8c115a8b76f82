//! An update on a bad day: whatever the network, the disk and the machine do, the version that runs is whole, and the
//! next one arrives as soon as it can.

use std::path::PathBuf;

use fixtures::archive::{Archive, Entry};
use fixtures::jars;
use serde_json::Value;
use tests::relctl::Finished;
use tests::{Daemon, Relctl, Upload};

mod cuts;
mod disk;
mod hostile;
mod network;
mod signed;
mod turns;

/// Fifteen megabytes that do not shrink, all the same but for the version.
fn jar_of_15_mb(version: &str) -> Vec<u8> {
    let mut noise = vec![0; 15_000_000];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    let mut entries = jars::tiny_entries(version);
    entries.push(Entry::stored("app/pictures.bin", &noise));
    Archive::new(entries).to_bytes()
}

/// Publishes a release that there is only the whole file of.
async fn publish_whole(daemon: &Daemon, version: &str, jar: &[u8]) {
    let upload = Upload::new(version, jar.to_vec());
    let _ = daemon.api().publish(&upload).await.is(201);
}

/// Publishes a release with all that `relctl publish` makes of it.
fn publish_with_deltas(daemon: &Daemon, version: &str, jar: &[u8]) {
    let path = daemon.home().join(format!("{version}.jar"));
    std::fs::write(&path, jar).unwrap();
    let _ = daemon.relctl(["publish"]).path(&path).succeed();
}

fn app_dir(daemon: &Daemon) -> PathBuf {
    daemon.home().join("desktop")
}

/// A desktop that reaches the daemon by another address; options may follow.
fn update<'a>(daemon: &'a Daemon, url: &str) -> Relctl<'a> {
    daemon
        .relctl(["client", "update", "--json", "--client-id", "desktop-1"])
        .args(["--channel", "stable", "--app-dir"])
        .path(&app_dir(daemon))
        .env("RELCTL_URL", url)
}

/// One update that must be made; what it says to scripts.
fn updated(daemon: &Daemon, url: &str) -> Value {
    let finished = update(daemon, url).args(["--once"]).run().exits_with(0);
    finished.json()["data"].clone()
}

/// What a failed command says to scripts.
fn error(finished: &Finished) -> Value {
    finished.json()["error"].clone()
}

/// The version that the application's folder names, and the bytes of its file.
fn installed(daemon: &Daemon) -> (String, Vec<u8>) {
    let folder = app_dir(daemon);
    let current = std::fs::read(folder.join("current.json")).unwrap();
    let current: Value = serde_json::from_slice(&current).unwrap();
    let version = current["version"].as_str().unwrap().to_owned();
    let jar = folder.join("versions").join(&version).join("app.jar");
    (version, std::fs::read(jar).unwrap())
}

fn staged(daemon: &Daemon, name: &str) -> PathBuf {
    app_dir(daemon).join("staging").join(name)
}

/// A line for who reads the figures of a run; `println!` would show it only when the test fails.
fn say(line: &str) {
    use std::io::Write;
    let line = format!("\n{line}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
