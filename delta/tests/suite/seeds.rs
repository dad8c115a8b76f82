//! Replays the fuzz targets' seeds, and makes them anew when `UPDATE_SEEDS` is set.
//!
//! A crash that fuzzing found becomes one more file in `delta/fuzz/corpus/TARGET`; its name says what was wrong.

mod make;

#[expect(
    unreachable_pub,
    reason = "the same file is the root of the fuzzer's own crate"
)]
#[path = "../../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// A seed that is larger only slows the fuzzer down.
const MAX_SEED_BYTES: u64 = 16 << 10;

fn corpus(target: &str) -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.join("fuzz/corpus").join(target)
}

#[test]
fn every_seed_passes_its_target() {
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        for (target, name, seed) in make::seeds() {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(corpus(target).join(name), seed).unwrap();
        }
    }
    for (target, run) in targets::TARGETS {
        let mut seeds = 0;
        for entry in fs::read_dir(corpus(target)).unwrap() {
            let entry = entry.unwrap();
            assert!(
                entry.metadata().unwrap().len() <= MAX_SEED_BYTES,
                "{entry:?}"
            );
            // Captured, and shown if the target panics.
            println!("{}", entry.path().display());
            run(&fs::read(entry.path()).unwrap());
            seeds += 1;
        }
        assert!(seeds >= 4, "{target} has {seeds} seeds");
    }
}

/// What is put right in front of the fuzzer's bytes must not get in the way of a good patch.
#[test]
fn the_harness_leaves_a_good_patch_as_it_is() {
    let (old, new) = fixtures::golden::pair();
    for (format, harnessed) in [
        (
            delta::Format::Jar,
            targets::for_base as fn(&[u8], &[u8]) -> Vec<u8>,
        ),
        (delta::Format::Zstd, |patch, _| targets::with_magic(patch)),
    ] {
        let patch = delta::create(format, &old, &new, delta::Options::default()).unwrap();
        assert!(harnessed(&patch, &old) == patch);
        // A patch for another base is put right up to its contents.
        let other = delta::create(format, b"", &new, delta::Options::default()).unwrap();
        let error = delta::verify(&old, &harnessed(&other, &old), &new).err();
        assert!(!matches!(error, Some(delta::Error::BaseMismatch { .. })));
    }
}
