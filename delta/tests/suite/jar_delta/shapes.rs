//! Archives that are shaped in odd ways, made by hand or by Python.

use fixtures::archive::{Archive, Descriptor, Entry};
use fixtures::golden::text;
use fixtures::jars::tiny_jar;
use fixtures::random::Random;

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
fn contents_that_grow_when_they_are_deflated_come_back() {
    let noise = Random::new(1).bytes(3_000);
    let old = Entry::deflated("app/noise", &noise);
    assert!(old.packed.len() > noise.len());
    let one = |entry: Entry| Archive::new(vec![entry]).to_bytes();
    // The old one fills the image to the last byte, and its packed bytes would not fit.
    let longer = Entry::deflated("app/longer", &[&noise[..], b"and more"].concat());
    let patch = round_trip(&one(old.clone()), &one(longer));
    assert!(patch.len() < 200, "{}", patch.len());
    let same = Entry {
        method: 0,
        packed: noise,
        ..old.clone()
    };
    let patch = round_trip(&one(old), &one(same));
    assert!(patch.len() < 200, "{}", patch.len());
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
fn descriptors_of_every_kind_come_back() {
    let old = tiny_with(vec![Entry::streamed("app/text", &text(9))]).to_bytes();
    for descriptor in [
        Descriptor::Signed,
        Descriptor::Unsigned,
        Descriptor::SignedZip64,
        Descriptor::UnsignedZip64,
        Descriptor::Missing,
    ] {
        let streamed = ["app/text", "app/more"].map(|name| Entry {
            descriptor,
            ..Entry::streamed(name, &text(9))
        });
        all_ways(&old, &tiny_with(streamed.into()).to_bytes());
    }
    let mut wrong = Entry::streamed("app/text", &text(9));
    wrong.local.descriptor_crc32 = Some(7);
    all_ways(&old, &tiny_with(vec![wrong]).to_bytes());
}

#[test]
fn a_signing_block_and_gaps_come_back() {
    let mut archive = tiny_with(vec![Entry::deflated("app/text", &text(9))]);
    let old = archive.to_bytes();
    let pairs = b"\x0C\0\0\0\0\0\0\0\x1A\x87\x09\x71signature";
    let size = (pairs.len() as u64 + 24).to_le_bytes();
    archive.gap = [&size[..], pairs, &size, b"APK Sig Block 42"].concat();
    let signed = archive.to_bytes();
    all_ways(&old, &signed);
    // As a tool for aligning entries leaves them.
    for (index, entry) in archive.entries.iter_mut().enumerate() {
        entry.gap = vec![0; index % 4];
        entry.local_extra = [&b"\x35\xD9\x06\0\x04\0"[..], &[0; 4]].concat();
    }
    all_ways(&signed, &archive.to_bytes());
}

#[test]
fn entries_and_directories_in_other_orders_come_back() {
    let names = ["aa", "bb", "cc", "dd", "ee"];
    let entries = |order: [usize; 5]| {
        let entries = order.map(|n| Entry::deflated(names[n], &text(n as u32 + 1)));
        Archive::new(entries.into())
    };
    let old = entries([0, 1, 2, 3, 4]).to_bytes();
    let moved = entries([3, 1, 4, 0, 2]);
    // Nothing is new but the order.
    assert!(round_trip(&old, &moved.to_bytes()).len() < 200);
    let mut reversed = entries([0, 1, 2, 3, 4]);
    reversed.order = Some(vec![4, 3, 2, 1, 0]);
    all_ways(&old, &reversed.to_bytes());
    let mut both = moved;
    both.order = Some(vec![1, 0, 4, 2, 3]);
    all_ways(&reversed.to_bytes(), &both.to_bytes());
}

#[test]
fn zip64_headers_and_end_records_come_back_though_nothing_is_large() {
    let mut archive = tiny_with(vec![
        Entry::deflated("app/text", &text(9)),
        Entry::streamed("app/streamed", &text(10)),
    ]);
    let narrow = archive.to_bytes();
    archive.zip64 = true;
    let end_only = archive.to_bytes();
    for entry in &mut archive.entries {
        entry.zip64 = true;
        entry.descriptor = Descriptor::SignedZip64;
    }
    let wide = archive.to_bytes();
    archive.comment = b"a comment".to_vec();
    archive.prefix = b"#!/bin/sh\n".to_vec();
    let adorned = archive.to_bytes();
    all_ways(&narrow, &end_only);
    for (old, new) in [(&end_only, &wide), (&wide, &adorned), (&adorned, &narrow)] {
        round_trip(old, new);
        round_trip(new, old);
    }
}

#[test]
fn extra_fields_comments_and_encrypted_entries_come_back() {
    let old = tiny_jar("1.0.0");
    let decorated = |change: &[u8]| {
        let mut entry = Entry::deflated("app/text", &text(9));
        entry.comment = [b"made by ", change].concat();
        // A time stamp, and a field whose length reaches beyond the end.
        entry.central_extra = [b"UT\x05\0\x01", change, b"\xFE\xCA\xFF\xFF"].concat();
        entry.local_extra = [b"UT\x05\0\x02", change].concat();
        let mut encrypted = Entry::deflated("app/secret", &text(10));
        encrypted.flags = 1;
        encrypted
            .packed
            .splice(0..0, *change.first_chunk::<4>().unwrap());
        let mut strong = Entry::stored("app/stronger", &text(11));
        strong.flags = 1 | 1 << 6 | 1 << 11;
        strong.method = 99;
        tiny_with(vec![entry, encrypted, strong]).to_bytes()
    };
    all_ways(&old, &decorated(b"hand"));
    all_ways(&decorated(b"hand"), &decorated(b"tool"));
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
