//! The format `jar`: every shape of JAR comes back bit for bit, and damage never gives a wrong one.

use std::fs;
use std::path::Path;

use delta::checksum::sha256;
use delta::{ApplyLimits, Error, Format, Options, apply, create, create_best, verify};
use fixtures::archive::{Archive, DESCRIPTOR_FLAG, Entry};
use fixtures::jars::{jar_pair, tiny_entries, tiny_jar};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::tool::run;

const LEVEL: Options = Options { level: Some(9) };

/// Makes the patch and applies it; the patch.
fn round_trip(old: &[u8], new: &[u8]) -> Vec<u8> {
    let patch = create(Format::Jar, old, new, LEVEL).unwrap();
    assert_eq!(Format::detect(&patch).unwrap(), Format::Jar);
    let mut rebuilt = Vec::new();
    let applied = apply(old, &patch, &ApplyLimits::default(), &mut rebuilt).unwrap();
    assert!(rebuilt == new);
    assert_eq!(applied.sha256, sha256(new));
    verify(old, &patch, new).unwrap();
    patch
}

/// Both ways, from nothing, and to itself.
fn all_ways(old: &[u8], new: &[u8]) {
    round_trip(old, new);
    round_trip(new, old);
    round_trip(b"", new);
    let same = round_trip(new, new);
    assert!(same.len() < 400, "{}", same.len());
}

fn not_modelled(old: &[u8], new: &[u8]) {
    let error = create(Format::Jar, old, new, LEVEL).unwrap_err();
    assert!(matches!(error, Error::NotModelled { .. }), "{error}");
    let (format, patch) = create_best(old, new, LEVEL).unwrap();
    assert_eq!(format, Format::Zstd);
    verify(old, &patch, new).unwrap();
}

/// The tiny JAR with some more entries.
fn tiny_with(entries: Vec<Entry>) -> Archive {
    let mut all = tiny_entries("1.1.0");
    all.extend(entries);
    Archive::new(all)
}

fn some_text(seed: u32) -> Vec<u8> {
    let lines = (0..300).map(|n: u32| format!("line {n} says {}\n", n.wrapping_mul(seed) >> 7));
    lines.collect::<String>().into_bytes()
}

#[test]
fn a_pair_takes_much_less_than_with_the_format_zstd() {
    let (old, new) = jar_pair(1, 300_000);
    let jar = round_trip(&old, &new);
    let zstd = create(Format::Zstd, &old, &new, Options { level: Some(19) }).unwrap();
    assert!(jar.len() < zstd.len(), "{} {}", jar.len(), zstd.len());
    let (format, best) = create_best(&old, &new, LEVEL).unwrap();
    assert_eq!(format, Format::Jar);
    assert!(best == jar);
}

#[test]
fn an_empty_old_file_gives_a_compressed_download() {
    let (_, new) = jar_pair(2, 200_000);
    let patch = round_trip(b"", &new);
    assert!(patch.len() < new.len(), "{} {}", patch.len(), new.len());
}

#[test]
fn stored_streamed_and_odd_entries_come_back() {
    let old = tiny_jar("1.0.0");
    let text = some_text(12_345);
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
            Entry::deflated("app/twice", &some_text(seed)),
            Entry::deflated("app/twice", &some_text(seed + 1)),
        ];
        tiny_with(entries).to_bytes()
    };
    all_ways(&twice(5), &twice(6));
}

