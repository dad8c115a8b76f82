//! What a delta starts from: a version that is there, or nothing at all.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Version;
use crate::version::InvalidVersion;

/// What must be there before a delta can be applied.
///
/// A delta from nothing is the whole file, compressed by the same engine: its old file has no bytes. In paths and forms
/// it is written `none`, which no version number is; in bodies `fromVersion` is absent.
///
/// ```
/// use protocol::{DeltaSource, Version};
///
/// assert_eq!("none".parse(), Ok(DeltaSource::Nothing));
/// assert_eq!("2.1.0".parse(), Ok(DeltaSource::Version(Version::new(2, 1, 0))));
/// assert_eq!(DeltaSource::Nothing.to_string(), "none");
/// ```
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(from = "Option<Version>", into = "Option<Version>")]
#[schemars(with = "Option<Version>")]
pub enum DeltaSource {
    /// No file at all.
    #[default]
    Nothing,
    /// The file of this version.
    Version(Version),
}

/// How nothing is written in paths and forms.
const NOTHING: &str = "none";

impl DeltaSource {
    /// Whether no file must be there: the delta is the whole file, compressed.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl From<DeltaSource> for Option<Version> {
    fn from(source: DeltaSource) -> Self {
        match source {
            DeltaSource::Nothing => None,
            DeltaSource::Version(version) => Some(version),
        }
    }
}

impl From<Option<Version>> for DeltaSource {
    fn from(version: Option<Version>) -> Self {
        version.map_or(Self::Nothing, Self::Version)
    }
}

impl fmt::Display for DeltaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str(NOTHING),
            Self::Version(version) => version.fmt(f),
        }
    }
}

impl FromStr for DeltaSource {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            NOTHING => Ok(Self::Nothing),
            text => text.parse().map(Self::Version),
        }
    }
}
