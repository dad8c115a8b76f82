//! JARs: checked, listed, described.

use std::collections::BTreeMap;
use std::path::Path;

use delta::jar::{Listed, Listing, detect_version, list};
use protocol::Checksum;
use protocol::release_file::JarFacts;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::InspectArgs;
use crate::commands::jar;
use crate::failure::Failure;
use crate::units::format_size;

/// A JAR, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JarDocument {
    /// What it says of itself; it need not be a version that a release can have.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_source: Option<String>,
    jar: JarFacts,
    /// The main section.
    manifest: BTreeMap<String, String>,
    /// With `--list`, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list: Vec<EntryDocument>,
}

/// An entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryDocument {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    packed_bytes: u64,
    stored: bool,
    sha256: Checksum,
}

impl From<&Listed> for EntryDocument {
    fn from(entry: &Listed) -> Self {
        EntryDocument {
            name: entry.name.clone(),
            size_bytes: entry.unpacked_bytes,
            packed_bytes: entry.packed_bytes,
            stored: entry.is_stored,
            sha256: Checksum::from_bytes(entry.sha256),
        }
    }
}

/// A JAR that passed its checks.
pub(super) struct Read {
    pub(super) document: JarDocument,
    pub(super) listing: Listing,
    pub(super) warnings: Vec<String>,
}

pub(super) fn read(path: &Path, args: &InspectArgs) -> Result<Read, Failure> {
    let listing =
        list(path, &jar::limits(&args.checks)).map_err(|error| jar::refused(path, error))?;
    let summary = &listing.summary;
    let detected = detect_version(path, summary).ok();
    let mut warnings = summary.warnings.clone();
    warnings.extend(detected.iter().flat_map(jar::disagreements));
    let attributes = summary.manifest.attributes();
    let document = JarDocument {
        version_source: detected.as_ref().map(|found| found.source.to_string()),
        version: detected.map(|found| found.version),
        jar: jar::facts(summary),
        manifest: attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        list: match args.list {
            true => listing.entries.iter().map(EntryDocument::from).collect(),
            false => Vec::new(),
        },
    };
    Ok(Read {
        document,
        listing,
        warnings,
    })
}

impl JarDocument {
    pub(super) fn describe(&self, file: &str, size_bytes: u64, is_full: bool) -> String {
        let version = match (&self.version, &self.version_source) {
            (Some(version), Some(source)) => format!("version {version} ({source})"),
            _ => "of no version that it names".to_owned(),
        };
        let mut text = format!(
            "{file}: JAR, {version}, {}\ncontents {}",
            format_size(size_bytes),
            jar::describe(&self.jar)
        );
        if is_full {
            for (name, value) in &self.manifest {
                text.push_str(&format!("\nmanifest {name}: {value}"));
            }
            for entry in &self.list {
                text.push_str(&format!("\n{}", entry.describe()));
            }
        }
        text
    }
}

impl EntryDocument {
    /// As one of a list of changes.
    pub(super) fn describe_alone(&self) -> String {
        format!("{}   {}", self.name, format_size(self.size_bytes))
    }

    fn describe(&self) -> String {
        let way = if self.stored { "stored" } else { "deflated" };
        format!(
            "{:>9} {:>9} {way:<8}  {}",
            format_size(self.size_bytes),
            format_size(self.packed_bytes),
            self.name
        )
    }
}