#[test]
fn what_stands_around_the_entries_comes_back() {
    let old = tiny_jar("1.0.0");
    let mut archive = tiny_with(vec![Entry::deflated("app/text", &some_text(9))]);
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
    let jar = tiny_with(vec![Entry::streamed("app/text", &some_text(9))]).to_bytes();
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
        Entry::deflated("aa", &some_text(1)),
        Entry::deflated("bb", &some_text(2)),
        Entry::deflated("cc", &some_text(3)),
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
fn jars_inside_come_back_stored_and_deflated() {
    let nested = |seed, levels: usize, pack: fn(&str, &[u8]) -> Entry| {
        let mut jar = tiny_with(vec![Entry::deflated("deep/text", &some_text(seed))]).to_bytes();
        for level in 0..levels {
            let name = format!("BOOT-INF/lib/lib-{level}.{seed}.jar");
            jar = tiny_with(vec![pack(&name, &jar)]).to_bytes();
        }
        jar
    };
    let packs: [fn(&str, &[u8]) -> Entry; 2] = [
        |name, content| Entry::stored(name, content),
        |name, content| Entry::deflated(name, content),
    ];
    for pack in packs {
        for levels in [1, 2, 3, 5] {
            all_ways(&nested(5, levels, pack), &nested(6, levels, pack));
        }
        let patch = round_trip(&nested(5, 2, pack), &nested(5, 2, pack));
        assert!(patch.len() < 200, "{}", patch.len());
    }
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

#[test]
fn what_zip_at_its_best_packed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("old.jar", 77), ("new.jar", 78)] {
        for file in 0..12 {
            let content = some_text(seed * (file + 1)).repeat(1 + file as usize);
            fs::write(folder.path().join(format!("file{file}")), content).unwrap();
        }
        let arguments: Vec<String> = ["-9", "-q", name]
            .map(str::to_owned)
            .into_iter()
            .chain((0..12).map(|file| format!("file{file}")))
            .collect();
        run(folder.path(), "zip", &arguments);
    }
    let [old, new] = read(folder.path(), ["old.jar", "new.jar"]);
    all_ways(&old, &new);
}

fn read<const N: usize>(folder: &Path, names: [&str; N]) -> [Vec<u8>; N] {
    names.map(|name| fs::read(folder.join(name)).unwrap())
}

/// A class with most of what a class file can have; `%` differs between the two versions.
const SOURCE: &str = r#"
import java.lang.annotation.*;
import java.util.*;
import java.util.function.*;
public class Sample<T extends Comparable<T>> implements Runnable {
    @Retention(RetentionPolicy.RUNTIME) @Target({ElementType.TYPE_USE, ElementType.METHOD, ElementType.PARAMETER})
    @interface Marked { String value() default "x"; int[] numbers() default {1, 2}; Class<?> type() default Object.class; }
    enum Color { RED, GREEN, BLUE }
    static final long BIG = 123456789012345L;
    static final double RATIO = 2.5e10;
    private final Map<String, List<T>> map = new HashMap<>();
    %
    @Marked(value = "run", numbers = {3, 4}) public void run() {
        Function<String, Integer> length = String::length;
        Supplier<Runnable> supplier = () -> () -> System.out.println(length.apply("hello") + BIG);
        supplier.get().run();
        for (Color color : Color.values()) {
            switch (color) { case RED: System.out.println(1); break; case BLUE: System.out.println(RATIO); break; default: }
        }
    }
    int choose(@Marked String name, int n) throws java.io.IOException {
        switch (name) { case "a": return 1; case "bb": return 22; default: }
        switch (n) { case 1: return 5; case 1000: return 6; case -7: return 9; default: }
        try { return Integer.parseInt(name); } catch (NumberFormatException e) { throw new java.io.IOException(e); }
        finally { map.clear(); }
    }
    String join(String... parts) { String all = "x" + parts.length + map + n(); long[][] grid = new long[3][4]; grid[1][2] = 5L; return all + grid[1][2]; }
    int n() { int total = 0; for (int i = 0; i < 100_000; i++) { total += i; } return total; }
}
"#;

fn classes(folder: &Path, release: &str, change: &str) -> Vec<(String, Vec<u8>)> {
    let out = folder.join(format!("out{release}{}", change.len()));
    fs::create_dir_all(&out).unwrap();
    fs::write(folder.join("Sample.java"), SOURCE.replace('%', change)).unwrap();
    let out_text = out.to_str().unwrap().to_owned();
    run(
        folder,
        "javac",
        &[
            "-nowarn",
            "-g",
            "-parameters",
            "--release",
            release,
            "-d",
            &out_text,
            "Sample.java",
        ],
    );
    let mut classes: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    classes.sort();
    classes
}

