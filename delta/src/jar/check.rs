//! Runs all checks on an opened archive and sums up what was found.

use rawzip::{ReaderAt, ZipArchive};

use super::content::{Unpacked, Unpacker};
use super::directory::{self, Entry};
use super::error::shown;
use super::name::in_meta_inf;
use super::{
    JarError, JarLimits, JarSummary, Manifest, PomProperties, advice, java_release, layout,
};

const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// A main section is far smaller; what follows it in signed JARs is not kept.
const MANIFEST_KEPT_BYTES: usize = 1 << 20;
const POM_KEPT_BYTES: usize = 1 << 16;
/// Magic number, minor and major version.
const CLASS_KEPT_BYTES: usize = 8;
/// Fat JARs have some hundreds.
const MAX_POMS: usize = 10_000;

/// Shows each entry to `seen` when it has passed, in the order of the file.
pub(super) fn check<R: ReaderAt>(
    archive: &ZipArchive<R>,
    file_bytes: u64,
    buffer: &mut [u8],
    limits: &JarLimits,
    mut unpacker: Unpacker,
    mut seen: impl FnMut(&Entry, &Unpacked),
) -> Result<JarSummary, JarError> {
    let mut entries = directory::read(archive, file_bytes, buffer, limits)?;
    // In the order of the file the data is read without seeking, and neighbours can be compared.
    entries.sort_by_key(|entry| entry.header_offset);
    layout::check(archive, &entries, buffer)?;

    let mut found = Found::default();
    for entry in &entries {
        let part = Part::of(&entry.name);
        let unpacked = unpacker.check(archive, entry, part.kept_bytes())?;
        found.take(entry, part, &unpacked.head, limits)?;
        if unpacked.unused_bytes > 0 {
            found.with_unused_bytes.push(entry.name.clone());
        }
        seen(entry, &unpacked);
    }
    let mut summary = JarSummary {
        entries: entries.len() as u64,
        unpacked_bytes: directory::unpacked_bytes(&entries),
        manifest: found.manifest.ok_or(JarError::NoManifest)?,
        pom_properties: found.pom_properties,
        signature_files: found.signature_files,
        prefix_bytes: entries.first().map_or(0, |entry| entry.header_offset),
        class_file_release: found.class_file_release,
        warnings: Vec::new(),
    };
    summary.warnings = advice::warnings(&summary, &entries, &found.with_unused_bytes);
    if limits.strict && !summary.warnings.is_empty() {
        return Err(JarError::Odd {
            warnings: summary.warnings,
        });
    }
    Ok(summary)
}

/// What an entry means for the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Manifest,
    PomProperties,
    SignatureFile,
    Class,
    Other,
}

impl Part {
    fn of(name: &str) -> Part {
        if name.eq_ignore_ascii_case(MANIFEST) {
            return Part::Manifest;
        }
        if is_signature_file(name) {
            return Part::SignatureFile;
        }
        if PomProperties::is_name(name) {
            return Part::PomProperties;
        }
        if in_meta_inf(name).is_some_and(|rest| rest.starts_with("versions/")) {
            return Part::Other;
        }
        // A module description is skipped by the JVMs that are too old to read it.
        if name.ends_with(".class") && !name.ends_with("module-info.class") {
            return Part::Class;
        }
        Part::Other
    }

    fn kept_bytes(self) -> usize {
        match self {
            Part::Manifest => MANIFEST_KEPT_BYTES,
            Part::PomProperties => POM_KEPT_BYTES,
            Part::Class => CLASS_KEPT_BYTES,
            Part::SignatureFile | Part::Other => 0,
        }
    }
}

/// Whether an entry of this name makes a JAR a signed one.
pub(crate) fn is_signature_file(name: &str) -> bool {
    in_meta_inf(name)
        .is_some_and(|rest| !rest.contains('/') && rest.to_ascii_uppercase().ends_with(".SF"))
}

#[derive(Debug, Default)]
struct Found {
    manifest: Option<Manifest>,
    pom_properties: Vec<PomProperties>,
    signature_files: Vec<String>,
    class_file_release: Option<u16>,
    with_unused_bytes: Vec<String>,
}

impl Found {
    fn take(
        &mut self,
        entry: &Entry,
        part: Part,
        head: &[u8],
        limits: &JarLimits,
    ) -> Result<(), JarError> {
        match part {
            Part::Manifest => self.manifest = Some(Manifest::parse(head)?.0),
            Part::PomProperties if self.pom_properties.len() < MAX_POMS => {
                self.pom_properties.extend(PomProperties::parse(head));
            }
            Part::SignatureFile => self.signature_files.push(entry.name.clone()),
            Part::Class => {
                let release = class_file_release(head);
                refuse_newer(entry, release, limits)?;
                self.class_file_release = self.class_file_release.max(release);
            }
            Part::PomProperties | Part::Other => {}
        }
        Ok(())
    }
}

fn refuse_newer(entry: &Entry, release: Option<u16>, limits: &JarLimits) -> Result<(), JarError> {
    match (release.map(java_release), limits.max_java) {
        (Some(java), Some(limit)) if java > limit => Err(JarError::ClassTooNew {
            entry: shown(entry.name.as_bytes()),
            java,
            limit,
        }),
        _ => Ok(()),
    }
}

fn class_file_release(head: &[u8]) -> Option<u16> {
    match head {
        [0xCA, 0xFE, 0xBA, 0xBE, _, _, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}
