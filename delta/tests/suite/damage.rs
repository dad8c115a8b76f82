//! Damaged and hostile input: never a panic, never a wrong result unnoticed.

use std::io;

use delta::jar::{JarLimits, inspect_bytes};
use delta::{ApplyLimits, Format, Options, apply, checksum, create, verify};
use fixtures::jars::{jar_pair, tiny_jar};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Either a failure, or, where the damage does not matter, the right bytes.
fn fails_or_is_right(old: &[u8], patch: &[u8], new: &[u8]) {
    if let Ok(applied) = apply(old, patch, &ApplyLimits::default(), &mut io::sink()) {
        assert_eq!(applied.sha256, checksum::sha256(new));
        verify(old, patch, new).unwrap();
    }
}

#[test]
fn a_patch_cut_anywhere_fails() {
    let (old, new) = jar_pair(1, 200_000);
    let patch = create(Format::Zstd, &old, &new, Options::default()).unwrap();
    for hundredth in 0..100 {
        let cut = &patch[..patch.len() * hundredth / 100];
        assert!(verify(&old, cut, &new).is_err(), "{hundredth}");
    }
}

#[test]
fn one_flipped_bit_fails_or_does_not_matter() {
    let (old, new) = jar_pair(1, 60_000);
    let patch = create(Format::Zstd, &old, &new, Options::default()).unwrap();
    let bits = patch.len() * 8;
    // The header bit by bit, then 1,000 places spread over all.
    for bit in (0..160).chain((0..1_000).map(|n| n * bits / 1_000)) {
        let mut damaged = patch.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fails_or_is_right(&old, &damaged, &new);
    }
}

/// An old file, and edits that make a new one of it.
fn old_and_new() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let edit = (any::<Index>(), vec(any::<u8>(), 0..40), 0_usize..40);
    (vec(any::<u8>(), 0..5_000), vec(edit, 0..8)).prop_map(|(old, edits)| {
        let mut new = old.clone();
        for (place, insert, remove) in edits {
            let start = place.index(new.len() + 1);
            let end = (start + remove).min(new.len());
            new.splice(start..end, insert);
        }
        (old, new)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_delta_rebuilds_any_bytes_from_any_others(
        (old, new) in old_and_new(),
        other in vec(any::<u8>(), 0..2_000),
        level in -3..30,
    ) {
        for old in [&old, &other] {
            let patch = create(Format::Zstd, old, &new, Options { level: Some(level) }).unwrap();
            let mut rebuilt = Vec::new();
            apply(old, &patch, &ApplyLimits::default(), &mut rebuilt).unwrap();
            prop_assert_eq!(&rebuilt, &new);
            verify(old, &patch, &new).unwrap();
        }
    }

    #[test]
    fn a_damaged_patch_never_gives_a_wrong_result_unnoticed(
        (old, new) in old_and_new(),
        flips in vec((any::<Index>(), 1_u8..), 1..4),
    ) {
        let mut patch = create(Format::Zstd, &old, &new, Options::default()).unwrap();
        for (place, flip) in flips {
            let place = place.index(patch.len());
            patch[place] ^= flip;
        }
        let expected = checksum::sha256(&new);
        let applied = apply(&old, &patch, &ApplyLimits::default(), &mut io::sink());
        // The caller's checksum decides, and `verify` is such a caller.
        let right = applied.is_ok_and(|applied| applied.sha256 == expected);
        prop_assert_eq!(verify(&old, &patch, &new).is_ok(), right);
    }

    #[test]
    fn arbitrary_bytes_are_no_patch_but_never_a_panic(
        mut patch in vec(any::<u8>(), 0..300),
        zstd in any::<bool>(),
    ) {
        if zstd {
            patch.splice(0..0, *b"\x28\xB5\x2F\xFD");
        }
        let limits = ApplyLimits { max_output_bytes: 1 << 20, max_memory_bytes: 64 << 20, max_duration: None };
        let _ = apply(b"the old file", &patch, &limits, &mut io::sink());
    }

    #[test]
    fn checksum_lines_are_read_as_they_were_written(
        lines in vec((any::<[u8; 32]>(), "[^\0]{1,30}"), 0..5),
    ) {
        let text: String = lines.iter().map(|(digest, name)| checksum::format_line(digest, name)).collect();
        let read = checksum::parse(&text).unwrap();
        let read: Vec<_> = read.into_iter().map(|line| (line.digest, line.name)).collect();
        prop_assert_eq!(read, lines);
    }

    #[test]
    fn arbitrary_text_is_never_a_panic_as_a_checksum_file(text in ".{0,200}") {
        let _ = checksum::parse(&text);
    }

    #[test]
    fn a_damaged_jar_is_never_a_panic(
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Option<Index>>(),
    ) {
        let mut jar = tiny_jar("1.0.0");
        for (place, value) in changes {
            let place = place.index(jar.len());
            jar[place] = value;
        }
        if let Some(cut) = cut {
            jar.truncate(cut.index(jar.len()));
        }
        let _ = inspect_bytes(&jar, &JarLimits::default());
    }

    #[test]
    fn a_damaged_directory_is_never_a_panic(
        changes in vec((0_usize..300, prop_oneof![Just(0_u8), Just(0xFF), any::<u8>()]), 1..12),
    ) {
        let mut jar = tiny_jar("1.0.0");
        for (from_end, value) in changes {
            let place = jar.len() - 1 - from_end.min(jar.len() - 1);
            jar[place] = value;
        }
        let _ = inspect_bytes(&jar, &JarLimits::default());
    }
}
