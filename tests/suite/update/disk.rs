//! Disks that are full, read-only or elsewhere: a clear message, the version that runs untouched, and on it goes once
//! the disk is well again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixtures::jars::jar_pair;
use tests::front::Reply;
use tests::{Daemon, Front, Volume};

use super::{
    app_dir, error, installed, publish_whole, publish_with_deltas, say, staged, update, updated,
};
use crate::BINARIES;
use crate::jars::large_jar;

/// What `large_jar` has, and the last version to be installed, with some room for the small files.
const ONE_AND_A_BIT_MB: u32 = 9;
const PLENTY_MB: u32 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_for_a_version_is_told_before_a_byte_is_fetched() {
    let Some(volume) =
        mounted("a_disk_without_room_for_a_version_is_told_before_a_byte_is_fetched")
    else {
        return;
    };
    let daemon = on(&volume);
    let (old, new) = (large_jar("1.0.0"), large_jar("1.1.0"));
    publish_whole(&daemon, "1.0.0", &old).await;
    let _ = updated(&daemon, daemon.url());
    publish_whole(&daemon, "1.1.0", &new).await;
    volume.resize(ONE_AND_A_BIT_MB);
    let front = Front::of(daemon.url(), |_| Reply::Forward).await;

    let finished = update(&daemon, front.url()).args(["--once"]).run();

    let finished = finished.exits_with(1);
    let error = error(&finished);
    assert_eq!(error["code"], "NO_ROOM", "{}", finished.story());
    let message = error["message"].as_str().unwrap();
    let needed = (new.len() + 1024 * 1024).to_string();
    assert!(
        message.contains(&needed) && message.contains("staging"),
        "{message}"
    );
    assert!(front.asked("/download/").is_empty());
    assert!(installed(&daemon) == ("1.0.0".into(), old));

    volume.resize(PLENTY_MB);
    let _ = updated(&daemon, daemon.url());
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_while_bytes_arrive_keeps_them_for_the_next_time() {
    let Some(volume) =
        mounted("a_disk_that_fills_up_while_bytes_arrive_keeps_them_for_the_next_time")
    else {
        return;
    };
    let daemon = on(&volume);
    let (old, new) = (large_jar("1.0.0"), large_jar("1.1.0"));
    publish_whole(&daemon, "1.0.0", &old).await;
    let _ = updated(&daemon, daemon.url());
    publish_whole(&daemon, "1.1.0", &new).await;
    let hog = Hog::on(&volume, 3_000_000);
    let front = Front::of(daemon.url(), hog.at("/download/"));
    let front = front.await;

    let finished = update(&daemon, front.url()).args(["--once"]).run();

    let finished = finished.exits_with(1);
    let message = error(&finished)["message"].to_string();
    assert!(
        message.contains("no space left on device"),
        "{}",
        finished.story()
    );
    assert!(installed(&daemon) == ("1.0.0".into(), old));
    let kept = std::fs::metadata(staged(&daemon, "1.1.0.jar.part")).unwrap();
    assert!(kept.len() > 1_000_000, "{}", kept.len());

    hog.go();
    let updated = updated(&daemon, daemon.url());
    assert_eq!(updated["fetchedBytes"], new.len() as u64 - kept.len());
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_before_a_file_is_rebuilt_keeps_the_delta_for_the_next_time() {
    let Some(volume) =
        mounted("a_disk_that_fills_up_before_a_file_is_rebuilt_keeps_the_delta_for_the_next_time")
    else {
        return;
    };
    let daemon = on(&volume);
    let (old, new) = jar_pair(1, 4_000_000);
    publish_with_deltas(&daemon, "1.0.0", &old);
    let _ = updated(&daemon, daemon.url());
    publish_with_deltas(&daemon, "1.1.0", &new);
    let hog = Hog::on(&volume, 2_500_000);
    let front = Front::of(daemon.url(), hog.at("/delta/1.0.0/1.1.0/download")).await;

    let finished = update(&daemon, front.url()).args(["--once"]).run();

    let finished = finished.exits_with(1);
    assert_eq!(error(&finished)["code"], "NO_ROOM", "{}", finished.story());
    assert!(installed(&daemon) == ("1.0.0".into(), old));

    hog.go();
    let updated = updated(&daemon, daemon.url());
    assert_eq!(updated["way"], "delta");
    assert_eq!(updated["fetchedBytes"], 0, "{updated:#}");
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_is_named_and_left_as_it_is() {
    let Some(volume) = mounted("a_read_only_folder_is_named_and_left_as_it_is") else {
        return;
    };
    let daemon = on(&volume);
    let (old, new) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &old).await;
    let _ = updated(&daemon, daemon.url());
    publish_whole(&daemon, "1.1.0", &new).await;
    volume.make_read_only();

    let finished = update(&daemon, daemon.url()).args(["--once"]).run();

    let finished = finished.exits_with(1);
    let message = error(&finished)["message"].to_string();
    assert!(
        message.contains("read-only file system"),
        "{}",
        finished.story()
    );
    let folder = app_dir(&daemon).display().to_string();
    assert!(message.contains(&folder), "{message}");
    assert!(installed(&daemon) == ("1.0.0".into(), old));

    volume.make_writable();
    let _ = updated(&daemon, daemon.url());
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staging_folder_on_another_disk_will_do() {
    let Some(volume) = mounted("a_staging_folder_on_another_disk_will_do") else {
        return;
    };
    let daemon = Daemon::start(BINARIES);
    std::fs::create_dir(app_dir(&daemon)).unwrap();
    std::os::unix::fs::symlink(volume.path(), app_dir(&daemon).join("staging")).unwrap();
    let (old, new) = jar_pair(1, 300_000);
    publish_with_deltas(&daemon, "1.0.0", &old);
    let first = updated(&daemon, daemon.url());
    publish_with_deltas(&daemon, "1.1.0", &new);
    let second = updated(&daemon, daemon.url());
    assert_eq!(
        (&first["way"], &second["way"]),
        (&"compressed".into(), &"delta".into())
    );
    assert!(installed(&daemon) == ("1.1.0".into(), new));
}

/// A volume with plenty of room; `None`, and a word about it, where none can be mounted.
fn mounted(test: &str) -> Option<Volume> {
    match Volume::mount(PLENTY_MB) {
        Ok(volume) => Some(volume),
        Err(reason) => {
            say(&format!("SKIPPED {test}: {reason}"));
            None
        }
    }
}

/// A daemon whose desktop lives on the volume.
fn on(volume: &Volume) -> Daemon {
    let daemon = Daemon::start(BINARIES);
    std::os::unix::fs::symlink(volume.path(), app_dir(&daemon)).unwrap();
    daemon
}

/// Takes all room of a disk but some, when a certain request passes.
#[derive(Clone)]
struct Hog {
    file: Arc<PathBuf>,
    volume: Arc<PathBuf>,
    left_bytes: u64,
}

impl Hog {
    fn on(volume: &Volume, left_bytes: u64) -> Self {
        Self {
            file: Arc::new(volume.path().join("hog")),
            volume: Arc::new(volume.path().to_owned()),
            left_bytes,
        }
    }

    /// A rule for a front.
    fn at(&self, path: &'static str) -> impl Fn(&tests::front::Asked) -> Reply + use<> {
        let hog = self.clone();
        move |asked| {
            if asked.path.contains(path) {
                hog.come();
            }
            Reply::Forward
        }
    }

    fn come(&self) {
        let free = free_bytes(&self.volume);
        let taken = free.saturating_sub(self.left_bytes);
        std::fs::write(&*self.file, vec![0; usize::try_from(taken).unwrap()]).unwrap();
    }

    fn go(&self) {
        std::fs::remove_file(&*self.file).unwrap();
    }
}

fn free_bytes(folder: &Path) -> u64 {
    let found = rustix::fs::statvfs(folder).unwrap();
    found.f_bavail * found.f_frsize
}
