//! Archives that are shaped in odd ways, made by hand or by Python.

use fixtures::archive::{Archive, Entry};
use fixtures::golden::text;
use fixtures::jars::tiny_jar;

use super::super::tool::run;
use super::{all_ways, read, round_trip, tiny_with};

#[test]
fn stored_streamed_and_odd_entries_come_back() {
    let old = tiny_jar("1.0.0");
    let text = text(12_345);
    let mut wrong_crc = Entry::deflated("app/wrong", &text);
    wrong_crc.crc32 ^= 1;
    let mut garbage = Entry::deflated("app/garbage", &text);
    garbage.packed.extend_from_slice(b"garbage");
    let mut unknown = Entry::stored("app/lzma", &text);
    unknown.method = 14;
    let mut local_name = Entry::stored("app/local", &text);
    local_name.local.name = Some(b"app/other".to_vec());
    for entry in [
        Entry::stored("app/stored", &text),
        Entry::streamed("app/streamed", &text),
        Entry::stored("app/empty", b""),
        Entry::deflated("app/empty", b""),
        wrong_crc,
        garbage,
        unknown,
        local_name,
    ] {
        all_ways(&old, &tiny_with(vec![entry]).to_bytes());
    }
}

#[test]
fn an_entry_that_unpacks_to_a_thousand_times_its_size_stays_packed() {
    let zeros = |megabytes: usize| Entry::deflated("app/zeros", &vec![0; megabytes << 20]);
    let (old, new) = (tiny_with(vec![zeros(40)]), tiny_with(vec![zeros(41)]));
    round_trip(&old.to_bytes(), &new.to_bytes());
}

#[test]
fn duplicate_names_come_back() {
    let twice = |seed| {
        let entries = vec![
            Entry::deflated("app/twice", &text(seed)),
            Entry::deflated("app/twice", &text(seed + 1)),
        ];
        tiny_with(entries).to_bytes()
    };
    all_ways(&twice(5), &twice(6));
}

#[test]
fn what_stands_around_the_entries_comes_back() {
    let old = tiny_jar("1.0.0");
    let mut archive = tiny_with(vec![Entry::deflated("app/text", &text(9))]);
    archive.comment = b"a comment".to_vec();
    all_ways(&old, &archive.to_bytes());
    archive.prefix = b"#!/bin/sh\nexec java -jar \"$0\" \"$@\"\n".to_vec();
    let adjusted = archive.to_bytes();
    all_ways(&old, &adjusted);
    // A stub that was put in front later: all offsets lack it.
    all_ways(&adjusted, &[b"stub", &adjusted[..]].concat());
}

#[test]
fn descriptors_without_a_signature_and_gaps_come_back() {
    let jar = tiny_with(vec![Entry::streamed("app/text", &text(9))]).to_bytes();
    let signature = jar
        .windows(4)
        .position(|bytes| bytes == b"PK\x07\x08")
        .unwrap();
    // The descriptor is the last thing before the directory: without its signature four bytes go.
    let mut unsigned = jar.clone();
    unsigned.drain(signature..signature + 4);
    move_directory(&mut unsigned, -4);
    all_ways(&jar, &unsigned);
    let mut gap = jar.clone();
    gap.splice(signature + 16..signature + 16, *b"APK Sig Block 42");
    move_directory(&mut gap, 16);
    all_ways(&jar, &gap);
}

/// Adds to the directory's offset in an end record without a comment.
fn move_directory(jar: &mut [u8], by: i32) {
    let at = jar.len() - 6;
    let offset = u32::from_le_bytes(jar[at..at + 4].try_into().unwrap());
    jar[at..at + 4].copy_from_slice(&offset.wrapping_add_signed(by).to_le_bytes());
}

#[test]
fn a_directory_in_reverse_order_comes_back() {
    let jar = Archive::new(vec![
        Entry::deflated("aa", &text(1)),
        Entry::deflated("bb", &text(2)),
        Entry::deflated("cc", &text(3)),
    ])
    .to_bytes();
    let record_bytes = 46 + 2;
    let start = jar.len() - 22 - 3 * record_bytes;
    let mut reversed = jar.clone();
    for (index, record) in jar[start..jar.len() - 22]
        .chunks(record_bytes)
        .rev()
        .enumerate()
    {
        let at = start + index * record_bytes;
        reversed[at..at + record_bytes].copy_from_slice(record);
    }
    all_ways(&jar, &reversed);
}

#[test]
fn more_entries_than_16_bits_can_count_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
import sys, zipfile
for name, changed in (("old", 0), ("new", 7)):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as jar:
        for n in range(66000):
            jar.writestr(zipfile.ZipInfo(f"e/{n}"), str(n + (changed if n % 1000 == 5 else 0)))
"#;
    run(folder.path(), "python3", &["-c", script]);
    let [old, new] = read(folder.path(), ["old", "new"]);
    let patch = round_trip(&old, &new);
    assert!(patch.len() < 3_000, "{}", patch.len());
}

#[test]
fn python_writes_zip64_headers_and_other_levels() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
import zipfile
text = "".join(f"line {n * n % 977}\n" for n in range(3000)).encode()
for name, level in (("one", 1), ("six", 6), ("nine", 9)):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as jar:
        for n in range(20):
            with jar.open(zipfile.ZipInfo(f"e/{n}"), "w", force_zip64=True) as entry:
                entry.write(text[n * 100:] + name.encode())
        jar.writestr("bz", text, compress_type=zipfile.ZIP_BZIP2)
        jar.writestr("xz", text, compress_type=zipfile.ZIP_LZMA)
"#;
    run(folder.path(), "python3", &["-c", script]);
    let [one, six, nine] = read(folder.path(), ["one", "six", "nine"]);
    all_ways(&one, &six);
    all_ways(&six, &nine);
}
