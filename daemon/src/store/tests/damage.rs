//! The data folder after accidents: whatever happens to the index, nothing is lost, and nobody has to do anything.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::*;

/// A closed data folder with something of everything in it, and what its store said.
struct Sample {
    dir: TempDir,
    said: Everything,
}

fn sample() -> Sample {
    let kept = Kept::new();
    let store = &kept.store;
    for number in 0..20 {
        let name = format!("user-{number}");
        store
            .create_user(&by(), username(&name), Role::User)
            .unwrap();
        let token = token(&name);
        store.issue_token(&by(), token.clone()).unwrap();
        if number % 2 == 0 {
            store.revoke_token(&by(), &token.id.to_string()).unwrap();
        }
        let mut release = release(&format!("1.{number}.0"));
        release.release_notes = "Faster, and more reliable. ".repeat(number * 40).into();
        store.create_release(&by(), release).unwrap();
        store
            .add_delta(&by(), delta("1.0.0", &format!("1.{number}.0"), "jar", 5))
            .unwrap();
    }
    let said = everything(store);
    let dir = kept.close();
    Sample { dir, said }
}

impl Sample {
    /// A copy to do damage to.
    fn copy(&self) -> TempDir {
        let copy = scratch();
        copy_folder(self.dir.path(), copy.path());
        copy
    }

    /// Opens a damaged folder: everything is there, something can be written, and the next time all is in order.
    fn assert_heals(&self, dir: TempDir, what: &str) -> Vec<String> {
        let opened = Store::open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(everything(&opened.store), self.said, "{what}");
        assert_eq!(opened.store.read_only_reason(), None, "{what}");
        opened
            .store
            .create_user(&by(), username("later"), Role::User)
            .unwrap();
        let warnings = opened.warnings;
        drop(opened.store);
        let again = Store::open(dir.path()).unwrap();
        assert_eq!(again.warnings, Vec::<String>::new(), "{what}");
        assert!(
            again.store.user(&username("later")).unwrap().is_some(),
            "{what}"
        );
        warnings
    }

