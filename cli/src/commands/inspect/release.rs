//! Release files: read, compared with the files that they are about, described.

use std::io::ErrorKind;
use std::path::Path;

use delta::checksum::sha256_file;
use protocol::Checksum;
use protocol::release_file::{ReleaseFile, SCHEMA};

use crate::commands::jar;
use crate::commands::package::describe_packaging;
use crate::failure::Failure;
use crate::units::format_size;

/// Those of ours have a few kilobytes.
const MAX_BYTES: u64 = 1 << 20;

pub(super) fn read(path: &Path) -> Result<ReleaseFile, Failure> {
    let unreadable = |error: &std::io::Error| Failure::file("read", path, error);
    let size_bytes = std::fs::metadata(path)
        .map_err(|error| unreadable(&error))?
        .len();
    if size_bytes > MAX_BYTES {
        return Err(Failure::check(format!(
            "{} is too large for a release file: {}",
            path.display(),
            format_size(size_bytes)
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    let wrong = |why: String| {
        Failure::check(format!("{} is no release file: {why}", path.display()))
            .help("`relctl package` writes NAME-VERSION.release.json beside the JAR")
    };
    let release: ReleaseFile =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if release.schema != SCHEMA {
        return Err(wrong(format!(
            "its schema is {:?}, expected {SCHEMA:?}",
            release.schema
        )));
    }
    Ok(release)
}

/// Compares the files that lie beside; those that do not are warned of.
pub(super) fn check_artifacts(path: &Path, release: &ReleaseFile) -> Result<Vec<String>, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut warnings = Vec::new();
    for artifact in &release.artifacts {
        if artifact.file.contains(['/', '\\']) {
            return Err(Failure::check(format!(
                "{} names the file {:?}, which is not beside it",
                path.display(),
                artifact.file
            )));
        }
        let file = folder.join(&artifact.file);
        match sha256_file(&file) {
            Ok((digest, _)) if Checksum::from_bytes(digest) == artifact.sha256 => {}
            Ok((digest, size_bytes)) => {
                return Err(Failure::check(format!(
                    "{} is not the file that the release file describes",
                    file.display()
                ))
                .reason(format!(
                    "described  {} bytes, sha256 {}",
                    artifact.size_bytes, artifact.sha256
                ))
                .reason(format!(
                    "found      {size_bytes} bytes, sha256 {}",
                    Checksum::from_bytes(digest)
                ))
                .help("package it again, or put the right file there"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                warnings.push(format!("{} is not there", file.display()));
            }
            Err(error) => return Err(Failure::file("read", &file, &error)),
        }
    }
    Ok(warnings)
}

pub(super) fn describe(file: &str, release: &ReleaseFile) -> String {
    let mut text = format!(
        "{file}: release file of {} {} ({})",
        release.name, release.version, release.version_source
    );
    for artifact in &release.artifacts {
        text.push_str(&format!(
            "\nartifact {}: {}, sha256 {}\ncontents {}",
            artifact.file,
            format_size(artifact.size_bytes),
            artifact.sha256,
            jar::describe(&artifact.jar)
        ));
        if let Some(packaging) = &artifact.packaging {
            text.push_str(&format!("\npacked   {}", describe_packaging(packaging)));
        }
    }
    text
}
