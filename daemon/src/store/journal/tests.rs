//! The journal against interrupted writes, damage, and a disk that fails.

mod golden;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use protocol::api::Role;

use super::record::{HEAD_BYTES, Head};
use super::*;
use crate::store::change::Change;
use crate::store::tests::scratch;

/// A journal folder in which tests change bytes.
struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let dir = scratch();
        Self { dir }
    }

    /// With this many records in it.
    fn with_records(count: u64) -> Self {
        let folder = Self::new();
        let mut journal = folder.open().journal;
        for number in 1..=count {
            journal.append(&entry(number)).unwrap();
        }
        folder
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(FILE_NAME)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn set(&self, bytes: &[u8]) {
        fs::write(self.path(), bytes).unwrap();
    }

    fn try_open(&self) -> Result<OpenedJournal, StoreError> {
        Journal::open(self.dir.path())
    }

    fn open(&self) -> OpenedJournal {
        self.try_open().unwrap()
    }
}

fn entry(number: u64) -> Entry {
    Entry {
        time: "2026-01-15T10:30:00Z".parse().unwrap(),
        actor: "admin".into(),
        address: Some([127, 0, 0, 1].into()),
        change: Change::UserCreated {
            username: format!("user-{number}").parse().unwrap(),
            role: Role::Publisher,
        },
    }
}

fn entries(journal: &Journal) -> Vec<Entry> {
    let mut entries = Vec::new();
    let replayed = journal.file().replay(|record| {
        entries.push(record.entry);
        Ok(())
    });
    assert_eq!(replayed.unwrap(), journal.end());
    entries
}

fn expected(count: u64) -> Vec<Entry> {
    (1..=count).map(entry).collect()
}

/// Where each record begins, and where the last one ends.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut at = HEADER_BYTES;
    let mut boundaries = vec![at];
    while at < bytes.len() {
        at += Head::read(&bytes[at..]).unwrap().record_bytes().unwrap();
        boundaries.push(at);
    }
    boundaries
}

#[test]
fn what_was_appended_is_read_again() {
    let folder = Folder::with_records(3);
    let mut opened = folder.open();
    assert_eq!(opened.cut, None);
    assert_eq!(entries(&opened.journal), expected(3));
    opened.journal.append(&entry(4)).unwrap();
    assert_eq!(entries(&folder.open().journal), expected(4));
}

#[test]
fn a_write_interrupted_at_any_byte_is_cut_off_and_writing_goes_on() {
    let folder = Folder::with_records(3);
    let bytes = folder.bytes();
    let last = boundaries(&bytes)[2];
    for cut in last + 1..bytes.len() {
        folder.set(&bytes[..cut]);
        let mut opened = folder.open();
        assert!(opened.cut.is_some(), "cut at {cut}");
        assert_eq!(opened.journal.broken(), None, "cut at {cut}");
        assert_eq!(entries(&opened.journal), expected(2));
        opened.journal.append(&entry(3)).unwrap();
        assert_eq!(entries(&folder.open().journal), expected(3));
    }
}

#[test]
fn a_power_cut_that_left_zeros_in_place_of_the_last_record_is_an_interrupted_write() {
    let folder = Folder::with_records(2);
    let whole = folder.bytes();
    let mut notes = entry(3);
    notes.actor = "x".repeat(3000);
    folder.open().journal.append(&notes).unwrap();
    let bytes = folder.bytes();
    let sectors = whole.len().next_multiple_of(512)..bytes.len();
    for sector in sectors.step_by(512) {
        let mut torn = bytes.clone();
        let end = torn.len().min(sector + 512);
        torn[sector..end].fill(0);
        folder.set(&torn);
        let opened = folder.open();
        assert!(opened.cut.is_some(), "sector at {sector}");
        assert_eq!(entries(&opened.journal), expected(2));
    }
    let mut torn = bytes.clone();
    torn[whole.len()..].fill(0);
    folder.set(&torn);
    assert!(folder.open().cut.is_some());
    assert_eq!(folder.bytes(), whole);
}

#[test]
fn any_flipped_bit_is_noticed_and_costs_no_record_before_it() {
    let folder = Folder::with_records(3);
    let bytes = folder.bytes();
    let boundaries = boundaries(&bytes);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        folder.set(&damaged);
        match folder.try_open() {
            Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => {
                assert!(bit / 8 < HEADER_BYTES, "bit {bit}");
            }
            Err(error) => panic!("bit {bit}: {error}"),
            Ok(opened) => {
                let hit = boundaries.iter().filter(|b| **b <= bit / 8).count() as u64;
                let reason = opened
                    .journal
                    .broken()
                    .unwrap_or_else(|| panic!("bit {bit}"));
                assert!(
                    reason.contains(&format!("record {hit} at offset")),
                    "{reason}"
                );
                assert_eq!(opened.cut, None);
                assert_eq!(entries(&opened.journal), expected(hit - 1));
            }
        }
        assert!(
            folder.bytes() == damaged,
            "bit {bit}: a damaged file must stay as it is"
        );
    }
}

#[test]
fn a_damaged_journal_takes_no_records_and_says_what_to_do() {
    let folder = Folder::with_records(3);
    let mut bytes = folder.bytes();
    let second = boundaries(&bytes)[1];
    bytes[second + 60] ^= 1;
    folder.set(&bytes);
    let mut journal = folder.open().journal;
    let error = journal.append(&entry(4)).unwrap_err().to_string();
    assert!(error.contains(&format!("truncate -s {second} ")), "{error}");
    assert!(error.contains("backup"), "{error}");
}