fn class_jar(classes: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries = classes
        .iter()
        .map(|(name, content)| Entry::deflated(name.as_str(), content));
    Archive::new(entries.collect()).to_bytes()
}

const CHANGE: &str =
    "static String added(int n) { return \"added \" + n + new ArrayDeque<Integer>(); }\n\n\n";

#[test]
fn classes_of_each_java_release_come_back_small() {
    let folder = tempfile::tempdir().unwrap();
    for release in ["8", "11", "17"] {
        let old = class_jar(&classes(folder.path(), release, ""));
        let new = class_jar(&classes(folder.path(), release, CHANGE));
        all_ways(&old, &new);
        let patch = create(Format::Jar, &old, &new, Options { level: Some(19) }).unwrap();
        assert!(patch.len() < 1_000, "{release}: {}", patch.len());
    }
}

#[test]
fn truncated_and_spoilt_classes_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let old = classes(folder.path(), "17", "");
    let whole = &old
        .iter()
        .find(|(name, _)| name == "Sample.class")
        .unwrap()
        .1;
    let spoilt: Vec<_> = (0..whole.len())
        .step_by(whole.len() / 60)
        .flat_map(|at| {
            let cut = (format!("Cut{at}.class"), whole[..at].to_vec());
            let mut changed = whole.clone();
            changed[at] ^= 0x81;
            [cut, (format!("Spoilt{at}.class"), changed)]
        })
        .collect();
    let good: Vec<_> = spoilt
        .iter()
        .map(|(name, _)| (name.clone(), whole.clone()))
        .collect();
    let (good, spoilt) = (class_jar(&good), class_jar(&spoilt));
    round_trip(&good, &spoilt);
    round_trip(&spoilt, &good);
}

#[test]
fn a_signed_jar_still_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(
        path("old.jar"),
        class_jar(&classes(folder.path(), "11", "")),
    )
    .unwrap();
    fs::write(
        path("new.jar"),
        class_jar(&classes(folder.path(), "11", CHANGE)),
    )
    .unwrap();
    let store = ["-keystore", "keys", "-storepass", "secret"];
    let generate = [
        "-genkeypair",
        "-alias",
        "me",
        "-keyalg",
        "EC",
        "-dname",
        "CN=me",
    ];
    run(folder.path(), "keytool", &[&generate[..], &store].concat());
    for jar in ["old.jar", "new.jar"] {
        run(
            folder.path(),
            "jarsigner",
            &[&store[..], &[jar, "me"]].concat(),
        );
    }
    let [old, new] = read(folder.path(), ["old.jar", "new.jar"]);
    let patch = round_trip(&old, &new);
    let mut rebuilt = Vec::new();
    apply(&old, &patch, &ApplyLimits::default(), &mut rebuilt).unwrap();
    fs::write(path("rebuilt.jar"), rebuilt).unwrap();
    let said = run(folder.path(), "jarsigner", &["-verify", "rebuilt.jar"]);
    assert!(said.contains("jar verified"), "{said}");
}

#[test]
fn files_that_are_not_modelled_take_the_format_zstd() {
    let jar = tiny_jar("1.0.0");
    not_modelled(&jar, b"no JAR at all");
    not_modelled(&jar, &[&jar[..], b"junk"].concat());
    not_modelled(&jar, &jar[..jar.len() - 30]);
    not_modelled(&jar, b"");
    // Two entries on one local header.
    let mut entries = tiny_entries("1.0.0");
    entries[1].offset = Some(0);
    not_modelled(&jar, &Archive::new(entries).to_bytes());
}

#[test]
fn any_old_file_will_do() {
    let (_, new) = jar_pair(3, 50_000);
    for old in [&b"no JAR at all"[..], &tiny_jar("1.0.0"), &[0; 5_000]] {
        round_trip(old, &new);
    }
    let empty = Archive::default().to_bytes();
    all_ways(&tiny_jar("1.0.0"), &empty);
    all_ways(&empty, &tiny_jar("1.0.0"));
}

