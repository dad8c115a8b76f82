//! Uploads and a disk that is full: refused before the first byte where that can be known, and gone where it comes later.

use protocol::api::paths;
use reqwest::Method;
use tests::{Daemon, Setup, Volume, api};

use crate::BINARIES;
use crate::jars::{large_jar, small_jar};

const PLENTY_MB: u32 = 200;
const LITTLE_MB: u32 = 24;
/// Less than an upload leaves free for journal and index.
const NEARLY_NOTHING_MB: u32 = 16;

async fn begin(daemon: &Daemon, megabytes: u64) -> tests::Answer {
    let request = daemon
        .api()
        .request(Method::POST, paths::UPLOADS)
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Length", megabytes * 1_000_000);
    api::try_send(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_keeps_no_half_of_an_upload() {
    let volume = match Volume::mount(PLENTY_MB) {
        Ok(volume) => volume,
        Err(reason) => {
            println!("SKIPPED: {reason}");
            return;
        }
    };
    let daemon = Setup::new(BINARIES)
        .data_dir(volume.path().join("data"))
        .start();
    assert_eq!(begin(&daemon, 250).await.status, 507);
    let begun = begin(&daemon, 100).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    volume.resize(LITTLE_MB);
    let request = daemon
        .api()
        .request(Method::PATCH, begun.header("location"))
        .header("Tus-Resumable", "1.0.0")
        .header("Content-Type", "application/offset+octet-stream")
        .header("Upload-Offset", 0)
        .body(vec![7; 60_000_000]);
    let full = api::try_send(request).await.unwrap();
    assert_eq!(full.status, 507, "{}\n{}", full.text(), daemon.story());
    let left = std::fs::read_dir(daemon.data_dir().join("uploads")).unwrap();
    assert_eq!(left.count(), 0, "{}", daemon.story());

    volume.resize(NEARLY_NOTHING_MB);
    let jar = daemon.home().join("app.jar");
    std::fs::write(&jar, large_jar("1.0.0")).unwrap();
    let refused = daemon.relctl(["publish", "--json"]).path(&jar).run();
    let refused = refused.exits_with(1);
    assert_eq!(
        refused.json()["error"]["code"],
        "INSUFFICIENT_STORAGE",
        "{}",
        refused.story()
    );
    std::fs::write(&jar, small_jar("1.0.0")).unwrap();
    volume.resize(PLENTY_MB);
    let _ = daemon.relctl(["publish"]).path(&jar).succeed();
}