#[test]
fn records_that_are_out_of_place_are_damage() {
    let folder = Folder::with_records(4);
    let bytes = folder.bytes();
    let b = boundaries(&bytes);
    let part = |from: usize, to: usize| &bytes[b[from]..b[to]];
    let head = &bytes[..b[0]];
    let left_out = [head, part(0, 1), part(2, 4)].concat();
    let exchanged = [head, part(0, 1), part(2, 3), part(1, 2), part(3, 4)].concat();
    let repeated = [head, part(0, 1), part(0, 1)].concat();
    let foreign = [head, part(0, 1), &Folder::with_records(2).bytes()[b[1]..]].concat();
    for (name, bytes) in [
        ("left out", left_out),
        ("exchanged", exchanged),
        ("repeated", repeated),
        ("foreign", foreign),
    ] {
        folder.set(&bytes);
        let opened = folder.open();
        assert!(opened.journal.broken().is_some(), "{name}");
        assert_eq!(entries(&opened.journal), expected(1), "{name}");
    }
}

#[test]
fn more_rubbish_than_one_write_can_leave_is_damage() {
    let folder = Folder::with_records(1);
    let good = folder.bytes();
    folder.set(&[&good[..], &[0; 100]].concat());
    assert!(folder.open().cut.is_some());
    folder.set(&[&good[..], &vec![0; HEAD_BYTES + PAYLOAD_BYTES_MAX + 1]].concat());
    assert!(folder.open().journal.broken().is_some());
}

#[test]
fn a_header_that_is_not_ours_is_refused() {
    let folder = Folder::with_records(1);
    let bytes = folder.bytes();
    for length in [0, 1, HEADER_BYTES - 1] {
        folder.set(&bytes[..length]);
        let error = folder.try_open().unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { offset: 0, .. }),
            "{error}"
        );
    }
    let mut newer = bytes.clone();
    newer[8] = 2;
    let crc = crc32c::crc32c(&newer[..28]).to_le_bytes();
    newer[28..32].copy_from_slice(&crc);
    folder.set(&newer);
    let error = folder.try_open().unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
}

#[test]
fn a_change_that_is_not_known_was_made_by_a_newer_daemon() {
    let folder = Folder::new();
    let opened = folder.open();
    let payload = br#"{"time":"2026-01-15T10:30:00Z","actor":"a","change":{"type":"MOON_LANDED"}}"#;
    let record = record::encode(1, &opened.journal.end().chain, payload);
    folder.set(&[folder.bytes(), record].concat());
    let error = folder.open().journal.file().replay(|_| Ok(())).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
}

#[test]
fn a_second_file_was_made_by_a_newer_daemon() {
    let folder = Folder::with_records(1);
    fs::write(folder.dir.path().join("000002.log"), b"").unwrap();
    let error = folder.try_open().unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let folder = Folder::new();
    fs::write(folder.dir.path().join("000001.new"), b"relc").unwrap();
    assert_eq!(folder.open().journal.end().seq, 0);
}

#[test]
fn a_record_over_the_bound_is_refused_and_nothing_is_written() {
    let folder = Folder::with_records(1);
    let before = folder.bytes();
    let mut journal = folder.open().journal;
    let mut large = entry(2);
    large.actor = "x".repeat(PAYLOAD_BYTES_MAX);
    let error = journal.append(&large).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { .. }), "{error}");
    assert_eq!(folder.bytes(), before);
    journal.append(&entry(2)).unwrap();
}

/// A journal whose writes go to a device: the nearest that a test can come to a broken disk.
fn journal_on(device: &Path) -> Journal {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(device)
        .unwrap();
    let genesis = Checksum::from_bytes([0; 32]);
    Journal {
        file: Arc::new(JournalFile::new(
            file,
            device.to_owned(),
            genesis,
            HEADER_BYTES as u64,
        )),
        end: End {
            seq: 0,
            chain: genesis,
        },
        broken: None,
    }
}

#[test]
fn after_a_failed_sync_nothing_is_written_again() {
    // It takes any write and cannot be synced.
    let mut journal = journal_on(Path::new("/dev/null"));
    let error = journal.append(&entry(1)).unwrap_err();
    assert!(
        matches!(&error, AppendError::Broken(reason) if reason.contains("sync")),
        "{error}"
    );
    assert!(journal.broken().is_some());
    assert_eq!(journal.end().seq, 0);
    let again = journal.append(&entry(1)).unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
}

#[test]
fn a_full_disk_that_does_not_even_allow_cutting_off_breaks_the_journal() {
    let mut journal = journal_on(Path::new("/dev/full"));
    let error = journal.append(&entry(1)).unwrap_err();
    assert!(matches!(error, AppendError::Broken(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_to_the_bytes_a_prefix_of_the_records_is_read(
        writes in proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 3]>()), 0..4),
        cut in any::<Option<prop::sample::Index>>(),
        rubbish in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let folder = Folder::with_records(4);
        let mut bytes = folder.bytes();
        for (at, new) in writes {
            let at = at.index(bytes.len() - new.len());
            bytes[at..at + new.len()].copy_from_slice(&new);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(rubbish);
        folder.set(&bytes);
        if let Ok(opened) = folder.try_open() {
            let read = entries(&opened.journal);
            prop_assert_eq!(&read[..], &expected(4)[..read.len()]);
        }
    }
}
