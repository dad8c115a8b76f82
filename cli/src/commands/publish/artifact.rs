//! The JAR to publish: whole, safe to unpack, and of a known version.

use std::path::{Path, PathBuf};

use delta::jar::{JarLimits, detect_version, inspect};
use protocol::{Checksum, Version};

use crate::commands::{blocking, jar};
use crate::failure::Failure;

/// A JAR that passed its checks.
#[derive(Clone, Debug)]
pub(super) struct Artifact {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    pub(super) checksum: Checksum,
    pub(super) entries: u64,
    pub(super) version: Version,
    pub(super) warnings: Vec<String>,
}

pub(super) async fn check(path: &Path, version: Option<&Version>) -> Result<Artifact, Failure> {
    let (path, version) = (path.to_owned(), version.cloned());
    blocking(move || inspected(path, version)).await
}

fn inspected(path: PathBuf, wanted: Option<Version>) -> Result<Artifact, Failure> {
    let read = |error: &std::io::Error| Failure::file("read", &path, error);
    let found = std::fs::metadata(&path).map_err(|error| read(&error))?;
    if found.is_dir() {
        return Err(
            Failure::usage(format!("{} is a folder", path.display())).help(format!(
                "make a JAR of it first:  relctl package {} --version V -o app.jar",
                path.display()
            )),
        );
    }
    if !found.is_file() {
        // A pipe would be waited for, for ever.
        return Err(Failure::usage(format!("{} is no file", path.display()))
            .help("a JAR is uploaded from a file, so that a cut upload can be tried again"));
    }
    let summary =
        inspect(&path, &JarLimits::default()).map_err(|error| jar::refused(&path, error))?;
    let mut warnings = summary.warnings.clone();
    let detected = detect_version(&path, &summary);
    let version = match (wanted, detected) {
        (Some(version), Ok(detected)) => {
            if detected.version != version.to_string() {
                warnings.push(format!(
                    "the JAR says version {} ({}); it is published as {version}",
                    detected.version, detected.source
                ));
            }
            version
        }
        (Some(version), Err(_)) => version,
        (None, Ok(detected)) => {
            for (source, other) in &detected.disagreeing {
                warnings.push(format!(
                    "{source} says version {other}; {} counts",
                    detected.source
                ));
            }
            detected.version.parse().map_err(|error| {
                Failure::usage(format!(
                    "the version {:?} of {} ({}) cannot be used: {error}",
                    detected.version,
                    path.display(),
                    detected.source
                ))
                .help("name another one:  --version 2.1.0")
            })?
        }
        (None, Err(error)) => {
            return Err(Failure::usage(format!("{}: {error}", path.display())));
        }
    };
    let (digest, size_bytes) = delta::checksum::sha256_file(&path).map_err(|error| read(&error))?;
    Ok(Artifact {
        path,
        size_bytes,
        checksum: Checksum::from_bytes(digest),
        entries: summary.entries,
        version,
        warnings,
    })
}
