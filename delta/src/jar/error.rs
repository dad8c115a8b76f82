//! Why a JAR is refused: which entry, what is wrong with it, and what to do.

use std::io;

use super::ManifestError;

/// Why a JAR is refused.
#[derive(Debug, thiserror::Error)]
pub enum JarError {
    #[error("not a JAR: {reason}; upload the .jar file that the build made")]
    NotAZip { reason: String },
    #[error("the JAR has no META-INF/MANIFEST.MF; build it with `jar` or `relctl package`")]
    NoManifest,
    #[error("META-INF/MANIFEST.MF: {0}")]
    Manifest(#[from] ManifestError),
    #[error("entry {entry:?} has an unsafe name: {why}; rename it and build again")]
    UnsafeName { entry: String, why: &'static str },
    #[error("entry {entry:?} is there twice; keep one and build again")]
    Duplicate { entry: String },
    #[error("entry {entry:?} is encrypted; no JVM can read it")]
    Encrypted { entry: String },
    #[error(
        "entry {entry:?} uses compression method {method}; a JVM reads only stored (0) and deflated (8)"
    )]
    Method { entry: String, method: u16 },
    #[error(
        "entry {entry:?}: its local header and the central directory differ in {field}; build the JAR again"
    )]
    HeaderMismatch { entry: String, field: &'static str },
    #[error("entries {first:?} and {second:?} overlap; build the JAR again")]
    Overlap { first: String, second: String },
    #[error("entry {entry:?} is damaged: {reason}; build or upload the JAR again")]
    Damaged { entry: String, reason: String },
    #[error(
        "class {entry:?} needs Java {java}, and no later one than {limit} is allowed; compile with --release {limit}"
    )]
    ClassTooNew {
        entry: String,
        java: u16,
        limit: u16,
    },
    #[error("it works but is odd, and that is not allowed here: {}", warnings.join("; "))]
    Odd { warnings: Vec<String> },
    #[error("{bytes} bytes follow the end of the archive; upload the JAR as the build made it")]
    TrailingBytes { bytes: u64 },
    #[error("the JAR has more than {limit} entries")]
    TooManyEntries { limit: u64 },
    #[error("the JAR unpacks to more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error(
        "the JAR unpacks to more than {limit} times its size, as only a bomb does; entry {entry:?} went over it"
    )]
    RatioTooHigh { entry: String, limit: u64 },
    #[error("the JAR could not be read")]
    Io(#[from] io::Error),
}

/// The kinds of refusal that a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JarErrorKind {
    /// Not a proper JAR.
    Invalid,
    /// An entry would be unpacked outside its folder.
    UnsafeEntry,
    /// Over a limit.
    TooLargeUnpacked,
    /// Not the JAR's fault.
    Io,
}

impl JarError {
    pub fn kind(&self) -> JarErrorKind {
        match self {
            JarError::NotAZip { .. }
            | JarError::NoManifest
            | JarError::Manifest(_)
            | JarError::Duplicate { .. }
            | JarError::Encrypted { .. }
            | JarError::Method { .. }
            | JarError::HeaderMismatch { .. }
            | JarError::Overlap { .. }
            | JarError::Damaged { .. }
            | JarError::ClassTooNew { .. }
            | JarError::Odd { .. }
            | JarError::TrailingBytes { .. } => JarErrorKind::Invalid,
            JarError::UnsafeName { .. } => JarErrorKind::UnsafeEntry,
            JarError::TooManyEntries { .. }
            | JarError::TooLarge { .. }
            | JarError::RatioTooHigh { .. } => JarErrorKind::TooLargeUnpacked,
            JarError::Io(_) => JarErrorKind::Io,
        }
    }

    /// An error from before any entry was read.
    pub(super) fn not_a_zip(error: rawzip::Error) -> JarError {
        match error.into_kind() {
            rawzip::ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                JarError::Io(error)
            }
            rawzip::ErrorKind::MissingEndOfCentralDirectory => JarError::NotAZip {
                reason: "it is no ZIP archive, or its end is cut off".to_owned(),
            },
            kind => JarError::NotAZip {
                reason: format!("its ZIP directory is damaged ({kind})"),
            },
        }
    }

    /// An error from an entry that was already named.
    pub(super) fn in_entry(entry: &str, error: rawzip::Error) -> JarError {
        match error.into_kind() {
            rawzip::ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                JarError::Io(error)
            }
            kind => JarError::Damaged {
                entry: shown(entry.as_bytes()),
                reason: kind.to_string(),
            },
        }
    }
}

/// An entry's name as it stands in a message: short, and readable whatever its bytes are.
pub(super) fn shown(name: &[u8]) -> String {
    const MAX_SHOWN: usize = 200;
    let text = String::from_utf8_lossy(name);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
