//! The index is only an index: deleted, cut short or scribbled on, it is made again from the journal.

use std::path::{Path, PathBuf};

use protocol::api::paths;
use serde_json::{Value, json};
use tests::{Daemon, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

#[tokio::test]
async fn a_deleted_index_is_made_again() {
    rebuilt_after(|index| std::fs::remove_dir_all(index).unwrap()).await;
}

#[tokio::test]
async fn an_index_cut_short_is_made_again() {
    rebuilt_after(|index| {
        for file in files(index) {
            let size_bytes = file.metadata().unwrap().len();
            let file = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
            file.set_len(size_bytes / 3).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_index_full_of_noise_is_made_again() {
    rebuilt_after(|index| {
        let mut random = fastrand::Rng::with_seed(4);
        for file in files(index) {
            let mut bytes = std::fs::read(&file).unwrap();
            random.fill(&mut bytes);
            std::fs::write(&file, bytes).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_index_with_single_wrong_bits_never_loses_or_invents_anything() {
    let mut daemon = with_content().await;
    let expected = content(&daemon).await;
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..10 {
        let _ = daemon.terminate();
        for file in files(&daemon.data_dir().join("index")) {
            let mut bytes = std::fs::read(&file).unwrap();
            if !bytes.is_empty() {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u8(..8);
                std::fs::write(&file, bytes).unwrap();
            }
        }
        daemon.start_again();
        assert_eq!(content(&daemon).await, expected, "{}", daemon.story());
    }
}

/// Damages the index of a stopped daemon, starts it, and checks that it warns and has lost nothing.
async fn rebuilt_after(damage: impl Fn(&Path)) {
    let mut daemon = with_content().await;
    let expected = content(&daemon).await;
    let _ = daemon.terminate();

    damage(&daemon.data_dir().join("index"));
    daemon.start_again();

    daemon.wait_for_log("index");
    let log = daemon.log();
    assert!(
        log.lines()
            .any(|line| line.contains("WARN") && line.contains("index")),
        "no warning about the index: {log}"
    );
    assert_eq!(content(&daemon).await, expected, "{}", daemon.story());

    // Made once, it holds: the next start has nothing to warn about.
    daemon.restart();
    assert!(!daemon.log().contains("WARN"), "{}", daemon.log());
    assert_eq!(content(&daemon).await, expected);
}

async fn with_content() -> Daemon {
    let daemon = Daemon::start(BINARIES);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        let upload = Upload::new(version, small_jar(version));
        let _ = daemon.api().publish(&upload).await.is(201);
    }
    let _ = daemon.api().set_state("1.2.0", "INACTIVE").await.is(200);
    let user = json!({ "username": "jane", "role": "PUBLISHER" });
    let path = format!("{}/users", paths::IDENTITY);
    let _ = daemon.api().post(&path, &user).await.is(201);
    daemon
}

async fn content(daemon: &Daemon) -> Vec<Value> {
    let api = daemon.api();
    let mut content = crate::all_releases(&api).await;
    for path in [
        format!("{}/users", paths::IDENTITY),
        format!("{}/versions/1.2.0/history", paths::ADMIN),
    ] {
        content.push(api.get(&path).await.is(200).data());
    }
    content
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}
