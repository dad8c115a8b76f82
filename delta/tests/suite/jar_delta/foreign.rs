//! Deflaters that are not stock zlib, really run: what they packed comes back bit for bit.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use fixtures::archive::{Archive, Entry};
use fixtures::deflaters;
use fixtures::golden::text;

use super::super::compiled::{Files, java_pair};
use super::super::tool::run;
use super::all_ways;

/// Classes and texts of two releases: a little changed within large files, a file came, one went.
static RELEASES: LazyLock<[Files; 2]> = LazyLock::new(releases);

fn releases() -> [Files; 2] {
    let book = (1..60).flat_map(text).collect::<Vec<u8>>();
    let mut edited = book.clone();
    edited.splice(100_000..100_040, *b"another sentence");
    edited.splice(200_000..200_000, *b"and one more of them");
    let [mut old, mut new] = java_pair("17");
    let add = |files: &mut Files, name: &str, content: &[u8]| {
        files.push((name.to_owned(), content.to_vec()));
    };
    add(&mut old, "book.txt", &book);
    add(&mut new, "book.txt", &edited);
    add(&mut old, "gone.txt", &text(77));
    add(&mut new, "new.txt", &text(78));
    for files in [&mut old, &mut new] {
        add(files, "same.txt", &text(79));
        add(files, "empty.txt", b"");
    }
    [old, new]
}

/// Both releases as archives that a tool makes of the files in a folder.
pub(super) fn packed_by(program: &str, args: &[&str]) -> [Vec<u8>; 2] {
    RELEASES.each_ref().map(|files| {
        let folder = tempfile::tempdir().unwrap();
        let classes = folder.path().join("classes");
        fs::create_dir(&classes).unwrap();
        for (name, content) in files {
            fs::write(classes.join(name), content).unwrap();
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| &name[..]).collect();
        run(
            &classes,
            program,
            &[args, &["../packed.zip"], &names].concat(),
        );
        fs::read(folder.path().join("packed.zip")).unwrap()
    })
}

/// Both releases with every content deflated by `deflate`.
pub(super) fn deflated_by(deflate: impl Fn(&[&[u8]]) -> Vec<Vec<u8>>) -> [Vec<u8>; 2] {
    RELEASES.each_ref().map(|files| {
        let contents: Vec<&[u8]> = files.iter().map(|(_, content)| &content[..]).collect();
        let entries = files.iter().zip(deflate(&contents));
        let entries =
            entries.map(|((name, content), packed)| Entry::packed(name.as_str(), content, packed));
        Archive::new(entries.collect()).to_bytes()
    })
}

fn come_back([old, new]: [Vec<u8>; 2]) {
    all_ways(&old, &new);
}

#[test]
fn what_info_zip_packed_comes_back() {
    for level in ["-1", "-6", "-9"] {
        come_back(packed_by("zip", &["-q", level]));
    }
}

#[test]
fn what_7_zip_packed_comes_back() {
    for level in ["-mx1", "-mx5", "-mx9"] {
        come_back(packed_by("7zz", &["a", "-tzip", "-bd", level]));
    }
}

#[test]
fn what_miniz_packed_comes_back() {
    for level in [1, 6, 9] {
        come_back(deflated_by(|contents| {
            let packed = contents
                .iter()
                .map(|content| deflaters::miniz(content, level));
            packed.collect()
        }));
    }
}

#[test]
fn what_libdeflate_packed_comes_back() {
    for level in [1, 6, 12] {
        come_back(deflated_by(|contents| {
            let packed = contents
                .iter()
                .map(|content| deflaters::libdeflate(content, level));
            packed.collect()
        }));
    }
}

#[test]
fn what_node_packed_comes_back() {
    for level in [1, 6, 9] {
        come_back(deflated_by(|contents| deflaters::node(contents, level)));
    }
}

/// From a release that stock zlib packed to one that another deflater packed.
#[test]
fn a_change_of_the_deflater_comes_back() {
    let [old, _] = deflated_by(|contents| {
        let packed = contents
            .iter()
            .map(|content| Entry::deflated("", content).packed);
        packed.collect()
    });
    let [_, new] = packed_by("7zz", &["a", "-tzip", "-bd", "-mx9"]);
    come_back([old, new]);
}

/// Streams that no level of zlib makes in one go, each of all contents.
#[test]
fn flushes_stored_blocks_and_other_parameters_of_zlib_come_back() {
    let script = r#"
import os, sys, zlib
def deflate(content, *parameters, flush=None):
    state = zlib.compressobj(*parameters)
    if flush is None:
        return state.compress(content) + state.flush()
    pieces = [state.compress(content[at:at + 5000]) + state.flush(flush) for at in range(0, len(content), 5000)]
    return b"".join(pieces) + state.flush()
ways = {
    "sync": lambda content: deflate(content, 6, 8, -15, flush=zlib.Z_SYNC_FLUSH),
    "full": lambda content: deflate(content, 9, 8, -15, flush=zlib.Z_FULL_FLUSH),
    "partial": lambda content: deflate(content, 1, 8, -15, flush=zlib.Z_PARTIAL_FLUSH),
    "blocks": lambda content: deflate(content, 6, 8, -15, flush=zlib.Z_BLOCK),
    "stored": lambda content: deflate(content, 0, 8, -15),
    "window": lambda content: deflate(content, 6, 8, -9),
    "memory": lambda content: deflate(content, 6, 8, -15, 1),
    "more-memory": lambda content: deflate(content, 6, 8, -15, 9),
    "huffman": lambda content: deflate(content, 6, 8, -15, 8, zlib.Z_HUFFMAN_ONLY),
    "runs": lambda content: deflate(content, 6, 8, -15, 8, zlib.Z_RLE),
    "fixed": lambda content: deflate(content, 6, 8, -15, 8, zlib.Z_FIXED),
}
for name in os.listdir("."):
    content = open(name, "rb").read()
    for way, pack in ways.items():
        open(f"../packed/{way}-{name}", "wb").write(pack(content))
"#;
    let [old, new] = RELEASES.each_ref().map(|files| {
        let folder = tempfile::tempdir().unwrap();
        let [plain, packed] = ["plain", "packed"].map(|name| folder.path().join(name));
        fs::create_dir(&plain).unwrap();
        fs::create_dir(&packed).unwrap();
        for (name, content) in files {
            fs::write(plain.join(name), content).unwrap();
        }
        run(&plain, "python3", &["-c", script]);
        Archive::new(entries(files, &packed)).to_bytes()
    });
    all_ways(&old, &new);
}

/// Every packed file, whose name ends in that of its content.
fn entries(files: &Files, packed: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, packed) in super::super::compiled::files_below(packed) {
        let (_, original) = name.split_once('-').unwrap();
        let original = original.strip_prefix("memory-").unwrap_or(original);
        let content = files.iter().find(|(name, _)| name == original).unwrap();
        entries.push(Entry::packed(name.as_str(), &content.1, packed));
    }
    entries
}
