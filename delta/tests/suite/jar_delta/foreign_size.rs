//! Patches between JARs that other deflaters packed are small: a small change stays one.

use delta::{Format, Options, create};
use fixtures::deflaters;

use super::foreign::{deflated_by, packed_by};

/// At most a half of what the format `zstd` takes, which sees a changed stream as new.
fn is_small(name: &str, [old, new]: [Vec<u8>; 2]) {
    let [jar, zstd] = [Format::Jar, Format::Zstd].map(|format| {
        let options = Options { level: Some(19) };
        create(format, &old, &new, options).unwrap().len()
    });
    assert!(jar * 2 <= zstd, "{name}: {jar} of {zstd}");
}

#[test]
fn changes_in_what_info_zip_packed_are_small() {
    is_small("zip -9", packed_by("zip", &["-q", "-9"]));
}

#[test]
fn changes_in_what_7_zip_packed_are_small() {
    for level in ["-mx1", "-mx5", "-mx9"] {
        is_small(level, packed_by("7zz", &["a", "-tzip", "-bd", level]));
    }
}

#[test]
fn changes_in_what_miniz_packed_are_small() {
    for level in [1, 6, 9] {
        let pair = deflated_by(|contents| {
            let packed = contents
                .iter()
                .map(|content| deflaters::miniz(content, level));
            packed.collect()
        });
        is_small(&format!("miniz {level}"), pair);
    }
}

#[test]
fn changes_in_what_libdeflate_packed_are_small() {
    for level in [1, 6, 12] {
        let pair = deflated_by(|contents| {
            let packed = contents
                .iter()
                .map(|content| deflaters::libdeflate(content, level));
            packed.collect()
        });
        is_small(&format!("libdeflate {level}"), pair);
    }
}

#[test]
fn changes_in_what_node_packed_are_small() {
    for level in [1, 6, 9] {
        let pair = deflated_by(|contents| deflaters::node(contents, level));
        is_small(&format!("node {level}"), pair);
    }
}
