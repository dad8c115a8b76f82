//! What a patch says about itself, without applying it.

use crate::checksum::Digest;
use crate::{Error, Format, jar_format};

/// The facts that stand in front of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchSummary {
    /// How it is written.
    pub format: Format,
    /// Its own length.
    pub patch_bytes: u64,
    /// What it is for and what it costs; a patch in the format zstd says nothing of that kind.
    pub stated: Option<Stated>,
}

/// What a patch in the format `jar` states. Only applying it shows whether that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// The SHA-256 of the old file.
    pub base: Digest,
    /// The SHA-256 of the new file.
    pub result: Digest,
    /// The length of the old file.
    pub base_bytes: u64,
    /// The length of the new file.
    pub result_bytes: u64,
    /// The unpacked length of everything that is not copied.
    pub plain_bytes: u64,
    /// The old contents that what is new refers to.
    pub image_bytes: u64,
    /// The memory that applying it takes.
    pub memory_bytes: u64,
}

/// Reads the front of a patch.
///
/// ```
/// let patch = delta::create(delta::Format::Zstd, b"old", b"new", delta::Options::default())?;
/// let summary = delta::inspect(&patch)?;
/// assert_eq!(summary.format, delta::Format::Zstd);
/// assert_eq!(summary.stated, None);
/// # Ok::<(), delta::Error>(())
/// ```
pub fn inspect(patch: &[u8]) -> Result<PatchSummary, Error> {
    let format = Format::detect(patch)?;
    Ok(PatchSummary {
        format,
        patch_bytes: patch.len() as u64,
        stated: match format {
            Format::Zstd => None,
            Format::Jar => Some(jar_format::stated(patch)?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, checksum, create};

    #[test]
    fn a_jar_patch_says_what_it_is_for() {
        let (old, new) = fixtures::jars::jar_pair(1, 50_000);
        let patch = create(Format::Jar, &old, &new, Options::default()).unwrap();
        let summary = inspect(&patch).unwrap();
        assert_eq!(summary.patch_bytes, patch.len() as u64);
        let stated = summary.stated.unwrap();
        assert_eq!(stated.base, checksum::sha256(&old));
        assert_eq!(stated.result, checksum::sha256(&new));
        assert_eq!(
            (stated.base_bytes, stated.result_bytes),
            (old.len() as u64, new.len() as u64)
        );
        assert!(stated.memory_bytes > 0);
    }

    #[test]
    fn a_cut_or_foreign_file_is_an_error() {
        let (old, new) = fixtures::jars::jar_pair(1, 50_000);
        let patch = create(Format::Jar, &old, &new, Options::default()).unwrap();
        assert!(inspect(&patch[..60]).is_err());
        assert!(inspect(b"PK\x03\x04").is_err());
        assert!(inspect(b"").is_err());
    }
}
