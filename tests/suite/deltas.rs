//! Deltas and the compressed file: who makes them, who takes them, and what happens when one is damaged on the way.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use fixtures::jars::jar_pair;
use protocol::api::paths;
use tests::relctl::Finished;
use tests::wait::until;
use tests::{Api, Daemon, Setup, Upload};

use crate::BINARIES;

const BUILDS: &str = "[deltas]\nbuild = \"on-publish\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_falls_back_from_the_jar_delta_to_zstd_to_the_compressed_file_to_the_full_one() {
    let daemon = Daemon::start(BINARIES);
    let (old, new) = jar_pair(1, 1_000_000);
    let published = publish(&daemon, "1.0.0", &old);
    let [compressed] = &published["deltas"].as_array().unwrap()[..] else {
        panic!("no file was compressed: {published:#}");
    };
    assert_eq!(compressed.get("fromVersion"), None);
    assert_eq!(compressed["result"], "uploaded");
    // Nothing is installed: no delta fits.
    for client in [
        "whole",
        "other",
        "jar-damaged",
        "both-damaged",
        "all-damaged",
    ] {
        let (updated, _) = update(&daemon, client, &old);
        assert_eq!(updated["way"], "compressed", "{updated:#}");
        assert_eq!(updated["fetchedBytes"], compressed["sizeBytes"]);
        assert_eq!(updated.get("deltaFormat"), None);
    }
    let _ = publish(&daemon, "1.1.0", &new);
    let offered = daemon.api().get(&delta_path("1.0.0", "1.1.0")).await;
    let offered = offered.is(200).data();
    let sizes: Vec<(&Value, u64)> = offered["deltas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delta| (&delta["format"], delta["size"].as_u64().unwrap()))
        .collect();
    let [(first, jar_bytes), (second, zstd_bytes)] = sizes[..] else {
        panic!("two formats were expected: {offered:#}");
    };
    assert_eq!((first, second), (&json!("jar"), &json!("zstd")));
    let whole = daemon.api().get(&delta_path("none", "1.1.0")).await;
    let whole = whole.is(200).data();
    let compressed_bytes = whole["size"].as_u64().unwrap();
    assert!(
        jar_bytes < zstd_bytes
            && zstd_bytes < compressed_bytes
            && compressed_bytes < new.len() as u64,
        "{sizes:?}, {compressed_bytes}, {}",
        new.len()
    );

    let (updated, _) = update(&daemon, "whole", &new);
    assert_eq!(
        (&updated["way"], &updated["deltaFormat"]),
        (&json!("delta"), &json!("jar"))
    );

    // The installed file is not the one that was published.
    let installed = installed(&daemon, "other", "1.0.0");
    std::fs::write(&installed, b"somebody was here").unwrap();
    let (updated, said) = update(&daemon, "other", &new);
    assert_eq!(updated["way"], "compressed", "{said}");
    assert!(said.contains("the zstd delta did not work"), "{said}");
    assert_eq!(updated["fetchedBytes"], compressed_bytes);

    let in_turn = [
        ("jar-damaged", &offered["deltas"][0], "jar delta", "delta"),
        (
            "both-damaged",
            &offered["deltas"][1],
            "zstd delta",
            "compressed",
        ),
        (
            "all-damaged",
            &whole["deltas"][0],
            "compressed download",
            "full",
        ),
    ];
    for (client, damaged, broken_way, way) in in_turn {
        damage(&daemon, damaged);
        let (updated, said) = update(&daemon, client, &new);
        assert_eq!(updated["way"], way, "{said}");
        let warning = format!("the {broken_way} did not work");
        assert!(said.contains(&warning), "{said}");
    }

    let statistics = daemon.api().get(&format!("{}/statistics", paths::ADMIN));
    let statistics = statistics.await.is(200).data();
    let version = &statistics["versions"][0];
    assert_eq!(version["version"], "1.1.0");
    assert_eq!(version["installationsSucceeded"], 5, "{version:#}");
    assert_eq!(version["downloadsCompleted"], 1, "{version:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_the_versions_gets_the_compressed_file_too_and_none_means_none() {
    let daemon = Daemon::start(BINARIES);
    let (old, new) = jar_pair(1, 300_000);
    let none = publish_with(&daemon, "1.0.0", &old, &["--delta-from", "none"]);
    assert_eq!(none["deltas"], json!([]));
    let named = publish_with(&daemon, "1.1.0", &new, &["--delta-from", "1.0.0"]);
    let outcomes = named["deltas"].as_array().unwrap();
    let from: Vec<&str> = outcomes
        .iter()
        .map(|delta| delta["fromVersion"].as_str().unwrap_or("none"))
        .collect();
    assert_eq!(from, ["1.0.0", "1.0.0", "none"], "{named:#}");
    let shown = daemon.relctl(["versions", "show", "1.1.0"]).succeed();
    let line = shown.lines().find(|line| line.starts_with("compressed "));
    assert!(line.is_some(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_installation_takes_the_compressed_file_also_where_a_minimum_keeps_old_versions_away()
 {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    let minimum = ["--minimum-client-version", "0.9.0"];
    let published = publish_with(&daemon, "1.0.0", &jar, &minimum);
    let (updated, said) = update(&daemon, "new", &jar);
    assert_eq!(updated["way"], "compressed", "{said}");
    assert_eq!(updated["fetchedBytes"], published["deltas"][0]["sizeBytes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_goes_on_does_not_make_the_compressed_file_again() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    let _ = publish_with(&daemon, "1.0.0", &jar, &["--draft"]);
    let again = publish_with(&daemon, "1.0.0", &jar, &[]);
    assert_eq!(again["state"], "ACTIVE");
    assert_eq!(again["deltas"][0]["result"], "already-there", "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_builds_deltas_goes_on_after_it_was_killed_and_one_that_does_not_builds_none()
{
    let idle = Daemon::start(BINARIES);
    let mut building = Setup::new(BINARIES).config(BUILDS).start();
    let (old, new) = jar_pair(1, 4_000_000);
    for daemon in [&idle, &building] {
        for (version, jar) in [("1.0.0", &old), ("1.1.0", &new)] {
            let upload = Upload::new(version, jar.clone());
            let _ = daemon.api().publish(&upload).await.is(201);
        }
    }
    building.wait_for_log("a delta is being built");
    building.kill();
    building.start_again();
    let staging = std::fs::read_dir(building.data_dir().join("staging")).unwrap();
    assert!(staging.count() <= 1, "half-built deltas are left");
    // It was killed before all was done.
    building.wait_for_log("a delta is being built");
    let api = building.api();
    let release = until("both deltas and the compressed file", async || {
        let release = api.release("1.1.0").await.is(200).data();
        let is_complete =
            release["deltas"].as_array()?.len() == 2 && release.get("compressed").is_some();
        is_complete.then_some(release)
    })
    .await;
    for delta in release["deltas"].as_array().unwrap() {
        let format = delta["format"].as_str().unwrap();
        check_rebuilds(&api, &old, "1.0.0", format, &new).await;
    }
    check_rebuilds(&api, b"", "none", "jar", &new).await;
    assert!(!building.log().contains("panicked"), "{}", building.story());

    let release = idle.api().release("1.1.0").await.is(200).data();
    assert_eq!(release["deltas"], json!([]), "{release:#}");
    assert_eq!(release.get("compressed"), None);
    assert!(!idle.log().contains("delta"), "{}", idle.story());
}

/// A delta that the daemon made rebuilds the new file.
async fn check_rebuilds(api: &Api, old: &[u8], from: &str, format: &str, new: &[u8]) {
    let path = format!("{}/download?format={format}", delta_path(from, "1.1.0"));
    let patch = api.get(&path).await.is(200).body;
    if let Err(error) = delta::verify(old, &patch, new) {
        panic!("the {format} delta from {from}: {error}");
    }
}

fn delta_path(from: &str, to: &str) -> String {
    format!("{}/delta/{from}/{to}", paths::CLIENT)
}

fn publish(daemon: &Daemon, version: &str, jar: &[u8]) -> Value {
    publish_with(daemon, version, jar, &[])
}

/// What `relctl publish` says of it to scripts.
fn publish_with(daemon: &Daemon, version: &str, jar: &[u8], options: &[&str]) -> Value {
    let path = daemon.home().join(format!("{version}.jar"));
    std::fs::write(&path, jar).unwrap();
    let publish = daemon.relctl(["publish", "--json"]).path(&path);
    let finished = publish.args(options.iter().copied()).run().exits_with(0);
    data(&finished)
}

/// A desktop that installs what there is, which must be these bytes; what it says to scripts and to people.
fn update(daemon: &Daemon, client: &str, expected: &[u8]) -> (Value, String) {
    let arguments = ["client", "update", "--once", "--json", "--client-id"];
    let finished = daemon
        .relctl(arguments)
        .args([client, "--channel", "stable", "--app-dir"])
        .path(&daemon.home().join(client))
        .run()
        .exits_with(0);
    let updated = data(&finished);
    let version = updated["toVersion"].as_str().unwrap();
    let bytes = std::fs::read(installed(daemon, client, version)).unwrap();
    assert!(bytes == expected, "{}", finished.story());
    (updated, finished.stderr)
}

fn data(finished: &Finished) -> Value {
    finished.json()["data"].clone()
}

fn installed(daemon: &Daemon, client: &str, version: &str) -> PathBuf {
    let versions = daemon.home().join(client).join("versions");
    versions.join(version).join("app.jar")
}

/// Other bytes of the same number, as a failing disk leaves them.
fn damage(daemon: &Daemon, delta: &Value) {
    let checksum = delta["checksum"].as_str().unwrap();
    let path: &Path = &daemon.data_dir().join("blobs");
    let path = path.join(&checksum[..2]).join(checksum);
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]).unwrap();
}
