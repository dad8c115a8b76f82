//! Whatever the files are, 500 MB of zeros among them, memory stays within bounds.
//!
//! A test binary of its own, whose tests wait for each other: what is measured is the memory of the whole process.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; clippy.toml covers only the tests themselves"
)]

#[path = "suite/by_hand.rs"]
mod by_hand;

use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use by_hand::Sizes;
use delta::jar::{JarLimits, inspect_bytes};
use delta::{
    ApplyLimits, Error, Expected, Format, Options, apply, apply_to_file, checksum, create, verify,
};
use fixtures::archive::{Archive, Entry};
use fixtures::golden;
use fixtures::jars::{tiny_entries, tiny_jar};
use flate2::Compression;
use flate2::write::DeflateEncoder;

const LARGE_BYTES: usize = 500 << 20;
const QUICK: Options = Options { level: Some(1) };

static MEASURING: Mutex<()> = Mutex::new(());

#[test]
fn a_sparse_file_is_no_jar_and_takes_the_format_zstd() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let sparse = File::create(path("old")).unwrap();
    sparse.set_len(LARGE_BYTES as u64).unwrap();
    let new = tiny_jar("1.0.0");

    let peak = peak_of(|| {
        let old = fs::read(path("old")).unwrap();
        let error = create(Format::Jar, &new, &old, QUICK).unwrap_err();
        assert!(matches!(error, Error::NotModelled { .. }), "{error}");
        let back = create(Format::Zstd, &new, &old, QUICK).unwrap();
        assert!(back.len() < 1 << 20, "{}", back.len());
        verify(&new, &back, &old).unwrap();
        // A file that is no JAR is as good a base as nothing.
        let patch = create(Format::Jar, &old, &new, QUICK).unwrap();
        fs::write(path("patch"), patch).unwrap();
    });
    assert!(peak < 3 * LARGE_BYTES, "{} MB", peak >> 20);

    let peak = peak_of(|| {
        let expected = Expected {
            base: None,
            result: Some(checksum::sha256(&new)),
        };
        let limits = ApplyLimits::default();
        apply_to_file(
            &path("old"),
            &path("patch"),
            &path("new"),
            &expected,
            &limits,
        )
        .unwrap();
    });
    assert!(peak < LARGE_BYTES / 4 * 5, "{} MB", peak >> 20);
}

#[test]
fn large_contents_that_stay_are_copied() {
    let _alone = alone();
    let old = jar_with(&stored_zeros());
    let peak = peak_of(|| {
        let patch = create(Format::Jar, &old, &old, QUICK).unwrap();
        assert!(patch.len() < 200, "{}", patch.len());
    });
    assert!(peak < old.len() / 4 * 5, "{} MB", peak >> 20);
}

/// No patch of the format `jar` may hold a content six times over, as for this one it would.
#[test]
fn large_contents_that_change_are_bounded() {
    let _alone = alone();
    let old = jar_with(&stored_zeros());
    let mut entry = stored_zeros();
    entry.packed[LARGE_BYTES / 2] = 1;
    let new = jar_with(&entry);
    drop(entry);
    let both = old.len() + new.len();
    let peak = peak_of(|| match create(Format::Jar, &old, &new, QUICK) {
        Ok(patch) => verify(&old, &patch, &new).unwrap(),
        Err(error) => assert!(matches!(error, Error::NotModelled { .. }), "{error}"),
    });
    assert!(peak < 3 * both, "{} MB", peak >> 20);
}

#[test]
fn what_unpacks_to_500_megabytes_stays_packed() {
    let _alone = alone();
    let jar = jar_with(&deflated_zeros());
    let mut changed = jar.clone();
    changed.splice(0..0, *b"#!/bin/sh\n");
    let peak = peak_of(|| {
        for old in [&jar[..], b""] {
            let patch = create(Format::Jar, old, &changed, QUICK).unwrap();
            verify(old, &patch, &changed).unwrap();
        }
        let error = inspect_bytes(&jar, &JarLimits::default()).unwrap_err();
        assert!(error.to_string().contains("bomb"), "{error}");
    });
    assert!(peak < 100 << 20, "{} MB", peak >> 20);
}

fn alone() -> MutexGuard<'static, ()> {
    // A test that failed has no work half done.
    MEASURING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deflated_zeros() -> Entry {
    let mut deflater = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let megabyte = vec![0; 1 << 20];
    for _ in 0..LARGE_BYTES >> 20 {
        deflater.write_all(&megabyte).unwrap();
    }
    Entry {
        unpacked_size: LARGE_BYTES as u32,
        ..Entry::packed("zeros", b"", deflater.finish().unwrap())
    }
}

