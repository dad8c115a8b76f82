//! The `zstd` format is that of the stock tool, in both directions.

use std::fs;

use delta::{Format, Options};
use fixtures::jars::jar_pair;

use super::tool::run;

/// Above the tool's default window of 8 MiB at level 19 and the old file's own reach.
const LARGE_BYTES: usize = 32 << 20;

#[test]
fn the_stock_tool_undoes_our_deltas() {
    let folder = tempfile::tempdir().unwrap();
    for (size, level) in [(50_000, 9), (50_000, 19), (2_000_000, 3), (LARGE_BYTES, 9)] {
        let (old, new) = jar_pair(size as u64, size);
        let patch =
            delta::create(Format::Zstd, &old, &new, Options { level: Some(level) }).unwrap();
        assert!(patch.len() * 5 < new.len(), "{size}: {}", patch.len());
        undo(folder.path(), &old, &patch, &new);
    }
}

#[test]
fn the_stock_tool_undoes_deltas_of_very_different_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let large = jar_pair(1, 3_000_000).0;
    for (old, new) in [
        (&b""[..], &b"new"[..]),
        (b"old", b""),
        (b"", b""),
        (b"old", &large),
        (&large, b"new"),
        (&large, &large),
    ] {
        let patch = delta::create(Format::Zstd, old, new, Options::default()).unwrap();
        delta::verify(old, &patch, new).unwrap();
        // zstd 1.5.4 cannot load an empty file as a prefix.
        if !old.is_empty() {
            undo(folder.path(), old, &patch, new);
        }
    }
}

/// The stock tool (1.5.4) takes such a file for a dictionary and fails even on its own patches.
#[test]
fn an_old_file_that_begins_as_a_dictionary_is_no_dictionary() {
    let old = b"\x37\xA4\x30\xEC only looks like one";
    let new = b"new, and it only looks like one";
    let patch = delta::create(Format::Zstd, old, new, Options::default()).unwrap();
    delta::verify(old, &patch, new).unwrap();
}

#[test]
fn we_undo_the_stock_tools_deltas() {
    let folder = tempfile::tempdir().unwrap();
    for size in [50_000, LARGE_BYTES] {
        let (old, new) = jar_pair(3, size);
        fs::write(folder.path().join("old"), &old).unwrap();
        fs::write(folder.path().join("new"), &new).unwrap();
        for options in [&["-3"][..], &["-9", "--long=27"], &["-9", "--no-check"]] {
            let args = [
                options,
                &["-q", "-f", "--patch-from=old", "new", "-o", "patch"],
            ]
            .concat();
            run(folder.path(), "zstd", &args);
            let patch = fs::read(folder.path().join("patch")).unwrap();
            delta::verify(&old, &patch, &new).unwrap();
        }
    }
}

fn undo(folder: &std::path::Path, old: &[u8], patch: &[u8], new: &[u8]) {
    fs::write(folder.join("old"), old).unwrap();
    fs::write(folder.join("patch"), patch).unwrap();
    let args = [
        "-d",
        "-q",
        "-f",
        "--patch-from=old",
        "patch",
        "-o",
        "rebuilt",
    ];
    run(folder, "zstd", &args);
    assert!(fs::read(folder.join("rebuilt")).unwrap() == new);
}
