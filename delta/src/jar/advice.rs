//! Warnings: what is odd about a JAR that works all the same.

use std::collections::HashMap;

use super::directory::Entry;
use super::error::shown;
use super::{JarSummary, name};

/// Of each kind of warning only the first entries are named.
const MAX_NAMED: usize = 5;

/// What the publisher should know. `entries` are in the order of the file.
pub(super) fn warnings(
    summary: &JarSummary,
    entries: &[Entry],
    with_unused_bytes: &[String],
) -> Vec<String> {
    let mut warnings = Vec::new();
    if summary.has_prefix() {
        warnings.push(format!(
            "{} bytes precede the archive, as in an executable JAR; they are kept as they are",
            summary.prefix_bytes
        ));
    }
    if !manifest_comes_first(entries) {
        warnings.push(
            "META-INF/MANIFEST.MF is not the first entry, so JarInputStream does not find it"
                .to_owned(),
        );
    }
    main_class(summary, entries, &mut warnings);
    class_path(summary, &mut warnings);
    multi_release(summary, entries, &mut warnings);
    if summary.manifest.get("Launcher-Agent-Class").is_some() {
        warnings.push("the manifest has a Launcher-Agent-Class, which runs before main".to_owned());
    }
    same_but_for_case(entries, &mut warnings);
    let odd = |entry: &Entry| {
        name::why_odd(&entry.name).map(|why| format!("{:?} {why}", shown(entry.name.as_bytes())))
    };
    several(entries.iter().filter_map(odd), "entry", &mut warnings);
    let unused = with_unused_bytes
        .iter()
        .map(|name| format!("{:?}", shown(name.as_bytes())));
    several(
        unused,
        "bytes that no reader sees follow the data of",
        &mut warnings,
    );
    warnings
}

fn manifest_comes_first(entries: &[Entry]) -> bool {
    entries
        .iter()
        .find(|entry| !entry.name.eq_ignore_ascii_case("META-INF/"))
        .is_some_and(|entry| entry.name.eq_ignore_ascii_case("META-INF/MANIFEST.MF"))
}

fn main_class(summary: &JarSummary, entries: &[Entry], warnings: &mut Vec<String>) {
    let Some(main_class) = summary.main_class() else {
        warnings.push("the manifest has no Main-Class, so `java -jar` cannot start it".to_owned());
        return;
    };
    let path = format!("{}.class", main_class.trim().replace('.', "/"));
    if !entries.iter().any(|entry| entry.name == path) {
        warnings.push(format!(
            "the manifest's Main-Class {:?} is not in the JAR",
            shown(main_class.as_bytes())
        ));
    }
}

fn class_path(summary: &JarSummary, warnings: &mut Vec<String>) {
    let class_path = summary.manifest.get("Class-Path").unwrap_or_default();
    let outside = class_path
        .split_whitespace()
        .filter(|path| path.starts_with('/') || path.contains(':'))
        .map(|path| format!("{:?}", shown(path.as_bytes())));
    several(
        outside,
        "the manifest's Class-Path leaves the application:",
        warnings,
    );
}

fn multi_release(summary: &JarSummary, entries: &[Entry], warnings: &mut Vec<String>) {
    let stated = summary
        .manifest
        .get("Multi-Release")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let present = entries.iter().any(|entry| {
        entry.name.starts_with("META-INF/versions/") && entry.name.ends_with(".class")
    });
    match (stated, present) {
        (true, false) => warnings.push(
            "the manifest says Multi-Release but META-INF/versions has no classes".to_owned(),
        ),
        (false, true) => warnings.push(
            "META-INF/versions has classes that are unused without Multi-Release: true".to_owned(),
        ),
        (true, true) | (false, false) => {}
    }
}

/// ProGuard makes `a.class` and `A.class`: fine in a JAR, one file when unpacked on Windows or macOS.
fn same_but_for_case(entries: &[Entry], warnings: &mut Vec<String>) {
    let mut seen: HashMap<String, &str> = HashMap::with_capacity(entries.len());
    let mut same = Vec::new();
    for entry in entries {
        if let Some(other) = seen.insert(entry.name.to_lowercase(), &entry.name) {
            same.push(format!(
                "{:?} and {:?}",
                shown(other.as_bytes()),
                shown(entry.name.as_bytes())
            ));
        }
    }
    several(same.into_iter(), "names differ only by case:", warnings);
}

/// One warning for many cases, with the first of them named.
fn several(cases: impl Iterator<Item = String>, what: &str, warnings: &mut Vec<String>) {
    let cases: Vec<String> = cases.collect();
    if cases.is_empty() {
        return;
    }
    let named = cases[..cases.len().min(MAX_NAMED)].join(", ");
    let more = match cases.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    warnings.push(format!("{what} {named}{more}"));
}