/// Without a right CRC-32, which takes a second and which no delta looks at.
fn stored_zeros() -> Entry {
    Entry {
        unpacked_size: LARGE_BYTES as u32,
        packed: vec![0; LARGE_BYTES],
        ..Entry::stored("zeros", b"")
    }
}

fn jar_with(entry: &Entry) -> Vec<u8> {
    let mut entries = tiny_entries("1.0.0");
    entries.push(entry.clone());
    Archive::new(entries).to_bytes()
}

/// The most memory that the process had while `work` ran, in bytes.
fn peak_of(work: impl FnOnce()) -> usize {
    // Makes the kernel forget the peak before.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    work();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    kilobytes.unwrap().parse::<usize>().unwrap() << 10
}

/// An old entry that nothing new is compared with, and one that is.
#[test]
fn an_old_content_of_500_megabytes_is_not_unpacked_for_a_small_one() {
    let _alone = alone();
    let zeros = deflated_zeros();
    for name in ["zeros", "other"] {
        let old = jar_with(&zeros);
        let new = jar_with(&Entry::deflated(name, &golden::text(1)));
        let peak = peak_of(|| {
            let patch = create(Format::Jar, &old, &new, QUICK).unwrap();
            verify(&old, &patch, &new).unwrap();
        });
        assert!(peak < 200 << 20, "{name}: {} MB", peak >> 20);
    }
}

/// Each of many new entries opens the same old JAR, whose entries then stand in the image once more.
#[test]
fn an_old_jar_that_a_patch_opens_again_and_again_costs_no_memory() {
    let _alone = alone();
    const OPENED: usize = 20_000;
    let entries = (0..2_000).map(|number| Entry::stored(number.to_string(), b""));
    let library = Archive::new(entries.collect()).to_bytes();
    let old = Archive::new(vec![Entry::stored("lib.jar", &library)]).to_bytes();

    // The first entry refers to the old one, the others to the same again.
    let mut references = vec![2; OPENED];
    references[0] = 0;
    let statuses = vec![3; OPENED];
    let masks = vec![0; OPENED];
    // The number of entries, then for each container shift, gap and flags.
    let mut verbatim = by_hand::number(OPENED as u64);
    verbatim.extend(vec![0; 3 + 4 * OPENED]);
    let sizes = Sizes {
        result: 1 << 20,
        plain: 16 << 20,
        largest: 1 << 10,
        image: 1,
        memory: 64 << 20,
    };
    let streams = [(0, references), (1, statuses), (2, masks), (7, verbatim)];
    let patch = by_hand::patch(&old, &sizes, &streams);

    let limits = ApplyLimits {
        max_output_bytes: 1 << 20,
        max_memory_bytes: 64 << 20,
        max_duration: Some(Duration::from_secs(5)),
    };
    let peak = peak_of(|| {
        // Time is up first, for each old entry is looked at again; or else nothing is there to write.
        apply(&old, &patch, &limits, &mut io::sink()).unwrap_err();
    });
    assert!(peak < 128 << 20, "{} MB", peak >> 20);
}

/// Each of many entries has no content, and a structure of 700 kB that is copied from the old one's.
#[test]
fn structures_of_entries_without_content_are_not_piled_up() {
    let _alone = alone();
    const ENTRIES: usize = 400;
    let zeros = Entry::deflated("zeros", &vec![0; 50 << 20]);
    let old = Archive::new(vec![zeros]).to_bytes();

    let mut references = vec![2; ENTRIES];
    references[0] = 0;
    // After the old entry's: 10, which stays.
    let mut replays = vec![0; ENTRIES];
    replays[0] = 10;
    let mut verbatim = by_hand::number(ENTRIES as u64);
    verbatim.extend([0; 3]);
    let sizes = Sizes {
        result: 40 << 20,
        plain: 280 << 20,
        largest: 1 << 20,
        image: 0,
        memory: 64 << 20,
    };
    let streams = [
        (0, references),
        (1, vec![2; ENTRIES]),
        (2, vec![0; ENTRIES]),
        (6, replays),
        (7, verbatim),
        // The content is in the payload and empty; the structure is a difference of one addition.
        (8, [0, 1].repeat(ENTRIES)),
        (9, vec![0; ENTRIES]),
        (24, vec![1; ENTRIES]),
        (25, by_hand::number(700_000).repeat(ENTRIES)),
        (26, vec![0; ENTRIES]),
        (27, vec![0; ENTRIES]),
    ];
    let patch = by_hand::patch(&old, &sizes, &streams);

    let peak = peak_of(|| {
        let limits = ApplyLimits::default();
        let error = apply(&old, &patch, &limits, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("structure"), "{error}");
    });
    assert!(peak < 128 << 20, "{} MB", peak >> 20);
}