#[test]
fn the_best_patch_is_never_larger_than_the_format_zstd() {
    let stored = |seed| tiny_with(vec![Entry::stored("a", &some_text(seed))]).to_bytes();
    for (old, new) in [
        jar_pair(4, 20_000),
        (stored(1), stored(2)),
        (vec![1; 99], vec![1; 100]),
    ] {
        let zstd = create(Format::Zstd, &old, &new, LEVEL).unwrap();
        assert!(create_best(&old, &new, LEVEL).unwrap().1.len() <= zstd.len());
    }
}

#[test]
fn a_patch_for_another_base_is_refused() {
    let (old, new) = jar_pair(1, 60_000);
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    let error = verify(&new, &patch, &new).unwrap_err();
    assert!(matches!(error, Error::BaseMismatch { .. }), "{error}");
}

#[test]
fn limits_are_checked_before_anything_is_spent() {
    let (old, new) = jar_pair(1, 60_000);
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    let refused =
        |limits: ApplyLimits| apply(&old, &patch, &limits, &mut std::io::sink()).unwrap_err();
    let error = refused(ApplyLimits {
        max_output_bytes: 1_000,
        ..ApplyLimits::default()
    });
    assert!(matches!(error, Error::OutputTooLarge { .. }), "{error}");
    let error = refused(ApplyLimits {
        max_memory_bytes: 1 << 20,
        ..ApplyLimits::default()
    });
    assert!(matches!(error, Error::MemoryTooLarge { .. }), "{error}");
}

/// The pair that the golden patch was made from. Written out here, for it must never change.
fn golden_pair() -> (Vec<u8>, Vec<u8>) {
    let jar = |change: &str| {
        let nested = Archive::new(vec![Entry::deflated(
            "deep",
            &some_text(change.len() as u32),
        )])
        .to_bytes();
        let text = String::from_utf8(some_text(3))
            .unwrap()
            .replacen("says", change, 1);
        let mut streamed = Entry::streamed("streamed", text.as_bytes());
        streamed.flags |= DESCRIPTOR_FLAG;
        Archive::new(vec![
            Entry::stored("same", b"the same in both"),
            Entry::deflated("text", text.as_bytes()),
            streamed,
            Entry::deflated(
                format!("new-{change}"),
                &some_text(change.len() as u32 + 100),
            ),
            Entry::deflated("lib-1.jar", &nested),
            Entry::deflated("A.class", &tiny_class(change)),
        ])
        .to_bytes()
    };
    (jar("says"), jar("tells"))
}

/// A class of a few constants, without members.
fn tiny_class(name: &str) -> Vec<u8> {
    let mut class = vec![0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 52, 0, 5];
    for text in [name, "java/lang/Object"] {
        class.push(1);
        class.extend_from_slice(&(text.len() as u16).to_be_bytes());
        class.extend_from_slice(text.as_bytes());
    }
    class.extend_from_slice(&[
        7, 0, 1, 7, 0, 2, 0, 0x21, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    class
}

#[test]
fn the_golden_patch_still_applies() {
    let (old, new) = golden_pair();
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
    let (old, new) = golden_pair();
    let patch = create(Format::Jar, &old, &new, LEVEL).unwrap();
    for length in 0..patch.len() {
        assert!(verify(&old, &patch[..length], &new).is_err(), "{length}");
    }
    assert!(verify(&old, &[&patch[..], b"x"].concat(), &new).is_err());
}

#[test]
fn one_flipped_bit_fails_or_does_not_matter() {
    let (old, new) = golden_pair();
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
            0 => golden_pair(),
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
        let mut new = tiny_with(vec![Entry::streamed("app/text", &some_text(3))]).to_bytes();
        for (place, value) in changes {
            let place = place.index(new.len());
            new[place] = value;
        }
        if let Some(cut) = cut {
            new.truncate(cut.index(new.len()));
        }
        for (old, new) in [(&old, &new), (&new, &old)] {
            match create(Format::Jar, old, new, LEVEL) {
                Ok(patch) => verify(old, &patch, new).unwrap(),
                Err(error) => prop_assert!(matches!(error, Error::NotModelled { .. }), "{}", error),
            }
        }
    }
}
