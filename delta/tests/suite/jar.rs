//! Which JARs are let in, and what is said of them.

use std::fs;
use std::io::Write;

use delta::jar::{JarError, JarErrorKind, JarLimits, JarSummary, inspect, inspect_bytes};
use fixtures::archive::{Archive, Entry};
use fixtures::broken::{self, with_entry};
use fixtures::jars::{jar_pair, tiny_entries, tiny_jar};

fn accepted(jar: &[u8]) -> JarSummary {
    inspect_bytes(jar, &JarLimits::default()).unwrap()
}

fn refused(jar: &[u8]) -> JarError {
    inspect_bytes(jar, &JarLimits::default()).unwrap_err()
}

fn warned(jar: &[u8], about: &str) {
    let warnings = accepted(jar).warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains(about)),
        "{warnings:?}"
    );
}

#[test]
fn a_good_jar_is_summed_up() {
    let summary = accepted(&tiny_jar("1.2.3"));
    assert_eq!(summary.entries, 6);
    assert_eq!(summary.main_class(), Some("app.Main"));
    assert_eq!(summary.implementation_version(), Some("1.2.3"));
    assert_eq!(summary.class_file_release, Some(55));
    assert_eq!(summary.java_release(), Some(11));
    assert!(!summary.signed() && !summary.has_prefix());
    assert_eq!(summary.warnings, Vec::<String>::new());
}

#[test]
fn a_file_is_read_as_its_bytes_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jar");
    let (jar, _) = jar_pair(1, 500_000);
    fs::write(&path, &jar).unwrap();
    assert_eq!(
        inspect(&path, &JarLimits::default()).unwrap(),
        accepted(&jar)
    );
}

#[test]
fn every_broken_jar_is_refused_for_its_own_fault() {
    let says = |jar: &[u8], what: &str| {
        let error = refused(jar);
        assert!(error.to_string().contains(what), "wanted {what:?}: {error}");
        assert_eq!(error.kind(), JarErrorKind::Invalid, "{error}");
    };
    says(b"", "no ZIP archive");
    says(b"#!/bin/sh\n", "no ZIP archive");
    says(&broken::truncated(), "no ZIP archive");
    says(&broken::no_manifest(), "META-INF/MANIFEST.MF");
    says(&broken::duplicate(), "\"app/Main.class\" is there twice");
    says(&broken::bad_crc(), "\"data.txt\" is damaged: its CRC-32");
    says(&broken::encrypted(), "\"secret.txt\" is encrypted");
    says(&broken::unknown_method(), "method 12");
    says(&broken::overlap(), "overlap");
    says(&broken::junk_at_the_end(), "4 bytes follow");
    says(&broken::local_name_differs(), "differ in the name");
    says(&broken::local_size_differs(), "differ in the unpacked size");
    says(
        &broken::descriptor_differs(),
        "differ in the data descriptor",
    );
    says(
        &broken::directory_size_differs(),
        "another size than it says",
    );
    says(&broken::wrong_size(), "more than its stated size");
    says(&broken::damaged_data(), "\"data.txt\" is damaged");
}

#[test]
fn names_that_leave_their_folder_are_refused() {
    for name in ["../x", "/x", "C:\\x", "a\\..\\b", "", "a\0b"] {
        let error = refused(&with_entry(Entry::stored(name, b"x")));
        assert!(
            matches!(error, JarError::UnsafeName { .. }),
            "{name:?}: {error}"
        );
        assert_eq!(error.kind(), JarErrorKind::UnsafeEntry);
    }
    let error = refused(&with_entry(Entry::stored("a".repeat(65_535), b"x")));
    assert_eq!(error.kind(), JarErrorKind::UnsafeEntry);
    assert!(error.to_string().len() < 500, "{error}");
}

#[test]
fn a_bomb_is_refused_by_what_it_states() {
    let error = refused(&broken::bomb());
    assert!(matches!(error, JarError::RatioTooHigh { .. }), "{error}");
    assert_eq!(error.kind(), JarErrorKind::TooLargeUnpacked);

    let limits = JarLimits {
        max_unpacked_bytes: 10,
        ..JarLimits::default()
    };
    let error = inspect_bytes(&tiny_jar("1.0.0"), &limits).unwrap_err();
    assert!(matches!(error, JarError::TooLarge { limit: 10 }), "{error}");
}

#[test]
fn a_bomb_that_lies_about_its_size_ends_at_the_size_it_states() {
    let mut entry = Entry::deflated("zeros", &vec![0; 8 << 20]);
    entry.unpacked_size = 1_000;
    let error = refused(&with_entry(entry));
    assert!(
        error.to_string().contains("more than its stated size"),
        "{error}"
    );
}

#[test]
fn a_small_file_of_blanks_is_no_bomb() {
    accepted(&with_entry(Entry::deflated(
        "blanks",
        &vec![b' '; 900 << 10],
    )));
}

#[test]
fn too_many_entries_are_refused_before_they_are_read() {
    let limits = JarLimits {
        max_entries: 5,
        ..JarLimits::default()
    };
    let error = inspect_bytes(&tiny_jar("1.0.0"), &limits).unwrap_err();
    assert!(
        matches!(error, JarError::TooManyEntries { limit: 5 }),
        "{error}"
    );
}

