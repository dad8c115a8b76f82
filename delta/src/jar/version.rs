//! Which version a JAR says it is.

use std::fmt;
use std::path::Path;

use super::{JarSummary, Manifest, PomProperties};

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
    "no version was found; looked at the manifest's Implementation-Version, Bundle-Version and Specification-Version, at pom.properties, and at the file name {file_name:?}; give it with --version"
)]
pub struct NoVersion {
    pub file_name: String,
}

/// Finds the version of the JAR at `path` from its manifest, its Maven notes or its file name.
///
/// The JAR at `path` is not read; `summary` is what [`inspect`](super::inspect) said of it.
pub fn detect_version(path: &Path, summary: &JarSummary) -> Result<DetectedVersion, NoVersion> {
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    version_of(&summary.manifest, &summary.pom_properties, &file_name)
}

/// The same for what is not a JAR yet.
pub(crate) fn version_of(
    manifest: &Manifest,
    pom_properties: &[PomProperties],
    file_name: &str,
) -> Result<DetectedVersion, NoVersion> {
    let attribute = |name| manifest.get(name).map(str::trim);
    let candidates = [
        (
            VersionSource::ImplementationVersion,
            attribute("Implementation-Version"),
        ),
        (VersionSource::BundleVersion, attribute("Bundle-Version")),
        (
            VersionSource::SpecificationVersion,
            attribute("Specification-Version"),
        ),
        (
            VersionSource::PomProperties,
            pom_version(pom_properties, file_name),
        ),
        (VersionSource::FileName, file_name_version(file_name)),
    ];
    let mut named = candidates.into_iter().filter_map(|(source, version)| {
        let version = version.filter(|version| !version.is_empty())?;
        Some((source, version.to_owned()))
    });
    let Some((source, version)) = named.next() else {
        return Err(NoVersion {
            file_name: file_name.to_owned(),
        });
    };
    let disagreeing = named.filter(|(_, other)| *other != version).collect();
    Ok(DetectedVersion {
        version,
        source,
        disagreeing,
    })
}

/// The only note, or among several the one whose artifact the file is named after.
fn pom_version<'a>(notes: &'a [PomProperties], file_name: &str) -> Option<&'a str> {
    if let [only] = notes {
        return Some(&only.version);
    }
    let artifact = |note: &PomProperties| note.artifact_id.clone().unwrap_or_default();
    notes
        .iter()
        .filter(|note| !artifact(note).is_empty() && file_name.starts_with(&artifact(note)))
        .max_by_key(|note| artifact(note).len())
        .map(|note| note.version.as_str())
}

/// What follows the first `-` before a digit: `2.1.0-rc.1` in `my-app-2.1.0-rc.1.jar`.
fn file_name_version(file_name: &str) -> Option<&str> {
    let stem = file_name.strip_suffix(".jar").unwrap_or(file_name);
    stem.match_indices('-')
        .map(|(dash, _)| &stem[dash + 1..])
        .find(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jar::Manifest;

    fn summary(manifest: &str, notes: &[(&str, &str)]) -> JarSummary {
        JarSummary {
            entries: 1,
            unpacked_bytes: 0,
            manifest: Manifest::parse(manifest.as_bytes()).unwrap().0,
            pom_properties: notes
                .iter()
                .map(|(artifact, version)| PomProperties {
                    artifact_id: Some((*artifact).to_owned()),
                    version: (*version).to_owned(),
                })
                .collect(),
            signature_files: Vec::new(),
            prefix_bytes: 0,
            class_file_release: None,
            warnings: Vec::new(),
        }
    }

    fn detect(file_name: &str, manifest: &str, notes: &[(&str, &str)]) -> (String, VersionSource) {
        let found = detect_version(file_name.as_ref(), &summary(manifest, notes)).unwrap();
        (found.version, found.source)
    }

    #[test]
    fn sources_are_asked_in_their_order() {
        use VersionSource::*;
        let all = "Specification-Version: 3\nBundle-Version: 2\nImplementation-Version: 1\n";
        let found = |version: &str, source| (version.to_owned(), source);
        assert_eq!(
            detect("a-5.jar", all, &[("a", "4")]),
            found("1", ImplementationVersion)
        );
        let two = "Specification-Version: 3\nBundle-Version: 2\n";
        assert_eq!(detect("a-5.jar", two, &[]), found("2", BundleVersion));
        let one = "Specification-Version: 3\nImplementation-Version: \n";
        assert_eq!(
            detect("a-5.jar", one, &[]),
            found("3", SpecificationVersion)
        );
        assert_eq!(
            detect("a-5.jar", "", &[("b", "4")]),
            found("4", PomProperties)
        );
        assert_eq!(detect("a-5.jar", "", &[]), found("5", FileName));
    }

    #[test]
    fn among_several_maven_notes_the_one_in_the_file_name_counts() {
        let notes = [("gson", "9"), ("my", "7"), ("my-app", "8")];
        let found = detect("my-app-5.jar", "", &notes);
        assert_eq!(found, ("8".to_owned(), VersionSource::PomProperties));
        let found = detect("other-5.jar", "", &notes);
        assert_eq!(found, ("5".to_owned(), VersionSource::FileName));
    }

    #[test]
    fn a_file_name_gives_all_behind_the_dash_before_a_digit() {
        assert_eq!(
            file_name_version("my-app-2.1.0-rc.1.jar"),
            Some("2.1.0-rc.1")
        );
        assert_eq!(file_name_version("app.jar"), None);
        assert_eq!(file_name_version("my-app.jar"), None);
    }

    #[test]
    fn sources_that_disagree_are_listed() {
        let summary = summary("Implementation-Version: 1\nBundle-Version: 1\n", &[]);
        let found = detect_version("a-2.jar".as_ref(), &summary).unwrap();
        assert_eq!(
            found.disagreeing,
            [(VersionSource::FileName, "2".to_owned())]
        );
    }

    #[test]
    fn without_any_source_the_error_lists_what_was_tried() {
        let error = detect_version("app.jar".as_ref(), &summary("", &[])).unwrap_err();
        let message = error.to_string();
        for tried in [
            "Implementation-Version",
            "pom.properties",
            "app.jar",
            "--version",
        ] {
            assert!(message.contains(tried), "{message}");
        }
    }
}
