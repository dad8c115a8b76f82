//! The power goes, twenty times, while the daemon works: what it acknowledged before is there afterwards.
//!
//! Only acknowledgements read before the cut count. One that arrives later proves nothing: the kernel may have answered
//! an fsync that raced with the cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use protocol::api::paths;
use tests::power::Disk;
use tests::wait::until;
use tests::{Api, Daemon, Setup, Upload, api};

use crate::BINARIES;
use crate::jars::small_jar;

const CUTS: u32 = 20;

/// What the daemon has acknowledged: versions and names of users.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    versions: Vec<String>,
    users: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let mut disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            // Not `println!`, which is shown only when the test fails.
            let line =
                format!("\nSKIPPED a_power_cut_loses_nothing_that_was_acknowledged: {reason}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return;
        }
    };
    let mut random = fastrand::Rng::with_seed(2);
    let mut expected = Acknowledged::default();
    for cut in 0..CUTS {
        let mut daemon = Setup::new(BINARIES)
            .data_dir(disk.path().join("relctl-data"))
            .start();
        everything_is_there(&daemon, &expected).await;

        let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
        let work = tokio::spawn(publish_on_and_on(
            daemon.api(),
            cut,
            Arc::clone(&acknowledged),
        ));
        until("a first acknowledgement", async || {
            acknowledged.lock().unwrap().versions.first().cloned()
        })
        .await;
        // The moment is the point of this test, so it is chosen at random rather than waited for.
        tokio::time::sleep(Duration::from_millis(random.u64(0..150))).await;
        let before = acknowledged.lock().unwrap().clone();
        disk.cut_power().unwrap();
        daemon.kill();
        work.abort();
        drop(daemon);
        disk.power_on().unwrap();

        expected.versions.extend(before.versions);
        expected.users.extend(before.users);
    }
    let daemon = Setup::new(BINARIES)
        .data_dir(disk.path().join("relctl-data"))
        .start();
    everything_is_there(&daemon, &expected).await;
}

/// Publishes small releases and adds users until the daemon stops answering.
async fn publish_on_and_on(api: Api, cut: u32, acknowledged: Arc<Mutex<Acknowledged>>) {
    for step in 0.. {
        let version = format!("1.{cut}.{step}");
        let upload = Upload::new(&version, small_jar(&version));
        let request = api
            .request(reqwest::Method::POST, &format!("{}/versions", paths::ADMIN))
            .multipart(upload.form());
        let Ok(answer) = api::try_send(request).await else {
            return;
        };
        if answer.status != 201 {
            return;
        }
        acknowledged.lock().unwrap().versions.push(version);

        let name = format!("user-{cut}-{step}");
        let request = api
            .request(reqwest::Method::POST, &format!("{}/users", paths::IDENTITY))
            .json(&json!({ "username": name, "role": "USER" }));
        match api::try_send(request).await {
            Ok(answer) if answer.status == 201 => {
                acknowledged.lock().unwrap().users.push(name);
            }
            _ => return,
        }
    }
}

/// Every acknowledged release and user is there, and every release that is there is whole.
async fn everything_is_there(daemon: &Daemon, acknowledged: &Acknowledged) {
    let api = daemon.api();
    let checksums: BTreeMap<String, String> = crate::all_releases(&api)
        .await
        .into_iter()
        .map(|release| {
            let text = |field: &str| release[field].as_str().unwrap().to_owned();
            (text("versionNumber"), text("checksum"))
        })
        .collect();
    for version in &acknowledged.versions {
        assert!(
            checksums.contains_key(version),
            "{version} was acknowledged and is lost\n{}",
            daemon.story()
        );
    }
    for (version, checksum) in &checksums {
        let bytes = api.download(version).await.is(200).body;
        assert_eq!(
            *checksum,
            crate::sha256(&bytes),
            "{version}\n{}",
            daemon.story()
        );
        assert!(bytes == small_jar(version), "{version} has other bytes");
    }
    let users: BTreeSet<String> = crate::all_pages(&api, &format!("{}/users", paths::IDENTITY))
        .await
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect();
    for name in &acknowledged.users {
        assert!(
            users.contains(name),
            "{name} was acknowledged and is lost\n{}",
            daemon.story()
        );
    }
}
