//! Packed JARs run, are accepted by the usual tools, and do not depend on where they were made.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use delta::checksum::sha256;
use delta::jar::{JarLimits, VersionSource};
use delta::package::{
    PackageError, PackageOptions, Packaged, detect_version, normalize_jar, package_directory,
    package_jar,
};
use fixtures::archive::{Archive, Entry};
use fixtures::java::{Demo, MAIN_CLASS, compile};
use fixtures::{broken, jars};

use super::tool::run;

fn options() -> PackageOptions {
    PackageOptions {
        main_class: Some("app.Main".to_owned()),
        version: Some("2.1.0".to_owned()),
        ..PackageOptions::default()
    }
}

/// Writes the files in the given order.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join("classes").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn pack(folder: &tempfile::TempDir, options: &PackageOptions) -> Result<Packaged, PackageError> {
    let out = folder.path().join("out.jar");
    package_directory(&folder.path().join("classes"), &out, options)
}

const FILES: [(&str, &[u8]); 7] = [
    (
        "app/Main.class",
        b"\xCA\xFE\xBA\xBE\0\0\0\x37 and so on and so on and so on",
    ),
    (
        "app/a.txt",
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    (
        "app.txt",
        b"between a folder and its content, by the bytes of the names",
    ),
    ("META-INF/services/x.Y", b"app.Y"),
    (
        "lib/inner.jar",
        b"not really a JAR, but stored all the same, same, same, same",
    ),
    ("empty", b""),
    ("Zoë.txt", b"a name outside ASCII"),
];

#[test]
fn java_runs_a_packed_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (demo, help) in [(Demo::V1, false), (Demo::V2, true)] {
        let classes = folder.path().join(demo.version());
        compile(demo, &classes);
        let options = PackageOptions {
            main_class: Some(MAIN_CLASS.to_owned()),
            version: Some(demo.version().to_owned()),
            ..PackageOptions::default()
        };
        let jar = folder.path().join("demo.jar");
        let packaged = package_directory(&classes, &jar, &options).unwrap();
        assert_eq!(packaged.summary.warnings, Vec::<String>::new());
        let said = run(folder.path(), "java", &["-jar", "demo.jar", "--version"]);
        assert_eq!(said.trim(), demo.version());
        let said = run(folder.path(), "java", &["-jar", "demo.jar", "--help"]);
        assert_eq!(said.contains("search"), help, "{said}");
    }
}

#[test]
fn the_usual_tools_accept_a_packed_folder() {
    let folder = folder(&FILES);
    pack(&folder, &options()).unwrap();
    run(folder.path(), "unzip", &["-t", "out.jar"]);
    let listed = run(folder.path(), "jar", &["tf", "out.jar"]);
    let expected = [
        "META-INF/",
        "META-INF/MANIFEST.MF",
        "META-INF/services/",
        "META-INF/services/x.Y",
        "Zoë.txt",
        "app.txt",
        "app/",
        "app/Main.class",
        "app/a.txt",
        "empty",
        "lib/",
        "lib/inner.jar",
    ];
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn headers_hold_nothing_of_the_machine() {
    let folder = folder(&FILES);
    pack(&folder, &options()).unwrap();
    let listed = run(folder.path(), "unzip", &["-Z", "-l", "out.jar"]);
    let entries: Vec<&str> = listed
        .lines()
        .filter(|line| line.contains("80-Jan-01 12:01"))
        .collect();
    assert_eq!(entries.len(), 12, "{listed}");
    for entry in entries {
        // No attributes (this is how zipinfo shows 0), made on "fat".
        assert!(entry.starts_with("-rw----"), "{entry}");
        assert!(entry.contains(" fat "), "{entry}");
        let stored = entry.ends_with('/') || entry.ends_with(".jar") || entry.ends_with("empty");
        assert_eq!(entry.contains(" stor "), stored, "{entry}");
    }
    let bytes = fs::read(folder.path().join("out.jar")).unwrap();
    assert_eq!(
        bytes[28..30],
        4_u16.to_le_bytes(),
        "the first entry's extra field"
    );
    assert_eq!(bytes[39..43], [0xFE, 0xCA, 0, 0], "the mark of a JAR");
    let flags = u16::from_le_bytes([bytes[6], bytes[7]]);
    assert_eq!(flags, 0, "no data descriptor");
}

#[test]
fn other_times_orders_modes_and_places_give_the_same_bytes() {
    let one = folder(&FILES);
    let mut reversed = FILES;
    reversed.reverse();
    let other = folder(&reversed);
    for (name, _) in FILES {
        let file = File::options()
            .write(true)
            .open(other.path().join("classes").join(name))
            .unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
            .unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(0o755))
                .unwrap();
        }
    }
    let one = pack(&one, &options()).unwrap();
    let other = pack(&other, &options()).unwrap();
    assert_eq!(one.sha256, other.sha256);
}