    fn assert_rebuilds(&self, dir: TempDir, what: &str) {
        let warnings = self.assert_heals(dir, what);
        let [warning] = &warnings[..] else {
            panic!("{what}: {warnings:?}");
        };
        assert!(
            warning.starts_with("index rebuilt from"),
            "{what}: {warning}"
        );
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// The files of an index.
fn index_files(data_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data_dir.join("index")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn folders_moved_aside(data_dir: &Path) -> usize {
    let entries = fs::read_dir(data_dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("index.bad-")).count()
}

#[test]
fn an_index_that_was_deleted_is_made_again() {
    let sample = sample();
    let dir = sample.copy();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    sample.assert_rebuilds(dir, "deleted");
}

#[test]
fn an_index_with_a_flipped_bit_is_made_again_or_was_not_hurt() {
    let sample = sample();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut rebuilt = 0;
    for path in index_files(sample.dir.path()) {
        let name = path.file_name().unwrap();
        // Bits of zero bytes are mostly unused space; flipping those shows little.
        let bytes = fs::read(&path).unwrap();
        let used: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        if used.is_empty() {
            continue;
        }
        for _ in 0..25 {
            // xorshift: the same positions at every run.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = used[(random >> 8) as usize % used.len()];
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (random % 8);
            let dir = sample.copy();
            fs::write(dir.path().join("index").join(name), damaged).unwrap();
            let what = format!("bit {} of byte {at} of {name:?}", random % 8);
            rebuilt += sample.assert_heals(dir, &what).len();
        }
    }
    assert!(
        rebuilt > 10,
        "only {rebuilt} flips were noticed: the test flips the wrong bits"
    );
}

#[test]
fn an_index_that_was_cut_is_made_again_or_was_not_hurt() {
    let sample = sample();
    for path in index_files(sample.dir.path()) {
        let name = path.file_name().unwrap();
        let bytes = fs::read(&path).unwrap();
        for part in [0, 1, 2, 3, 5, 7] {
            let dir = sample.copy();
            let cut = &bytes[..bytes.len() * part / 8];
            fs::write(dir.path().join("index").join(name), cut).unwrap();
            sample.assert_heals(dir, &format!("{name:?} cut to {part}/8"));
        }
    }
}

#[test]
fn an_index_that_was_overwritten_is_made_again() {
    let sample = sample();
    let dir = sample.copy();
    for path in index_files(dir.path()) {
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(40)).unwrap();
        file.write_all(&[0xAA; 4096]).unwrap();
    }
    sample.assert_rebuilds(dir, "overwritten");
}

#[test]
fn an_index_with_a_row_that_cannot_be_read_is_made_again() {
    let sample = sample();
    let dir = sample.copy();
    index::add_unreadable_row(&dir.path().join("index"));
    sample.assert_rebuilds(dir, "unreadable");
}

#[test]
fn rubbish_that_a_crash_of_sled_leaves_does_no_harm() {
    let sample = sample();
    let dir = sample.copy();
    let name = "snap.0000000000000000.generating";
    fs::write(dir.path().join("index").join(name), b"junk").unwrap();
    sample.assert_heals(dir, name);
}

#[test]
fn a_file_in_the_place_of_the_index_is_moved_aside() {
    let sample = sample();
    let dir = sample.copy();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::write(dir.path().join("index"), b"not a folder").unwrap();
    sample.assert_rebuilds(dir, "a file");
}

#[test]
fn an_older_copy_of_the_index_is_made_again() {
    let sample = sample();
    let dir = sample.copy();
    let store = Store::open(dir.path()).unwrap().store;
    store
        .create_user(&by(), username("newer"), Role::User)
        .unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::create_dir(dir.path().join("index")).unwrap();
    copy_folder(&sample.dir.path().join("index"), &dir.path().join("index"));
    let opened = Store::open(dir.path()).unwrap();
    assert!(opened.warnings[0].contains("it ends with record 90, the journal with record 91"));
    assert!(opened.store.user(&username("newer")).unwrap().is_some());
}

#[test]
fn the_index_of_another_journal_is_made_again() {
    let (sample, other) = (sample(), sample());
    let dir = sample.copy();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::create_dir(dir.path().join("index")).unwrap();
    copy_folder(&other.dir.path().join("index"), &dir.path().join("index"));
    let opened = Store::open(dir.path()).unwrap();
    assert!(
        opened.warnings[0].contains("another journal"),
        "{:?}",
        opened.warnings
    );
    assert_eq!(everything(&opened.store), sample.said);
}

#[test]
fn a_journal_with_fewer_records_than_the_index_wins() {
    let sample = sample();
    let dir = sample.copy();
    let path = dir.path().join("journal/000001.log");
    let before = fs::read(&path).unwrap();
    let store = Store::open(dir.path()).unwrap().store;
    store
        .create_user(&by(), username("gone"), Role::User)
        .unwrap();
    drop(store);
    fs::write(&path, before).unwrap();
    let warnings = sample.assert_heals(dir, "fewer records");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(
        warning.contains("it knew 91 records and the journal has only 90"),
        "{warning}"
    );
}

#[test]
fn an_index_whose_opening_did_not_come_to_an_end_is_not_opened_again() {
    let sample = sample();
    let dir = sample.copy();
    fs::write(dir.path().join("index.opening"), b"").unwrap();
    let opened = Store::open(dir.path()).unwrap();
    assert!(opened.warnings[0].contains("the last start ended while opening it"));
    assert_eq!(everything(&opened.store), sample.said);
    assert!(!dir.path().join("index.opening").exists());
}

#[test]
fn two_damaged_indexes_are_kept_for_a_look() {
    let sample = sample();
    let dir = sample.copy();
    for _ in 0..4 {
        fs::write(dir.path().join("index/db"), b"").unwrap();
        let warnings = Store::open(dir.path()).unwrap().warnings;
        assert!(warnings[0].contains("index.bad-"), "{warnings:?}");
    }
    assert_eq!(folders_moved_aside(dir.path()), 2);
}

#[test]
fn an_index_that_fails_while_the_daemon_runs_costs_nothing() {
    let sample = sample();
    let fail = |store: &Store| *store.inner.index.write().unwrap() = index::broken();
    for first in ["read", "write"] {
        let dir = sample.copy();
        let store = Store::open(dir.path()).unwrap().store;
        fail(&store);
        if first == "read" {
            assert_eq!(everything(&store), sample.said);
        }
        store
            .create_user(&by(), username("later"), Role::User)
            .unwrap();
        let created = store.create_release(&by(), release("9.0.0")).unwrap();
        assert_eq!(store.release_history(created.id).unwrap().len(), 1);
        store.flush().unwrap();
        let said = everything(&store);
        drop(store);
        let opened = Store::open(dir.path()).unwrap();
        assert!(
            opened.warnings[0].starts_with("index rebuilt"),
            "{:?}",
            opened.warnings
        );
        assert_eq!(everything(&opened.store), said);
    }
}

#[test]
fn a_damaged_journal_is_served_up_to_the_damage_and_nothing_is_touched() {
    let sample = sample();
    let dir = sample.copy();
    let path = dir.path().join("journal/000001.log");
    let mut bytes = fs::read(&path).unwrap();
    // In the notes of some release, well before the end.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let index_before: Vec<_> = index_files(dir.path())
        .iter()
        .map(|f| fs::read(f).unwrap())
        .collect();

    let opened = Store::open(dir.path()).unwrap();
    let store = opened.store;
    assert!(!opened.first_start);
    let reason = store.read_only_reason().unwrap();
    assert!(
        reason.contains("is damaged") && reason.contains("backup"),
        "{reason}"
    );
    assert_eq!(
        opened.warnings,
        [format!("the store is read-only: {reason}")]
    );

    let releases = store.catalog().releases().len();
    assert!((1..20).contains(&releases), "{releases}");
    let all = &sample.said.releases;
    assert_eq!(store.catalog().releases(), &all[all.len() - releases..]);
    let error = store
        .create_user(&by(), username("later"), Role::User)
        .unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");

    drop(store);
    assert!(fs::read(&path).unwrap() == bytes);
    let index_after: Vec<_> = index_files(dir.path())
        .iter()
        .map(|f| fs::read(f).unwrap())
        .collect();
    assert!(index_before == index_after);
    assert_eq!(folders_moved_aside(dir.path()), 0);
}

#[test]
fn an_interrupted_write_is_told_and_forgotten() {
    let sample = sample();
    let dir = sample.copy();
    let path = dir.path().join("journal/000001.log");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[200, 0, 0, 0, 1, 2, 3, 4, 91, 0, 0])
        .unwrap();
    let warnings = sample.assert_heals(dir, "torn");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(
        warning.starts_with("cut 11 bytes of an interrupted write off"),
        "{warning}"
    );
}
