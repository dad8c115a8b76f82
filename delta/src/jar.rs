//! Checks an uploaded JAR without unpacking it to disk, and reads what its manifest says.
//!
//! A JAR is let in when every reader of it must see the same entries: names are safe and unique,
//! local headers agree with the central directory, nothing overlaps, and all data inflates to its
//! stated size and CRC-32 within the limits. What is odd but works becomes a warning.

mod advice;
mod check;
mod compare;
mod content;
mod directory;
mod end;
mod error;
mod layout;
mod listing;
mod manifest;
mod name;
mod pom;
mod version;

use std::fs::File;
use std::path::Path;

use rawzip::ZipArchive;

use content::Unpacker;

pub(crate) use check::is_signature_file;
pub use compare::{AttributeChange, Comparison, compare};
pub use error::{JarError, JarErrorKind};
pub use listing::{Listed, Listing, list};
pub(crate) use manifest::why_bad_attribute;
pub use manifest::{Manifest, ManifestError};
pub use pom::PomProperties;
pub(crate) use version::version_of;
pub use version::{DetectedVersion, NoVersion, VersionSource, detect_version};

/// What a JAR may cost to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JarLimits {
    pub max_entries: u64,
    /// The sum of all entries' unpacked sizes.
    pub max_unpacked_bytes: u64,
    /// Unpacked to packed size, of the whole JAR once it unpacks to more than 1 MiB.
    pub max_ratio: u64,
    /// The Java release whose JVM must be able to load every class outside `META-INF/versions`.
    pub max_java: Option<u16>,
    /// Whether what is odd but works is refused as well.
    pub strict: bool,
}

impl Default for JarLimits {
    /// 200,000 entries, 4 GiB unpacked, 200 : 1, any Java release, odd ones
    /// allowed. The largest JAR we know has 79,459 entries.
    fn default() -> Self {
        JarLimits {
            max_entries: 200_000,
            max_unpacked_bytes: 4 << 30,
            max_ratio: 200,
            max_java: None,
            strict: false,
        }
    }
}

/// What a JAR is, as far as a release needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JarSummary {
    /// Directories included.
    pub entries: u64,
    pub unpacked_bytes: u64,
    /// The main section of `META-INF/MANIFEST.MF`.
    pub manifest: Manifest,
    /// Every `META-INF/maven/*/*/pom.properties` that names a version.
    pub pom_properties: Vec<PomProperties>,
    /// The signature files, such as `META-INF/ALIAS.SF`; they are not verified.
    pub signature_files: Vec<String>,
    /// Bytes before the archive: the script that makes a JAR executable.
    pub prefix_bytes: u64,
    /// The highest major version of the class files outside `META-INF/versions`; 61 is Java 17.
    pub class_file_release: Option<u16>,
    /// What is odd but works, as sentences for the publisher.
    pub warnings: Vec<String>,
}

impl JarSummary {
    pub fn main_class(&self) -> Option<&str> {
        self.manifest.get("Main-Class")
    }

    pub fn implementation_version(&self) -> Option<&str> {
        self.manifest.get("Implementation-Version")
    }

    /// Whether the JAR carries a signature, so that its bytes are better left alone.
    pub fn signed(&self) -> bool {
        !self.signature_files.is_empty()
    }

    pub fn has_prefix(&self) -> bool {
        self.prefix_bytes > 0
    }

    /// The Java release that the JAR's classes need: 17 for class files of version 61.
    pub fn java_release(&self) -> Option<u16> {
        self.class_file_release.map(java_release)
    }
}

/// The Java release that made class files of this major version first: 17 for 61.
fn java_release(class_file_release: u16) -> u16 {
    class_file_release.saturating_sub(44)
}

/// Checks the JAR at `path` and says what it is.
///
/// ```no_run
/// use delta::jar::{JarLimits, inspect};
///
/// let summary = inspect("app-2.1.0.jar".as_ref(), &JarLimits::default())?;
/// println!("{} entries, main class {:?}", summary.entries, summary.main_class());
/// # Ok::<(), delta::jar::JarError>(())
/// ```
pub fn inspect(path: &Path, limits: &JarLimits) -> Result<JarSummary, JarError> {
    inspect_file(File::open(path)?, limits)
}

/// Checks a JAR in an open file, for instance an upload that has no name yet.
pub fn inspect_file(file: File, limits: &JarLimits) -> Result<JarSummary, JarError> {
    let file_bytes = file.metadata()?.len();
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(JarError::not_a_zip)?;
    check::check(
        &archive,
        file_bytes,
        &mut buffer,
        limits,
        Unpacker::new(),
        |_, _| {},
    )
}

/// Checks a JAR in memory.
pub fn inspect_bytes(jar: &[u8], limits: &JarLimits) -> Result<JarSummary, JarError> {
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_slice(jar)
        .map_err(JarError::not_a_zip)?
        .into_reader_archive();
    check::check(
        &archive,
        jar.len() as u64,
        &mut buffer,
        limits,
        Unpacker::new(),
        |_, _| {},
    )
}
