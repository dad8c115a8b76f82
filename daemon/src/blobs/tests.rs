//! Blobs from outside: what is kept is whole, and what nobody needs goes away, never anything else.

use std::collections::HashSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn new() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path()).unwrap();
    (dir, blobs)
}

fn keep(blobs: &Blobs, bytes: &[u8]) -> BlobRef {
    let mut staged = blobs.stage().unwrap();
    staged.write(bytes).unwrap();
    blobs.keep(staged).unwrap()
}

fn read(blobs: &Blobs, blob: &BlobRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    blobs
        .open_blob(blob)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn staged_files(dir: &Path) -> usize {
    fs::read_dir(dir.join("staging")).unwrap().count()
}

/// Makes a blob look as if it was kept an hour ago, by another process.
fn make_old(blobs: &Blobs, blob: &BlobRef) {
    blobs.lock_kept().clear();
    let file = File::open(blobs.path(&blob.checksum)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_is_kept_lies_read_only_under_its_checksum() {
    let (dir, blobs) = new();
    let mut staged = blobs.stage().unwrap();
    staged.write(b"hel").unwrap();
    staged.write(b"lo").unwrap();
    assert_eq!(staged.size_bytes(), 5);
    let finished = staged.finish().unwrap();
    assert_eq!(fs::read(staged.path()).unwrap(), b"hello");
    let blob = blobs.keep(staged).unwrap();
    assert_eq!(blob, finished);
    assert_eq!(blob.checksum.to_string(), HELLO);
    assert_eq!(
        blobs.path(&blob.checksum),
        dir.path().join("blobs/2c").join(HELLO)
    );
    assert_eq!(read(&blobs, &blob), b"hello");
    assert_eq!(staged_files(dir.path()), 0);
    let mode = fs::metadata(blobs.path(&blob.checksum))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o400);
    let mode = fs::metadata(dir.path().join("blobs/2c"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_nobody_keeps_is_removed() {
    let (dir, blobs) = new();
    let mut staged = blobs.stage().unwrap();
    staged.write(b"hello").unwrap();
    let mode = fs::metadata(staged.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(staged_files(dir.path()), 1);
    drop(staged);
    assert_eq!(staged_files(dir.path()), 0);
}

#[test]
fn what_killed_uploads_left_is_removed_at_start() {
    let (dir, blobs) = new();
    let blob = keep(&blobs, b"hello");
    for _ in 0..3 {
        std::mem::forget(blobs.stage().unwrap());
    }
    assert_eq!(staged_files(dir.path()), 3);
    let blobs = Blobs::open(dir.path()).unwrap();
    assert_eq!(staged_files(dir.path()), 0);
    assert_eq!(read(&blobs, &blob), b"hello");
}

#[test]
fn the_same_bytes_again_are_one_blob_and_heal_a_damaged_one() {
    let (_dir, blobs) = new();
    let blob = keep(&blobs, b"hello");
    fs::remove_file(blobs.path(&blob.checksum)).unwrap();
    fs::write(blobs.path(&blob.checksum), b"jello").unwrap();
    assert_eq!(keep(&blobs, b"hello"), blob);
    assert_eq!(read(&blobs, &blob), b"hello");
}

#[test]
fn a_blob_that_is_gone_or_cut_is_told_apart() {
    let (_dir, blobs) = new();
    let blob = keep(&blobs, b"hello");
    let longer = BlobRef {
        size_bytes: 6,
        ..blob
    };
    let error = blobs.open_blob(&longer).unwrap_err();
    assert!(
        matches!(
            error,
            BlobError::Damaged {
                found_bytes: 5,
                expected_bytes: 6,
                ..
            }
        ),
        "{error}"
    );
    fs::remove_file(blobs.path(&blob.checksum)).unwrap();
    let error = blobs.open_blob(&blob).unwrap_err();
    assert!(
        matches!(error, BlobError::Missing { checksum } if checksum == blob.checksum),
        "{error}"
    );
}

#[test]
fn the_sweep_removes_only_what_is_old_and_unreferenced() {
    let (_dir, blobs) = new();
    let referenced = keep(&blobs, b"referenced");
    let unreferenced = keep(&blobs, b"unreferenced");
    make_old(&blobs, &referenced);
    make_old(&blobs, &unreferenced);
    let fresh = keep(&blobs, b"fresh");
    let wanted = HashSet::from([referenced.checksum]);
    assert_eq!(blobs.remove_unreferenced(&wanted, MINUTE).unwrap(), 1);
    assert_eq!(read(&blobs, &referenced), b"referenced");
    assert_eq!(read(&blobs, &fresh), b"fresh");
    assert!(blobs.open_blob(&unreferenced).is_err());
    assert_eq!(blobs.remove_unreferenced(&wanted, MINUTE).unwrap(), 0);
}

#[test]
fn a_blob_that_was_just_kept_stays_even_if_the_clock_jumps() {
    let (_dir, blobs) = new();
    let blob = keep(&blobs, b"hello");
    let file = File::open(blobs.path(&blob.checksum)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(
        blobs.remove_unreferenced(&HashSet::new(), MINUTE).unwrap(),
        0
    );
    // One from before a start, dated in the future.
    blobs.lock_kept().clear();
    file.set_modified(SystemTime::now() + 10 * MINUTE).unwrap();
    assert_eq!(
        blobs.remove_unreferenced(&HashSet::new(), MINUTE).unwrap(),
        0
    );
}

#[test]
fn a_blob_that_is_kept_again_is_young_again() {
    let (_dir, blobs) = new();
    let blob = keep(&blobs, b"hello");
    make_old(&blobs, &blob);
    keep(&blobs, b"hello");
    blobs.lock_kept().clear();
    assert_eq!(
        blobs.remove_unreferenced(&HashSet::new(), MINUTE).unwrap(),
        0
    );
}

#[test]
fn the_sweep_leaves_foreign_files_alone() {
    let (dir, blobs) = new();
    let foreign = [
        "blobs/readme.txt".to_owned(),
        "blobs/ab/notes".to_owned(),
        // A checksum in a folder that is not its own.
        format!("blobs/ab/{HELLO}"),
    ];
    fs::create_dir(dir.path().join("blobs/ab")).unwrap();
    for path in &foreign {
        fs::write(dir.path().join(path), b"x").unwrap();
    }
    assert_eq!(
        blobs
            .remove_unreferenced(&HashSet::new(), Duration::ZERO)
            .unwrap(),
        0
    );
    assert!(foreign.iter().all(|path| dir.path().join(path).exists()));
}

#[test]
fn who_reads_the_same_blob_shares_one_open_file_until_a_new_one_is_kept() {
    let (_dir, blobs) = new();
    let (hello, other) = (keep(&blobs, b"hello"), keep(&blobs, b"other"));
    assert!(blobs.shared(&hello).is_none(), "nobody reads it yet");
    let first = blobs.share(&hello).unwrap();
    assert!(Arc::ptr_eq(&first, &blobs.shared(&hello).unwrap()));
    assert!(blobs.shared(&other).is_none());

    keep(&blobs, b"hello");
    assert!(blobs.shared(&hello).is_none(), "the new file may be whole");
    let second = blobs.share(&hello).unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    drop(second);
    assert!(blobs.shared(&hello).is_none(), "the last one closed it");
    let _other = blobs.share(&other).unwrap();
    assert_eq!(locked(&blobs.inner.shared).len(), 1);
}
