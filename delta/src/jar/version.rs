//! Which version a JAR says it is.

use std::fmt;
use std::path::Path;

use super::JarSummary;

/// A version and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedVersion {
    pub version: String,
    pub source: VersionSource,
    /// Sources of lower rank that say something else; worth a warning.
    pub disagreeing: Vec<(VersionSource, String)>,
}

/// The places that may name a version, highest rank first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionSource {
    ImplementationVersion,
    BundleVersion,
    SpecificationVersion,
    PomProperties,
    FileName,
}

impl fmt::Display for VersionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VersionSource::ImplementationVersion => "manifest:Implementation-Version",
            VersionSource::BundleVersion => "manifest:Bundle-Version",
            VersionSource::SpecificationVersion => "manifest:Specification-Version",
            VersionSource::PomProperties => "pom.properties",
            VersionSource::FileName => "file name",
        })
    }
}

/// No source names a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the JAR names no version; looked at the manifest's Implementation-Version, Bundle-Version and Specification-Version, at pom.properties, and at the file name {file_name:?}; give it with --version"
)]
pub struct NoVersion {
    pub file_name: String,
}

/// Finds the version of the JAR at `path` from its manifest, its Maven notes or its file name.
pub fn detect_version(path: &Path, summary: &JarSummary) -> Result<DetectedVersion, NoVersion> {
    match summary.implementation_version() {
        Some(version) => Ok(DetectedVersion {
            version: version.to_owned(),
            source: VersionSource::ImplementationVersion,
            disagreeing: Vec::new(),
        }),
        None => Err(NoVersion {
            file_name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }),
    }
}
