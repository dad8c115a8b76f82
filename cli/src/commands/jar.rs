//! What several commands do with a JAR: check it, find its version, tell what it is.

use std::path::Path;

use delta::jar::{DetectedVersion, JarError, JarLimits, JarSummary};
use protocol::Version;
use protocol::release_file::JarFacts;

use crate::args::CheckingArgs;
use crate::failure::Failure;
use crate::units::format_size;

/// A JAR that cannot be read, or must not be.
pub(super) fn refused(path: &Path, error: JarError) -> Failure {
    match error {
        JarError::Io(error) => Failure::file("read", path, &error),
        JarError::Odd { warnings } => refused_warnings(path, warnings),
        error => {
            let mut failure = Failure::check(format!("{}: {error}", path.display()));
            failure.code = "INVALID_ARTIFACT";
            failure
        }
    }
}

/// What the checks allow.
pub(super) fn limits(checks: &CheckingArgs) -> JarLimits {
    JarLimits {
        max_java: checks.max_java,
        strict: checks.strict,
        ..JarLimits::default()
    }
}

/// With `--strict`, warnings are failures.
pub(super) fn refuse_warnings(
    checks: &CheckingArgs,
    path: &Path,
    warnings: &[String],
) -> Result<(), Failure> {
    match checks.strict && !warnings.is_empty() {
        true => Err(refused_warnings(path, warnings.to_vec())),
        false => Ok(()),
    }
}

fn refused_warnings(path: &Path, warnings: Vec<String>) -> Failure {
    Failure {
        reasons: warnings,
        ..Failure::check(format!(
            "{} has warnings, and --strict allows none",
            path.display()
        ))
    }
    .help("mend them, or leave --strict out")
}

/// The version that was found, if it is one that a release can have.
pub(super) fn usable(detected: &DetectedVersion, path: &Path) -> Result<Version, Failure> {
    detected.version.parse().map_err(|error| {
        Failure::usage(format!(
            "the version {:?} of {} ({}) cannot be used: {error}",
            detected.version,
            path.display(),
            detected.source
        ))
        .help("name another one:  --version 2.1.0")
    })
}

/// Sources of a version that say something else than the one that counts.
pub(super) fn disagreements(detected: &DetectedVersion) -> impl Iterator<Item = String> {
    detected
        .disagreeing
        .iter()
        .map(|(source, other)| format!("{source} says version {other}; {} counts", detected.source))
}

pub(super) fn facts(summary: &JarSummary) -> JarFacts {
    let is_true = |value: &str| value.trim().eq_ignore_ascii_case("true");
    JarFacts {
        entries: summary.entries,
        unpacked_bytes: summary.unpacked_bytes,
        main_class: summary.main_class().map(str::to_owned),
        java_release: summary.java_release(),
        multi_release: summary.manifest.get("Multi-Release").is_some_and(is_true),
        signature_files: summary.signature_files.clone(),
        prefix_bytes: summary.prefix_bytes,
    }
}

/// `7,227 entries, 36.1 MB unpacked, Java 17, starts app.Main`.
pub(super) fn describe(facts: &JarFacts) -> String {
    let mut said = vec![
        entries(facts.entries),
        format!("{} unpacked", format_size(facts.unpacked_bytes)),
    ];
    said.extend(facts.java_release.map(|java| format!("Java {java}")));
    said.extend(
        facts
            .main_class
            .iter()
            .map(|class| format!("starts {class}")),
    );
    if facts.multi_release {
        said.push("multi-release".to_owned());
    }
    if !facts.signature_files.is_empty() {
        said.push(format!("signed ({})", facts.signature_files.join(", ")));
    }
    if facts.prefix_bytes > 0 {
        said.push(format!("behind a script of {} bytes", facts.prefix_bytes));
    }
    said.join(", ")
}

/// `1 entry`, `2 entries`.
pub(super) fn entries(number: u64) -> String {
    match number {
        1 => "1 entry".to_owned(),
        _ => format!("{number} entries"),
    }
}
