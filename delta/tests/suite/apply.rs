//! What a patch may do, and what is left on disk when it may not.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use delta::checksum::sha256;
use delta::{ApplyLimits, Error, Expected, Format, Options, apply, apply_to_file, create, verify};
use fixtures::jars::jar_pair;

use super::by_hand::{self, PAYLOAD, Sizes, number};

fn patch(old: &[u8], new: &[u8]) -> Vec<u8> {
    create(Format::Zstd, old, new, Options::default()).unwrap()
}

fn refused(old: &[u8], patch: &[u8], limits: &ApplyLimits) -> Error {
    apply(old, patch, limits, &mut io::sink()).unwrap_err()
}

#[test]
fn the_result_is_streamed_with_its_length_and_checksum() {
    let (old, new) = jar_pair(1, 300_000);
    let mut rebuilt = Vec::new();
    let applied = apply(
        &old,
        &patch(&old, &new),
        &ApplyLimits::default(),
        &mut rebuilt,
    )
    .unwrap();
    assert!(rebuilt == new);
    assert_eq!(applied.bytes, new.len() as u64);
    assert_eq!(applied.sha256, sha256(&new));
}

#[test]
fn a_patch_that_states_more_than_the_limit_is_refused_before_it_is_decoded() {
    let limits = ApplyLimits::default();
    // A single-segment frame of 10 GiB: header only.
    let mut frame = b"\x28\xB5\x2F\xFD\xE4".to_vec();
    frame.extend_from_slice(&(10_u64 << 30).to_le_bytes());
    let error = refused(b"old", &frame, &limits);
    assert!(matches!(error, Error::OutputTooLarge { bytes, .. } if bytes == 10 << 30));

    let limits = ApplyLimits {
        max_output_bytes: 2,
        ..limits
    };
    let error = refused(b"old", &patch(b"old", b"new"), &limits);
    assert!(
        matches!(error, Error::OutputTooLarge { bytes: 3, limit: 2 }),
        "{error}"
    );
}

#[test]
fn a_patch_that_takes_longer_than_the_limit_is_given_up() {
    let (old, new) = jar_pair(1, 60_000);
    let limits = ApplyLimits {
        max_duration: Some(Duration::ZERO),
        ..ApplyLimits::default()
    };
    for &format in Format::ALL {
        let patch = create(format, &old, &new, Options::default()).unwrap();
        let error = refused(&old, &patch, &limits);
        assert!(matches!(error, Error::TooSlow { .. }), "{error}");
    }
}

/// Two bytes of a structure say that a block of no literals follows, and setting its codes up takes microseconds.
#[test]
fn a_structure_of_blocks_without_end_is_given_up() {
    const BLOCKS: usize = 2_000_000;
    let mut structure = number(2 * BLOCKS as u64);
    structure.extend([1, 0].repeat(BLOCKS - 1));
    structure.extend([5, 0]);
    let streams = [
        // One entry like none before, deflated, its content changed and its structure like zlib's at level 6.
        (0, vec![1]),
        (1, vec![2]),
        (2, vec![2]),
        (5, vec![20, 0, 20, 0, 0, 0, 8, 0]),
        (6, vec![16]),
        (7, vec![1, 0, 0, 0]),
        // Both from the payload; the content is empty.
        (8, vec![0, 0]),
        (9, [number(0), number(structure.len() as u64)].concat()),
        (PAYLOAD, structure),
    ];
    let sizes = Sizes {
        result: 8 << 20,
        plain: 16 << 20,
        largest: 16 << 20,
        image: 0,
        memory: 256 << 20,
    };
    let limits = ApplyLimits {
        max_duration: Some(Duration::from_millis(500)),
        ..ApplyLimits::default()
    };
    let error = refused(b"", &by_hand::patch(b"", &sizes, &streams), &limits);
    assert!(matches!(error, Error::TooSlow { .. }), "{error}");
}

#[test]
fn a_window_over_the_limit_is_refused_before_it_is_allocated() {
    // No content size; a window of 2^31 bytes, and of 2^41 and seven eighths.
    for window in [21 << 3, 31 << 3 | 7] {
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x04, window, 0x01, 0x00, 0x00];
        let error = refused(b"old", &frame, &ApplyLimits::default());
        assert!(matches!(error, Error::MemoryTooLarge { .. }), "{error}");
    }
}

#[test]
fn an_output_of_unstated_length_ends_at_the_limit() {
    // One RLE block of 128 KiB after another: 1,000 of them are 4 kB.
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x40];
    for block in 0..1_000_u32 {
        let header = (128 << 10) << 3 | 1 << 1 | u32::from(block == 999);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b'x');
    }
    let mut limits = ApplyLimits::default();
    let applied = apply(b"old", &frame, &limits, &mut io::sink()).unwrap();
    assert_eq!(applied.bytes, 1_000 * (128 << 10));
    limits.max_output_bytes = 1 << 20;
    let mut out = Vec::new();
    let error = apply(b"old", &frame, &limits, &mut out).unwrap_err();
    assert!(matches!(error, Error::OutputTooLarge { .. }), "{error}");
    assert!(out.len() <= 1 << 20);
}

