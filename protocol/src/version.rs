//! Version numbers: SemVer 2.0.0, and what "newer" means.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::VERSION_CHARS;

/// A SemVer 2.0.0 version number of at most 64 characters, such as `2.1.0` or `2.1.0-rc.1+build.5`.
///
/// `Ord` is precedence first, then build metadata, so that it is a total order. Where a decision hangs on "newer",
/// use [`Version::is_newer_than`], which knows precedence alone (SemVer section 11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

impl Version {
    /// `0.0.0`, which as a minimum client version means that there is none.
    pub const ZERO: Self = Self(semver::Version::new(0, 0, 0));

    /// A version without pre-release and build parts.
    #[must_use]
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }

    /// Whether this version has higher precedence; build metadata does not count.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.cmp_precedence(other) == Ordering::Greater
    }

    /// Precedence as SemVer section 11 defines it: `2.1.0+a` and `2.1.0+b` are equal.
    #[must_use]
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }

    /// Whether the version has a pre-release part.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a version number, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SemVer 2.0 version such as 2.1.0: {reason}")]
pub struct InvalidVersion {
    reason: String,
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() > VERSION_CHARS {
            return Err(InvalidVersion {
                reason: format!("longer than {VERSION_CHARS} characters"),
            });
        }
        // The library quotes what it read; its words go into error bodies and logs only if nothing unprintable is in them.
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(InvalidVersion {
                reason: "only ASCII letters, digits, '.', '-' and '+' are allowed".into(),
            });
        }
        match semver::Version::parse(text) {
            Ok(version) => Ok(Self(version)),
            Err(error) => Err(InvalidVersion {
                reason: error.to_string(),
            }),
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // The expression that semver.org suggests.
        schemars::json_schema!({
            "type": "string",
            "maxLength": VERSION_CHARS,
            "pattern": r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn precedence_is_numeric_and_ignores_build_metadata() {
        assert!(version("2.10.0").is_newer_than(&version("2.9.0")));
        assert!(version("2.1.0").is_newer_than(&version("2.1.0-rc.1")));
        assert!(!version("2.1.0+b").is_newer_than(&version("2.1.0+a")));
        assert_ne!(version("2.1.0+b"), version("2.1.0+a"));
    }

    #[test]
    fn what_is_not_semver_is_refused() {
        let long = format!("1.0.0-{}", "a".repeat(60));
        for text in [
            "",
            "2.1",
            "v2.1.0",
            "2.1.0.0",
            "02.1.0",
            "2.1.0-",
            "2.1.0+",
            " 2.1.0",
            "2.1.0\n",
            "99999999999999999999.0.0",
            "２.1.0",
            "../../etc/passwd",
            "CON",
            &long,
        ] {
            assert!(text.parse::<Version>().is_err(), "{text:?} was accepted");
        }
    }
}
