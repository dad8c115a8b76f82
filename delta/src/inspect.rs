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
    /// What is in it; only a patch in the format `jar` shows that.
    pub contents: Option<Contents>,
}

/// What a patch in the format `jar` consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The entries of the new file, those of JARs inside it included.
    pub entries: EntryCounts,
    /// The streams that have anything, largest first.
    pub streams: Vec<StreamSize>,
}

/// How many entries of the new file come about in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EntryCounts {
    /// Taken from the old file as they are.
    pub copied: u64,
    /// With an old content, packed in another way.
    pub repacked: u64,
    /// With a content that is written down as a difference to an old one.
    pub patched: u64,
    /// With a content that is in the patch.
    pub new: u64,
    /// JARs that are put together entry by entry.
    pub nested: u64,
}

/// A stream of a patch: values of one kind, see `docs/delta-format.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSize {
    /// Its name, or `Joined` for the short ones, which are compressed together.
    pub name: String,
    /// Its length before compression.
    pub raw_bytes: u64,
    /// Its share of the patch.
    pub packed_bytes: u64,
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

/// Reads what a patch says of itself. Needs the memory that the patch states, up to the default
/// limit of [`crate::ApplyLimits`].
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
    let (stated, contents) = match format {
        Format::Zstd => (None, None),
        Format::Jar => {
            let (stated, contents) = jar_format::inspect(patch)?;
            (Some(stated), Some(contents))
        }
    };
    Ok(PatchSummary {
        format,
        patch_bytes: patch.len() as u64,
        stated,
        contents,
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
    fn a_jar_patch_says_what_becomes_of_the_entries_and_where_its_bytes_go() {
        let (old, new) = fixtures::jars::jar_pair(1, 300_000);
        let patch = create(Format::Jar, &old, &new, Options::default()).unwrap();
        let contents = inspect(&patch).unwrap().contents.unwrap();
        let EntryCounts {
            copied,
            repacked,
            patched,
            new,
            nested,
        } = contents.entries;
        assert!(copied > 20 && patched > 0 && new > 0, "{contents:?}");
        assert_eq!((repacked, nested), (0, 0));
        let packed: u64 = contents
            .streams
            .iter()
            .map(|stream| stream.packed_bytes)
            .sum();
        // The rest is the header and the table of lengths.
        assert!(patch.len() as u64 - packed < 200, "{contents:?}");
        assert!(
            contents
                .streams
                .is_sorted_by_key(|stream| std::cmp::Reverse(stream.packed_bytes))
        );
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
