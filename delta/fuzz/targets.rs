//! What each fuzz target does with an input. The suite of `delta` replays the seeds through the same functions.
//!
//! A target fails by a panic: one of the code under test, or one of the assertions here.

use std::sync::LazyLock;

use delta::checksum::sha256;
use delta::jar::{JarLimits, detect_version, inspect_bytes};
use delta::{ApplyLimits, Error, Format, Options, apply, create, verify};
use fixtures::golden;

/// The name of a target's binary and of its folder of seeds, and what it does.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 4] = [
    ("apply_jar", apply_jar),
    ("apply_zstd", apply_zstd),
    ("create_and_apply", create_and_apply),
    ("inspect_jar", inspect_jar),
];

/// Small, so that an input that reaches a limit is still quick. libFuzzer's own limit for the time of
/// one input takes the place of `max_duration`.
const LIMITS: ApplyLimits = ApplyLimits {
    max_output_bytes: 1 << 20,
    max_memory_bytes: 64 << 20,
    max_duration: None,
};

/// What patches are applied to; made once, for it takes longer than most inputs do.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| golden::pair().0);

/// Where a patch in the format `jar` names its base, and where the base's length follows.
const BASE_START: usize = 4;
const BASE_LENGTH_START: usize = BASE_START + 32 + 32;

/// Applies a patch in the format `jar`. The base's checksum and length are put right, for no fuzzer finds those.
pub fn apply_jar(input: &[u8]) {
    apply_within_limits(&for_base(input, &BASE));
}

/// The patch with the magic, the checksum and the length of `old` put right.
pub fn for_base(input: &[u8], old: &[u8]) -> Vec<u8> {
    let mut patch = b"RJD1".to_vec();
    patch.extend_from_slice(&sha256(old));
    let (front, rest) = input.split_at(input.len().min(BASE_LENGTH_START));
    patch.extend_from_slice(front.get(BASE_START + 32..).unwrap_or_default());
    patch.resize(BASE_LENGTH_START, 0);
    put_number(&mut patch, old.len());
    let length_end = rest.iter().position(|byte| byte & 0x80 == 0);
    patch.extend_from_slice(length_end.map_or(&[], |end| &rest[end + 1..]));
    patch
}

/// A number of the format: seven bits a byte, the lowest first.
fn put_number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Applies a patch in the format `zstd`, whose magic is put right.
pub fn apply_zstd(input: &[u8]) {
    apply_within_limits(&with_magic(input));
}

/// The patch with the magic of a zstd frame.
pub fn with_magic(input: &[u8]) -> Vec<u8> {
    [b"\x28\xB5\x2F\xFD", input.get(4..).unwrap_or_default()].concat()
}

fn apply_within_limits(patch: &[u8]) {
    let _ = delta::inspect(patch);
    let mut out = Vec::new();
    let applied = apply(&BASE, patch, &LIMITS, &mut out);
    assert!(out.len() as u64 <= LIMITS.max_output_bytes);
    if let Ok(applied) = applied {
        assert_eq!(applied.bytes, out.len() as u64);
        assert_eq!(applied.sha256, sha256(&out));
    }
}

/// Makes a patch between the two parts of an input, and undoes it. The first two bytes say how long the old part is.
pub fn create_and_apply(input: &[u8]) {
    let Some((length, files)) = input.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length));
    let (old, new) = files.split_at(length.min(files.len()));
    for &format in Format::ALL {
        // Level 1: what is compressed does not depend on how hard that is tried.
        match create(format, old, new, Options { level: Some(1) }) {
            Ok(patch) => verify(old, &patch, new).expect("a patch undoes what it was made for"),
            Err(Error::NotModelled { .. }) if format == Format::Jar => {}
            Err(error) => panic!("{format:?}: {error}"),
        }
    }
}

/// Checks an upload.
pub fn inspect_jar(input: &[u8]) {
    let limits = JarLimits {
        max_entries: 1_000,
        max_unpacked_bytes: 16 << 20,
        max_ratio: 200,
        max_java: None,
        strict: false,
    };
    if let Ok(summary) = inspect_bytes(input, &limits) {
        assert!(summary.entries <= limits.max_entries);
        assert!(summary.unpacked_bytes <= limits.max_unpacked_bytes);
        let _ = detect_version("app-1.2.3.jar".as_ref(), &summary);
    }
}
