//! JARs inside of JARs.

use delta::{Format, Options, create};
use fixtures::archive::{Archive, Entry};
use fixtures::golden::text;

use super::super::compiled::{Files, java_pair};
use super::{all_ways, round_trip, tiny_with};

#[test]
fn jars_inside_come_back_stored_and_deflated() {
    let nested = |seed, levels: usize, pack: fn(&str, &[u8]) -> Entry| {
        let mut jar = tiny_with(vec![Entry::deflated("deep/text", &text(seed))]).to_bytes();
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

/// An executable JAR as Spring Boot's build plugin makes it: launcher classes and a start script in front, the
/// application's classes in a folder of their own, libraries stored.
#[test]
fn a_spring_boot_application_comes_back_small() {
    let application = |version: &str, classes: &Files| {
        let library = |number: u32| {
            let texts = (0..20)
                .map(|n| Entry::deflated(format!("lib/{n}.properties"), &text(number * 100 + n)));
            Archive::new(texts.collect()).to_bytes()
        };
        let changed = u32::from(version != "1.0.0");
        let folders = [
            "META-INF/",
            "org/",
            "BOOT-INF/",
            "BOOT-INF/classes/",
            "BOOT-INF/lib/",
        ];
        let mut entries: Vec<Entry> = folders.map(|name| Entry::stored(name, b"")).into();
        let manifest = format!(
            "Manifest-Version: 1.0\r\nMain-Class: org.springframework.boot.loader.JarLauncher\r\n\
             Start-Class: app.Main\r\nSpring-Boot-Lib: BOOT-INF/lib/\r\nImplementation-Version: {version}\r\n\r\n"
        );
        entries.push(Entry::deflated("META-INF/MANIFEST.MF", manifest.as_bytes()));
        entries.push(Entry::deflated(
            "org/springframework/boot/loader/JarLauncher.class",
            &text(50),
        ));
        for (name, content) in classes {
            entries.push(Entry::deflated(format!("BOOT-INF/classes/{name}"), content));
        }
        // One library is as it was, one has another version and name, one is new.
        entries.push(Entry::stored("BOOT-INF/lib/same-2.1.jar", &library(1)));
        let updated = format!("BOOT-INF/lib/updated-{version}.jar");
        entries.push(Entry::stored(updated, &library(2 + changed)));
        if changed == 1 {
            entries.push(Entry::stored("BOOT-INF/lib/added-1.0.jar", &library(2)));
        }
        entries.push(Entry::stored(
            "BOOT-INF/classpath.idx",
            format!("- \"BOOT-INF/lib/updated-{version}.jar\"\n").as_bytes(),
        ));
        let mut archive = Archive::new(entries);
        archive.prefix =
            format!("#!/bin/bash\n# version {version}\nexec java -jar \"$0\" \"$@\"\nexit 0\n")
                .into();
        archive.to_bytes()
    };
    let [old_classes, new_classes] = java_pair("17");
    let (old, new) = (
        application("1.0.0", &old_classes),
        application("1.1.0", &new_classes),
    );
    all_ways(&old, &new);
    // A script that was put in front afterwards: no offset knows of it.
    let prefixed = [b"#!/bin/sh\n", &new[..]].concat();
    all_ways(&new, &prefixed);
    let patch = round_trip(&old, &new);
    let zstd = create(Format::Zstd, &old, &new, Options { level: Some(19) }).unwrap();
    assert!(
        patch.len() * 2 < zstd.len(),
        "{} {}",
        patch.len(),
        zstd.len()
    );
}