#[test]
fn whatever_is_not_exactly_one_frame_is_refused() {
    let good = patch(b"old", b"new");
    let limits = ApplyLimits::default();
    assert!(matches!(refused(b"old", b"", &limits), Error::EmptyPatch));
    assert!(matches!(
        refused(b"old", b"PK\x03\x04", &limits),
        Error::UnknownFormat { .. }
    ));
    assert!(matches!(
        refused(b"old", b"\x28", &limits),
        Error::UnknownFormat { .. }
    ));
    let skippable = b"\x50\x2A\x4D\x18\x01\x00\x00\x00x";
    assert!(matches!(
        refused(b"old", skippable, &limits),
        Error::SkippableFrame
    ));
    let joined = [&good[..], &good].concat();
    let expected = good.len() as u64;
    assert!(
        matches!(refused(b"old", &joined, &limits), Error::TrailingBytes { bytes } if bytes == expected)
    );
    let trailing = [&good[..], b"x"].concat();
    assert!(matches!(
        refused(b"old", &trailing, &limits),
        Error::TrailingBytes { bytes: 1 }
    ));
    let with_dictionary = [&b"\x28\xB5\x2F\xFD\x21\x07"[..], &good[5..]].concat();
    assert!(matches!(
        refused(b"old", &with_dictionary, &limits),
        Error::Dictionary
    ));
    let mut reserved = good.clone();
    reserved[4] |= 0x08;
    assert!(matches!(
        refused(b"old", &reserved, &limits),
        Error::Damaged { .. }
    ));
}

#[test]
fn a_patch_for_another_base_is_noticed() {
    let (old, new) = jar_pair(1, 100_000);
    let (other, _) = jar_pair(2, 100_000);
    let error = verify(&other, &patch(&old, &new), &new).unwrap_err();
    assert!(
        matches!(error, Error::Damaged { .. } | Error::ResultMismatch { .. }),
        "{error}"
    );
}

#[test]
fn a_patch_to_another_target_is_noticed() {
    let (old, new) = jar_pair(1, 100_000);
    let error = verify(&old, &patch(&old, &old), &new).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ResultMismatch { .. } | Error::OutputTooLarge { .. }
        ),
        "{error}"
    );
}

struct Files {
    folder: tempfile::TempDir,
    new: Vec<u8>,
    expected: Expected,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = jar_pair(5, 200_000);
    fs::write(folder.path().join("old.jar"), &old).unwrap();
    fs::write(folder.path().join("patch"), patch(&old, &new)).unwrap();
    Files {
        expected: Expected {
            base: Some(sha256(&old)),
            result: Some(sha256(&new)),
        },
        folder,
        new,
    }
}

impl Files {
    fn apply(&self) -> Result<delta::Applied, Error> {
        let path = |name: &str| self.folder.path().join(name);
        let limits = ApplyLimits::default();
        apply_to_file(
            &path("old.jar"),
            &path("patch"),
            &path("new.jar"),
            &self.expected,
            &limits,
        )
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn from_file_to_file_only_the_new_file_appears() {
    let files = files();
    let applied = files.apply().unwrap();
    assert_eq!(applied.bytes, files.new.len() as u64);
    assert_eq!(files.names(), ["new.jar", "old.jar", "patch"]);
    assert!(fs::read(files.folder.path().join("new.jar")).unwrap() == files.new);
}

#[cfg(unix)]
#[test]
fn the_new_file_can_be_read_by_others_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let files = files();
    files.apply().unwrap();
    let mode = |name| {
        fs::metadata(files.folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("new.jar"), mode("old.jar"));
}

#[test]
fn a_wrong_base_is_refused_before_the_patch_is_read() {
    let mut files = files();
    files.expected.base = Some([7; 32]);
    fs::remove_file(files.folder.path().join("patch")).unwrap();
    let error = files.apply().unwrap_err();
    assert!(matches!(error, Error::BaseMismatch { .. }), "{error}");
    assert!(error.to_string().contains(&"07".repeat(32)), "{error}");
    assert_eq!(files.names(), ["old.jar"]);
}

#[test]
fn a_wrong_result_leaves_the_target_as_it_was() {
    let mut files = files();
    fs::write(files.folder.path().join("new.jar"), "precious").unwrap();
    files.expected.result = Some([7; 32]);
    let error = files.apply().unwrap_err();
    assert!(matches!(error, Error::ResultMismatch { .. }), "{error}");
    assert_eq!(files.names(), ["new.jar", "old.jar", "patch"]);
    assert_eq!(
        fs::read(files.folder.path().join("new.jar")).unwrap(),
        b"precious"
    );
}

#[test]
fn a_damaged_patch_leaves_nothing_behind() {
    let files = files();
    let path = files.folder.path().join("patch");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let error = files.apply().unwrap_err();
    assert!(matches!(error, Error::Truncated), "{error}");
    assert_eq!(files.names(), ["old.jar", "patch"]);
}

#[test]
fn a_missing_file_is_named() {
    let files = files();
    fs::remove_file(files.folder.path().join("patch")).unwrap();
    let message = files.apply().unwrap_err().to_string();
    assert!(message.contains("read the patch"), "{message}");
    assert!(message.ends_with("patch"), "{message}");
}

#[test]
fn a_file_can_be_updated_in_place() {
    let files = files();
    let old = files.folder.path().join("old.jar");
    let patch = files.folder.path().join("patch");
    apply_to_file(&old, &patch, &old, &files.expected, &ApplyLimits::default()).unwrap();
    assert!(fs::read(&old).unwrap() == files.new);
}