#[test]
fn absurd_zip64_sizes_are_refused() {
    let mut entry = Entry::stored("data.txt", b"x");
    entry.unpacked_size = u32::MAX - 1;
    assert!(matches!(
        refused(&with_entry(entry)),
        JarError::TooLarge { .. } | JarError::RatioTooHigh { .. }
    ));
    let mut entry = Entry::stored("data.txt", b"x");
    entry.offset = Some(u32::MAX - 1);
    let error = refused(&with_entry(entry));
    assert_eq!(error.kind(), JarErrorKind::Invalid, "{error}");
}

/// More entries than the small end record can count.
#[test]
fn a_zip64_jar_is_read() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file("META-INF/MANIFEST.MF", options).unwrap();
    writer.write_all(b"Manifest-Version: 1.0\n").unwrap();
    for number in 0..66_000 {
        writer.start_file(format!("{number}"), options).unwrap();
    }
    let jar = writer.finish().unwrap().into_inner();
    assert_eq!(accepted(&jar).entries, 66_001);

    // The directory's size in the large end record, which the JVM goes by.
    let mut damaged = jar;
    let size_at = damaged.len() - 22 - 20 - 56 + 40;
    damaged[size_at] ^= 1;
    let error = refused(&damaged);
    assert!(error.to_string().contains("another size"), "{error}");
}

#[test]
fn a_script_before_the_archive_is_allowed_and_noted() {
    let mut archive = Archive::new(tiny_entries("1.0.0"));
    archive.prefix = b"#!/bin/sh\nexec java -jar \"$0\"\n".to_vec();
    let adjusted = archive.to_bytes();
    // As `cat script app.jar` leaves it: no offset knows of the script.
    let unadjusted = [&archive.prefix[..], &tiny_jar("1.0.0")].concat();
    for jar in [adjusted, unadjusted] {
        let summary = accepted(&jar);
        assert_eq!(summary.prefix_bytes, archive.prefix.len() as u64);
        warned(&jar, "precede the archive");
    }
}

#[test]
fn a_comment_of_any_length_is_allowed() {
    let mut archive = Archive::new(tiny_entries("1.0.0"));
    archive.comment = vec![b'c'; 65_535];
    accepted(&archive.to_bytes());
}

#[test]
fn a_streamed_jar_is_allowed() {
    accepted(&with_entry(Entry::streamed("data.txt", b"some content")));
}

#[test]
fn odd_jars_are_allowed_with_a_warning() {
    warned(
        &with_entry(Entry::stored("APP/MAIN.class", b"x")),
        "differ only by case",
    );
    warned(&with_entry(Entry::stored("a//b", b"x")), "segment");
    warned(
        &with_entry(Entry::stored("re\u{301}sume\u{301}", b"x")),
        "decomposed",
    );
    warned(
        &with_entry(Entry::stored("META-INF/versions/17/app/Main.class", b"x")),
        "Multi-Release",
    );
    let mut entry = Entry::deflated("data.txt", b"some content");
    entry.packed.extend_from_slice(b"hidden");
    warned(&with_entry(entry), "no reader sees");
    let mut entries = tiny_entries("1.0.0");
    entries.rotate_left(2);
    warned(&Archive::new(entries).to_bytes(), "not the first entry");
    for (manifest, about) in [
        ("Main-Class: app.Gone", "\"app.Gone\" is not in the JAR"),
        (
            "Class-Path: lib/a.jar http://example.org/b.jar",
            "leaves the application",
        ),
        ("Launcher-Agent-Class: a.B", "Launcher-Agent-Class"),
        ("Multi-Release: true", "no classes"),
        ("", "no Main-Class"),
    ] {
        let manifest = format!("Manifest-Version: 1.0\n{manifest}\n");
        let entry = Entry::stored("META-INF/MANIFEST.MF", manifest.as_bytes());
        warned(&Archive::new(vec![entry]).to_bytes(), about);
    }
}

#[test]
fn a_manifest_that_no_jvm_reads_is_refused() {
    let entry = Entry::stored("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\nnonsense\n");
    let error = refused(&Archive::new(vec![entry]).to_bytes());
    assert!(
        error.to_string().contains("META-INF/MANIFEST.MF: line 2"),
        "{error}"
    );
}

#[test]
fn a_signature_is_noted() {
    let summary = accepted(&with_entry(Entry::stored("META-INF/ALIAS.SF", b"x")));
    assert_eq!(summary.signature_files, ["META-INF/ALIAS.SF"]);
}

#[test]
fn newer_classes_for_newer_jvms_do_not_raise_the_release() {
    let class = |major: u8| vec![0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, major];
    let summary = accepted(&with_entry(Entry::stored(
        "META-INF/versions/21/A.class",
        &class(65),
    )));
    assert_eq!(summary.java_release(), Some(11));
    let summary = accepted(&with_entry(Entry::stored("module-info.class", &class(65))));
    assert_eq!(summary.java_release(), Some(11));
    let summary = accepted(&with_entry(Entry::stored("A.class", &class(65))));
    assert_eq!(summary.java_release(), Some(21));
}

#[test]
fn mavens_notes_are_found() {
    let note = b"version=4.5.6\nartifactId=app\n";
    let entry = Entry::stored("META-INF/maven/org.example/app/pom.properties", note);
    assert_eq!(
        accepted(&with_entry(entry)).pom_properties[0].version,
        "4.5.6"
    );
}
