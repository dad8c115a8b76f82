//! A disk without room, on a small filesystem of its own. Needs the right to mount; says so loudly where that is missing.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::blobs::{BlobError, Blobs};

/// A tmpfs of a few MiB, gone when dropped.
struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m,mode=0700", "relctl-test"])
            .arg(dir.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { dir });
        }
        println!("SKIPPED: mounting a tmpfs is not permitted here, so a full disk was NOT tested");
        None
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut filler = fs::File::create(self.dir.path().join("filler")).unwrap();
        for size in [65536, 4096, 1] {
            while filler
                .write(&vec![1; size])
                .is_ok_and(|written| written == size)
            {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.dir.path().join("filler")).unwrap();
        self.wait_for_room();
    }

    /// A process that another test is just starting holds removed files, and their room, for a moment.
    fn wait_for_room(&self) {
        let probe = self.dir.path().join("probe");
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Err(error) = fs::write(&probe, vec![1; 1024 * 1024]) {
            assert!(Instant::now() < deadline, "{error}");
            std::thread::yield_now();
        }
        fs::remove_file(&probe).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: an index that failed is never closed.
        let unmounted = Command::new("umount")
            .arg("-l")
            .arg(self.dir.path())
            .status();
        assert!(unmounted.unwrap().success());
    }
}

fn with_long_notes(text: &str) -> Release {
    let mut release = release(text);
    release.release_notes = "x".repeat(64 * 1024).into();
    release
}

#[test]
fn on_a_full_disk_a_write_fails_changes_nothing_and_succeeds_once_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let store = Store::open(&disk.data_dir()).unwrap().store;
    store.create_release(&by(), release("1.0.0")).unwrap();
    let journal = disk.data_dir().join("journal/000001.log");
    let length = || fs::metadata(&journal).unwrap().len();

    disk.fill();
    let (said, before) = (everything(&store), length());
    for _ in 0..3 {
        // Longer than what is left of the last page, so that a part of it is written.
        let error = store
            .create_release(&by(), with_long_notes("1.1.0"))
            .unwrap_err();
        assert!(matches!(error, StoreError::DiskFull), "{error}");
        assert_eq!(length(), before, "half a record must not stay");
    }
    assert_eq!(everything(&store), said);
    assert_eq!(store.read_only_reason(), None);
    // Short records fit into the last page until it is full; sled may find no room for them, and then memory has it.
    let mut users = 0;
    while store
        .create_user(&by(), username(&format!("user-{users}")), Role::User)
        .is_ok()
    {
        users += 1;
    }
    assert_eq!(store.users().unwrap().len(), users);

    disk.make_room();
    store
        .create_release(&by(), with_long_notes("1.1.0"))
        .unwrap();
    let said = everything(&store);
    drop(store);
    let opened = Store::open(&disk.data_dir()).unwrap();
    assert_eq!(everything(&opened.store), said);
    assert_eq!(opened.store.read_only_reason(), None);
}

#[test]
fn a_daemon_that_starts_on_a_full_disk_serves_what_it_has() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let store = Store::open(&disk.data_dir()).unwrap().store;
    store
        .create_user(&by(), username("admin"), Role::Admin)
        .unwrap();
    store
        .create_release(&by(), with_long_notes("1.0.0"))
        .unwrap();
    let said = everything(&store);
    drop(store);

    for is_index_there in [true, false] {
        if !is_index_there {
            fs::remove_dir_all(disk.data_dir().join("index")).unwrap();
        }
        disk.fill();
        let opened = Store::open(&disk.data_dir()).unwrap();
        assert_eq!(everything(&opened.store), said);
        assert!(!opened.first_start);
        // Where sled manages to open what is there without writing, nothing has to be read-only yet.
        if let Some(reason) = opened.store.read_only_reason() {
            assert!(
                reason.contains("index cannot be kept on the disk"),
                "{reason}"
            );
            let error = opened
                .store
                .create_release(&by(), release("1.1.0"))
                .unwrap_err();
            assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
        } else {
            assert!(is_index_there);
        }
        drop(opened);
        disk.make_room();
    }
    let opened = Store::open(&disk.data_dir()).unwrap();
    assert_eq!(opened.store.read_only_reason(), None);
    assert_eq!(everything(&opened.store), said);
}

#[test]
fn an_upload_that_finds_no_room_leaves_nothing_behind() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let blobs = Blobs::open(&disk.data_dir()).unwrap();
    blobs.check_writable().unwrap();
    let mut staged = blobs.stage().unwrap();
    let error = loop {
        if let Err(error) = staged.write(&[1; 65536]) {
            break error;
        }
    };
    assert!(matches!(error, BlobError::DiskFull), "{error}");
    drop(staged);
    assert_eq!(
        fs::read_dir(disk.data_dir().join("staging"))
            .unwrap()
            .count(),
        0
    );
    disk.wait_for_room();
    let mut staged = blobs.stage().unwrap();
    staged.write(b"there is room again").unwrap();
    blobs.keep(staged).unwrap();
    disk.fill();
    assert!(matches!(blobs.check_writable(), Err(BlobError::DiskFull)));
}
