//! The format `jar`: every shape of JAR comes back bit for bit, and a patch is as small as it should be.

mod classes;
mod damage;
mod foreign;
mod foreign_size;
mod languages;
mod nested;
mod properties;
mod real;
mod shapes;
mod signed;

use std::fs;
use std::path::Path;

use delta::checksum::sha256;
use delta::{ApplyLimits, Error, Format, Options, apply, create, create_best, verify};
use fixtures::archive::{Archive, Entry};
use fixtures::golden::text;
use fixtures::jars::{jar_pair, tiny_entries, tiny_jar};

const LEVEL: Options = Options { level: Some(9) };

/// Makes the patch and applies it; the patch.
fn round_trip(old: &[u8], new: &[u8]) -> Vec<u8> {
    let patch = create(Format::Jar, old, new, LEVEL).unwrap();
    assert_eq!(Format::detect(&patch).unwrap(), Format::Jar);
    let mut rebuilt = Vec::new();
    let applied = apply(old, &patch, &ApplyLimits::default(), &mut rebuilt).unwrap();
    assert!(rebuilt == new);
    assert_eq!(applied.sha256, sha256(new));
    verify(old, &patch, new).unwrap();
    patch
}

/// Both ways, from nothing, and to itself.
fn all_ways(old: &[u8], new: &[u8]) {
    round_trip(old, new);
    round_trip(new, old);
    round_trip(b"", new);
    let same = round_trip(new, new);
    assert!(same.len() < 400, "{}", same.len());
}

fn not_modelled(old: &[u8], new: &[u8]) {
    let error = create(Format::Jar, old, new, LEVEL).unwrap_err();
    assert!(matches!(error, Error::NotModelled { .. }), "{error}");
    let (format, patch) = create_best(old, new, LEVEL).unwrap();
    assert_eq!(format, Format::Zstd);
    verify(old, &patch, new).unwrap();
}

/// Either there is a patch and it is exact, or the file has no model.
fn exact_or_not_modelled(old: &[u8], new: &[u8]) {
    match create(Format::Jar, old, new, LEVEL) {
        Ok(patch) => verify(old, &patch, new).unwrap(),
        Err(error) => assert!(matches!(error, Error::NotModelled { .. }), "{error}"),
    }
}

/// The tiny JAR with some more entries.
fn tiny_with(entries: Vec<Entry>) -> Archive {
    let mut all = tiny_entries("1.1.0");
    all.extend(entries);
    Archive::new(all)
}

fn read<const N: usize>(folder: &Path, names: [&str; N]) -> [Vec<u8>; N] {
    names.map(|name| fs::read(folder.join(name)).unwrap())
}

#[test]
fn a_pair_takes_much_less_than_with_the_format_zstd() {
    let (old, new) = jar_pair(1, 300_000);
    let jar = round_trip(&old, &new);
    let zstd = create(Format::Zstd, &old, &new, Options { level: Some(19) }).unwrap();
    assert!(jar.len() < zstd.len(), "{} {}", jar.len(), zstd.len());
    let (format, best) = create_best(&old, &new, LEVEL).unwrap();
    assert_eq!(format, Format::Jar);
    assert!(best == jar);
}

#[test]
fn an_empty_old_file_gives_a_compressed_download() {
    let (_, new) = jar_pair(2, 200_000);
    let patch = round_trip(b"", &new);
    assert!(patch.len() < new.len(), "{} {}", patch.len(), new.len());
}

#[test]
fn files_that_are_not_modelled_take_the_format_zstd() {
    let jar = tiny_jar("1.0.0");
    not_modelled(&jar, b"no JAR at all");
    not_modelled(&jar, &[&jar[..], b"junk"].concat());
    not_modelled(&jar, &jar[..jar.len() - 30]);
    not_modelled(&jar, b"");
    // The end record's comment is shorter than it says, and something stands behind it.
    not_modelled(&jar, &[&jar[..jar.len() - 2], b"\x09\0short"].concat());
    // Two entries on one local header.
    let mut entries = tiny_entries("1.0.0");
    entries[1].offset = Some(0);
    not_modelled(&jar, &Archive::new(entries).to_bytes());
    // One that lies in the directory, and one that lies nowhere.
    for offset in [jar.len() as u32 - 60, u32::MAX - 1] {
        let mut entries = tiny_entries("1.0.0");
        entries[1].offset = Some(offset);
        not_modelled(&jar, &Archive::new(entries).to_bytes());
    }
}

#[test]
fn any_old_file_will_do() {
    let (_, new) = jar_pair(3, 50_000);
    for old in [
        &b"no JAR at all"[..],
        &text(5),
        &tiny_jar("1.0.0"),
        &[0; 5_000],
    ] {
        round_trip(old, &new);
        not_modelled(&new, &text(6));
    }
    let empty = Archive::default().to_bytes();
    all_ways(&tiny_jar("1.0.0"), &empty);
    all_ways(&empty, &tiny_jar("1.0.0"));
}

#[test]
fn the_best_patch_is_never_larger_than_the_format_zstd() {
    let stored = |seed| tiny_with(vec![Entry::stored("a", &text(seed))]).to_bytes();
    for (old, new) in [
        jar_pair(4, 20_000),
        (stored(1), stored(2)),
        (vec![1; 99], vec![1; 100]),
    ] {
        let zstd = create(Format::Zstd, &old, &new, LEVEL).unwrap();
        assert!(create_best(&old, &new, LEVEL).unwrap().1.len() <= zstd.len());
    }
}

#[test]
fn a_patch_for_another_base_is_refused() {
    let (old, new) = jar_pair(1, 60_000);
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    let error = verify(&new, &patch, &new).unwrap_err();
    assert!(matches!(error, Error::BaseMismatch { .. }), "{error}");
}

#[test]
fn limits_are_checked_before_anything_is_spent() {
    let (old, new) = jar_pair(1, 60_000);
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    let refused =
        |limits: ApplyLimits| apply(&old, &patch, &limits, &mut std::io::sink()).unwrap_err();
    let error = refused(ApplyLimits {
        max_output_bytes: 1_000,
        ..ApplyLimits::default()
    });
    assert!(matches!(error, Error::OutputTooLarge { .. }), "{error}");
    let error = refused(ApplyLimits {
        max_memory_bytes: 1 << 20,
        ..ApplyLimits::default()
    });
    assert!(matches!(error, Error::MemoryTooLarge { .. }), "{error}");
}