#[test]
fn packing_again_into_the_same_folder_gives_the_same_bytes() {
    let folder = folder(&FILES);
    let classes = folder.path().join("classes");
    let out = classes.join("app.jar");
    let first = package_directory(&classes, &out, &options()).unwrap();
    // As a killed run leaves it.
    fs::write(classes.join(".new-a1B2c3.part"), "half").unwrap();
    let second = package_directory(&classes, &out, &options()).unwrap();
    assert_eq!(first, second);
}

/// Another zlib, or another version of it, would change the bytes of every JAR and so every
/// delta; this notices when a dependency brings one in.
#[test]
fn the_bytes_are_those_of_the_pinned_deflate_library() {
    let mut text = String::new();
    for number in 0..20_000_u32 {
        text.push_str(&format!(
            "line {} of it\n",
            number.wrapping_mul(2_654_435_761) >> 12
        ));
    }
    let folder = folder(&[("text", text.as_bytes())]);
    let options = PackageOptions {
        epoch_seconds: Some(318_211_200),
        ..options()
    };
    let packaged = pack(&folder, &options).unwrap();
    assert_eq!(
        hex(&packaged.sha256),
        "b693d196f4247a728e8a193936c3e4ba2c52e1e84149ceda25baa1d990fc0ce0"
    );
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_time_and_the_level_are_the_callers() {
    let folder = folder(&FILES);
    let options = PackageOptions {
        epoch_seconds: Some(1_700_000_000),
        level: 0,
        ..options()
    };
    pack(&folder, &options).unwrap();
    let listed = run(folder.path(), "unzip", &["-Z", "-l", "out.jar"]);
    assert_eq!(listed.matches("23-Nov-14 22:13").count(), 12, "{listed}");
    assert_eq!(listed.matches(" stor ").count(), 12, "{listed}");
}

fn manifest_of(folder: &Path) -> String {
    run(folder, "unzip", &["-p", "out.jar", "META-INF/MANIFEST.MF"])
}

#[test]
fn the_manifest_is_made_of_the_options() {
    let folder = folder(&FILES);
    let options = PackageOptions {
        attributes: vec![("Add-Opens".to_owned(), "java.base/java.lang".to_owned())],
        ..options()
    };
    pack(&folder, &options).unwrap();
    assert_eq!(
        manifest_of(folder.path()),
        "Manifest-Version: 1.0\r\nCreated-By: relctl\r\nImplementation-Version: 2.1.0\r\n\
         Main-Class: app.Main\r\nAdd-Opens: java.base/java.lang\r\n\r\n"
    );
}

#[test]
fn a_manifest_in_the_folder_is_kept_and_completed() {
    let own =
        b"Manifest-Version: 1.0\nmain-class: old.Main\nX-Kept: yes\n\nName: app/\nSealed: true\n";
    let folder = folder(&[("META-INF/MANIFEST.MF", own)]);
    pack(&folder, &options()).unwrap();
    assert_eq!(
        manifest_of(folder.path()),
        "Manifest-Version: 1.0\r\nmain-class: app.Main\r\nX-Kept: yes\r\nCreated-By: relctl\r\n\
         Implementation-Version: 2.1.0\r\n\r\nName: app/\nSealed: true\n"
    );
}

#[test]
fn an_attribute_that_would_break_the_manifest_is_refused() {
    let folder = folder(&FILES);
    for (name, value) in [
        ("A", "1\r\nB: 2"),
        ("Name", "x"),
        ("a b", "x"),
        ("", "x"),
        ("A:", "x"),
    ] {
        let options = PackageOptions {
            attributes: vec![(name.to_owned(), value.to_owned())],
            ..options()
        };
        let error = pack(&folder, &options).unwrap_err();
        assert!(matches!(error, PackageError::Attribute { .. }), "{error}");
        assert!(!folder.path().join("out.jar").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_refused_by_name() {
    let folder = folder(&FILES);
    let link = folder.path().join("classes/app/link");
    std::os::unix::fs::symlink("a.txt", &link).unwrap();
    let error = pack(&folder, &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is a symbolic link; put the file itself there",
            link.display()
        )
    );
}

#[cfg(unix)]
#[test]
fn a_name_that_no_other_system_could_unpack_is_refused_and_nothing_is_left() {
    let folder = folder(&[("app/back\\slash", b"x")]);
    let error = pack(&folder, &options()).unwrap_err();
    assert!(matches!(error, PackageError::Jar(_)), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = pack(&folder, &options()).unwrap_err();
    assert!(error.to_string().contains("classes"), "{error}");
}

#[test]
fn an_existing_jar_is_copied_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (jar, out) = (folder.path().join("app.jar"), folder.path().join("out.jar"));
    fs::write(&jar, jars::tiny_jar("1.0.0")).unwrap();
    let packaged = package_jar(&jar, &out, &JarLimits::default()).unwrap();
    assert_eq!(fs::read(&out).unwrap(), jars::tiny_jar("1.0.0"));
    assert_eq!(packaged.sha256, sha256(&jars::tiny_jar("1.0.0")));
    assert_eq!(packaged.size_bytes, jars::tiny_jar("1.0.0").len() as u64);
    assert_eq!(packaged.summary.entries, 6);
}

#[test]
fn a_broken_jar_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (jar, out) = (folder.path().join("app.jar"), folder.path().join("out.jar"));
    fs::write(&jar, broken::bad_crc()).unwrap();
    package_jar(&jar, &out, &JarLimits::default()).unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Enough for several pieces, packed side by side, with a file among them that is packed as it is read.
fn many_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fixtures::random::Random::new(1);
    for number in 0..40 {
        let length = if number == 20 { 17 << 20 } else { 200_000 };
        let mut content = random.bytes(length / 2);
        content.extend_from_within(..);
        let path = folder.path().join(format!("classes/{}", number % 7));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(format!("{number}.bin")), content).unwrap();
    }
    folder
}

#[test]
fn what_is_packed_side_by_side_is_a_jar_like_any_other() {
    let folder = many_files();
    let packaged = pack(&folder, &options()).unwrap();
    assert_eq!(packaged.summary.entries, 2 + 7 + 40);
    run(folder.path(), "unzip", &["-tq", "out.jar"]);
    run(folder.path(), "unzip", &["-q", "out.jar", "-d", "unpacked"]);
    run(folder.path(), "rm", &["-r", "unpacked/META-INF"]);
    run(folder.path(), "diff", &["-r", "classes", "unpacked"]);
    let listed = run(folder.path(), "unzip", &["-Z", "-l", "out.jar"]);
    assert_eq!(listed.matches("80-Jan-01 12:01").count(), 49, "{listed}");
    assert_eq!(listed.matches(" fat ").count(), 49, "{listed}");
}

#[test]
fn names_are_in_the_order_of_their_bytes_behind_the_manifest() {
    let folder = folder(&[
        ("BOOT-INF/lib/a.jar", b"x"),
        ("META-INF/x", b"x"),
        ("LICENSE", b"x"),
    ]);
    pack(&folder, &options()).unwrap();
    let listed = run(folder.path(), "jar", &["tf", "out.jar"]);
    let expected = "META-INF/ META-INF/MANIFEST.MF BOOT-INF/ BOOT-INF/lib/ BOOT-INF/lib/a.jar \
                    LICENSE META-INF/x";
    assert_eq!(
        listed.split_whitespace().collect::<Vec<_>>().join(" "),
        expected
    );
}

#[test]
fn a_jar_that_is_packed_anew_is_the_one_that_its_folder_would_be() {
    let one = folder(&FILES);
    let packed = pack(&one, &options()).unwrap();
    // Other tool, other order, no folders, and a manifest that tells of its build.
    let other = tempfile::tempdir().unwrap();
    let manifest = "Manifest-Version: 1.0\nBuilt-By: jane\nBnd-LastModified: 1700000000000\n";
    fs::write(other.path().join("m"), manifest).unwrap();
    let classes = one.path().join("classes");
    let classes = classes.to_str().unwrap();
    let files = ["jar", "cfm", "theirs.jar", "m", "-C", classes, "."];
    run(other.path(), files[0], &files[1..]);
    let (jar, out) = (
        other.path().join("theirs.jar"),
        other.path().join("out.jar"),
    );
    let normalized = normalize_jar(&jar, &out, &options()).unwrap();
    assert_eq!(normalized.sha256, packed.sha256);
}

#[test]
fn what_is_signed_or_begins_with_a_script_is_not_packed_anew() {
    let folder = folder(&[("META-INF/RELEASE.SF", b"Signature-Version: 1.0\r\n\r\n")]);
    let error = pack(&folder, &options()).unwrap_err();
    assert!(error.to_string().contains("META-INF/RELEASE.SF"), "{error}");
    let (jar, out) = (folder.path().join("app.jar"), folder.path().join("out.jar"));
    let mut archive = Archive::new(jars::tiny_entries("1.0.0"));
    archive.entries.push(Entry::stored(
        "meta-inf/x.sf",
        b"Signature-Version: 1.0\r\n\r\n",
    ));
    fs::write(&jar, archive.to_bytes()).unwrap();
    let error = normalize_jar(&jar, &out, &options()).unwrap_err();
    assert!(matches!(error, PackageError::Signed(_)), "{error}");
    let mut archive = Archive::new(jars::tiny_entries("1.0.0"));
    archive.prefix = b"#!/bin/sh\n".to_vec();
    fs::write(&jar, archive.to_bytes()).unwrap();
    let error = normalize_jar(&jar, &out, &options()).unwrap_err();
    assert!(matches!(error, PackageError::Prefix(_)), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_manifest_from_elsewhere_takes_the_place_of_the_folders_own() {
    let folder = folder(&[("META-INF/MANIFEST.MF", b"X-Own: yes\n")]);
    let manifest = folder.path().join("other.mf");
    fs::write(
        &manifest,
        "X-Other: yes\nMain-Class: other.Main\nBuilt-By: jane\n",
    )
    .unwrap();
    let options = PackageOptions {
        manifest: Some(manifest),
        ..options()
    };
    pack(&folder, &options).unwrap();
    assert_eq!(
        manifest_of(folder.path()),
        "Manifest-Version: 1.0\r\nX-Other: yes\r\nMain-Class: app.Main\r\nCreated-By: relctl\r\n\
         Implementation-Version: 2.1.0\r\n\r\n"
    );
}

#[test]
fn a_class_for_a_later_java_is_refused_by_name() {
    // Version 55 is Java 11.
    let folder = folder(&FILES);
    let limited = |max_java| PackageOptions {
        limits: JarLimits {
            max_java: Some(max_java),
            ..JarLimits::default()
        },
        ..options()
    };
    pack(&folder, &limited(11)).unwrap();
    let error = pack(&folder, &limited(8)).unwrap_err().to_string();
    assert!(
        error.contains("\"app/Main.class\" needs Java 11"),
        "{error}"
    );
    assert!(error.contains("--release 8"), "{error}");
}

#[test]
fn the_version_of_a_folder_is_what_it_says_of_itself() {
    let found = |files: &[(&str, &[u8])], options: &PackageOptions| {
        let folder = folder(files);
        let found = detect_version(&folder.path().join("classes"), options);
        found.map(|found| (found.version, found.source))
    };
    let manifest: (&str, &[u8]) = ("META-INF/MANIFEST.MF", b"Implementation-Version: 3.0.0\n");
    let maven: (&str, &[u8]) = (
        "META-INF/maven/g/a/pom.properties",
        b"artifactId=a\nversion=4.0.0\n",
    );
    let none = PackageOptions::default();
    let both = found(&[manifest, maven], &none).unwrap();
    assert_eq!(
        both,
        ("3.0.0".to_owned(), VersionSource::ImplementationVersion)
    );
    let only = found(&[maven], &none).unwrap();
    assert_eq!(only, ("4.0.0".to_owned(), VersionSource::PomProperties));
    let given = PackageOptions {
        attributes: vec![("Bundle-Version".to_owned(), "5.0.0".to_owned())],
        ..PackageOptions::default()
    };
    let given = found(&[maven], &given).unwrap();
    assert_eq!(given, ("5.0.0".to_owned(), VersionSource::BundleVersion));
    let error = found(&[("x", b"y")], &none).unwrap_err();
    assert!(error.to_string().contains("--version"), "{error}");
}
