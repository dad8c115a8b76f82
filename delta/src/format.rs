//! The delta formats: their names on the wire and how a patch shows which one it is.
//!
//! A new format is a variant here, a row in each `match`, and a codec beside `apply/zstd.rs`.

use std::fmt;
use std::str::FromStr;

use crate::{Error, jar_format};

/// A way of writing down how a new file differs from an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One zstd frame made with the old file as prefix: `zstd -d --patch-from=OLD` undoes it.
    ///
    /// As with its own patches, the tool wants `--long=31` added where the new file is larger than
    /// both the old one and 128 MiB.
    Zstd,
    /// Looks into JARs: undoes deflate, compares entry by entry, and knows class files.
    ///
    /// Ten to forty times smaller than [`Format::Zstd`] for two releases in a row. With an empty old
    /// file it is the compressed full download. `docs/delta-format.md` describes it byte by byte.
    Jar,
}

/// The first four bytes of a zstd frame.
pub(crate) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

impl Format {
    /// Every format this build can make and apply, best first.
    pub const ALL: &[Format] = &[Format::Jar, Format::Zstd];

    /// The name on the wire and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Zstd => "zstd",
            Format::Jar => "jar",
        }
    }

    /// Tells from the first bytes which format a patch has.
    ///
    /// ```
    /// let patch = delta::create(delta::Format::Zstd, b"old", b"new", delta::Options::default())?;
    /// assert_eq!(delta::Format::detect(&patch)?, delta::Format::Zstd);
    /// # Ok::<(), delta::Error>(())
    /// ```
    pub fn detect(patch: &[u8]) -> Result<Format, Error> {
        match patch.first_chunk::<4>() {
            None if patch.is_empty() => Err(Error::EmptyPatch),
            Some(&ZSTD_MAGIC) => Ok(Format::Zstd),
            Some(&jar_format::MAGIC) => Ok(Format::Jar),
            // The sixteen magic numbers of frames that a zstd decoder skips in silence.
            Some([0x50..=0x5F, 0x2A, 0x4D, 0x18]) => Err(Error::SkippableFrame),
            Some(_) | None => Err(Error::UnknownFormat {
                begins: hex::encode(&patch[..patch.len().min(4)]),
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormatName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormatName(name.to_owned()))
    }
}

/// A format name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown delta format {0:?}; use jar or zstd")]
pub struct UnknownFormatName(pub String);
