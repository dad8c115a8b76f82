//! The rules of the house that a machine can check: edges between crates, module docs, and documents that stay true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each crate may use of ours, and what must not be pulled into it directly. ARCHITECTURE.md says why.
const HOUSE: &[(&str, &[&str], &[&str])] = &[
    ("protocol", &[], &["tokio", "axum", "sled", "reqwest"]),
    ("delta", &[], &["tokio", "axum", "reqwest"]),
    ("sockjs", &[], &[]),
    ("client", &["protocol", "delta"], &["axum", "sled"]),
    ("cli", &["client", "delta", "protocol"], &["sled"]),
    ("daemon", &["protocol", "delta", "sockjs"], &[]),
    ("fixtures", &["protocol", "delta"], &[]),
];

/// Every crate of ours.
const OURS: &[&str] = &[
    "protocol", "delta", "sockjs", "client", "cli", "daemon", "fixtures", "tests",
];

#[test]
fn crates_use_only_what_the_house_plan_allows() {
    assert!(
        manifest("protocol").is_some(),
        "looking in the wrong folder"
    );
    for (name, may_use, must_not_use) in HOUSE {
        let Some(manifest) = manifest(name) else {
            continue; // Planned, not built yet.
        };
        for dependency in names(&manifest, "dependencies") {
            let is_ours = OURS.contains(&dependency.as_str());
            assert!(
                !is_ours || may_use.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
            assert!(
                !must_not_use.contains(&dependency.as_str()),
                "{name} must not pull in {dependency}"
            );
        }
        for dependency in names(&manifest, "dev-dependencies") {
            assert_ne!(dependency, "tests", "nobody uses the harness but its suite");
        }
    }
}

#[test]
fn fixtures_are_for_tests_only() {
    assert!(
        manifest("fixtures").is_some(),
        "looking in the wrong folder"
    );
    for (name, ..) in HOUSE {
        let Some(manifest) = manifest(name) else {
            continue;
        };
        assert!(
            !names(&manifest, "dependencies").contains("fixtures"),
            "{name} ships fixtures"
        );
    }
}

#[test]
fn members_take_every_version_from_the_root() {
    let root = manifest("").expect("the root manifest");
    let members = root["workspace"]["members"].as_array().unwrap();
    for member in members {
        let member = member.as_str().unwrap();
        let manifest = manifest(member).expect("a member has a manifest");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, dependency) in dependencies {
                assert!(
                    dependency.get("workspace").is_some(),
                    "{member}: {name} has a version of its own"
                );
            }
        }
        assert!(
            manifest["lints"]["workspace"].as_bool().unwrap(),
            "{member} has lints of its own"
        );
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_tests = file.file_name().is_some_and(|name| name == "tests.rs");
        assert!(
            is_tests || text.starts_with("//!"),
            "{} does not start with //!",
            file.display()
        );
    }
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        for forbidden in [
            concat!("#[", "allow("),
            concat!("#![", "allow("),
            concat!("todo", "!("),
        ] {
            assert!(
                !text.contains(forbidden),
                "{} holds {forbidden}",
                file.display()
            );
        }
        assert_ne!(
            file.file_name().unwrap(),
            "mod.rs",
            "{}: the module's file stands beside its folder",
            file.display()
        );
    }
}

#[test]
fn the_architecture_names_only_what_exists() {
    let mut found = 0;
    for word in code_words("ARCHITECTURE.md") {
        let path = word.trim_end_matches('/');
        let is_path = path.contains('/')
            || [".rs", ".md", ".toml", ".sh"]
                .iter()
                .any(|end| path.ends_with(end));
        let is_plain = path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let starts_in_a_crate = OURS
            .iter()
            .any(|name| path == *name || path.starts_with(&format!("{name}/")));
        if is_plain && (starts_in_a_crate || (is_path && root().join(first_part(path)).exists())) {
            assert!(
                root().join(path).exists(),
                "ARCHITECTURE.md names {word}, which does not exist"
            );
            found += 1;
        }
    }
    assert!(found > 10, "only {found} paths found");
}

#[test]
fn every_make_command_in_the_documents_exists() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .filter(|target| !target.is_empty() && !target.contains([' ', '\t', '.', '#']))
        .collect();
    for document in ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let is_for_users = document == "README.md";
        assert!(!is_for_users || commands(&text, "make ").any(|target| target == "demo"));
        for target in commands(&text, "make ") {
            assert!(
                targets.contains(target),
                "{document} names `make {target}`, which the Makefile does not have"
            );
        }
    }
}

/// The words after `prefix` where it begins a command: in a code block's line, after a prompt, or in backticks.
fn commands<'a>(text: &'a str, prefix: &str) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).filter_map(move |(at, _)| {
        let begins = text[..at]
            .chars()
            .next_back()
            .is_none_or(|before| before == '`' || before == '\n')
            || text[..at].ends_with("$ ");
        let rest = &text[at + prefix.len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .unwrap_or(rest.len());
        (begins && end > 0).then(|| &rest[..end])
    })
}

/// The words in backticks of a document, without its code blocks.
fn code_words(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn first_part(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(name: &str) -> Option<toml::Value> {
    let text = std::fs::read_to_string(root().join(name).join("Cargo.toml")).ok()?;
    Some(toml::from_str(&text).expect("a manifest is TOML"))
}

fn names(manifest: &toml::Value, table: &str) -> BTreeSet<String> {
    let table = manifest.get(table).and_then(toml::Value::as_table);
    table
        .into_iter()
        .flat_map(|table| table.keys().cloned())
        .collect()
}

/// Every Rust file of ours.
fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = OURS.iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue; // Planned, not built yet.
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 40, "only {} files found", files.len());
    files
}
