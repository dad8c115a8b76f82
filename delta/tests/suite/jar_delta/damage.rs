//! The golden patch, and damaged patches: never a panic, never a wrong result.

use std::fs;
use std::path::Path;

use delta::checksum::sha256;
use delta::{ApplyLimits, Format, Options, apply, create, verify};
use fixtures::archive::Entry;
use fixtures::golden;
use fixtures::jars::{jar_pair, tiny_jar};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{LEVEL, exact_or_not_modelled, tiny_with};

#[test]
fn the_golden_patch_still_applies() {
    let (old, new) = golden::pair();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/jar-1.patch");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(
            &path,
            create(Format::Jar, &old, &new, Options { level: Some(19) }).unwrap(),
        )
        .unwrap();
    }
    verify(&old, &fs::read(path).unwrap(), &new).unwrap();
}

#[test]
fn a_patch_cut_anywhere_fails() {
    let (old, new) = golden::pair();
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    for length in 0..patch.len() {
        assert!(verify(&old, &patch[..length], &new).is_err(), "{length}");
    }
    assert!(verify(&old, &[&patch[..], b"x"].concat(), &new).is_err());
}

#[test]
fn one_flipped_bit_fails_or_does_not_matter() {
    let (old, new) = golden::pair();
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    for bit in 0..patch.len() * 8 {
        let mut damaged = patch.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fails_or_is_right(&old, &damaged, &new);
    }
}

fn fails_or_is_right(old: &[u8], patch: &[u8], new: &[u8]) {
    let limits = ApplyLimits {
        max_output_bytes: 1 << 20,
        max_memory_bytes: 128 << 20,
        ..ApplyLimits::default()
    };
    let mut out = Vec::new();
    if let Ok(applied) = apply(old, patch, &limits, &mut out) {
        assert_eq!(applied.sha256, sha256(new));
    }
    assert!(out.len() <= 1 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_damaged_patch_never_gives_a_wrong_result(
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        seed in 0_u64..4,
    ) {
        let (old, new) = match seed {
            0 => golden::pair(),
            seed => jar_pair(seed, 20_000),
        };
        // Level 1 leaves most streams as they are, so that damage gets past zstd.
        let mut patch = create(Format::Jar, &old, &new, Options { level: Some(1) }).unwrap();
        for (place, value) in changes {
            // The checksums at the front would only be refused at once.
            let place = 68 + place.index(patch.len() - 68);
            patch[place] = value;
        }
        fails_or_is_right(&old, &patch, &new);
    }

    #[test]
    fn spoilt_jars_make_good_patches_or_none(
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Option<Index>>(),
    ) {
        let old = tiny_jar("1.0.0");
        let mut new = tiny_with(vec![Entry::streamed("app/text", &golden::text(3))]).to_bytes();
        for (place, value) in changes {
            let place = place.index(new.len());
            new[place] = value;
        }
        if let Some(cut) = cut {
            new.truncate(cut.index(new.len()));
        }
        exact_or_not_modelled(&old, &new);
        exact_or_not_modelled(&new, &old);
    }
}
