//! What `current.json` says, and how one state of it follows from another. Pure.
//!
//! All of it is one file, so that a switch, a probation and a way back are each one rename.

use protocol::{Checksum, Timestamp, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which version runs, and what is known of it. Fields of a later version are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    /// The version that runs.
    pub version: Version,
    /// The SHA-256 of its file.
    pub checksum: Checksum,
    /// The version to go back to, still on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Version>,
    /// The SHA-256 of its file. Absent where an older relctl wrote the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_checksum: Option<Checksum>,
    /// Until the version has shown that it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<Probation>,
    /// Versions that did not work here, or that the user left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<HeldBack>,
}

/// The trial of a new version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probation {
    /// How often it was started without confirming. Counted before each start, so that a version that takes the
    /// launcher or the whole machine down with it counts as well.
    pub starts: u32,
}

/// A version that is not installed again by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// The version.
    pub version: Version,
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// More than a folder ever needs: held versions go when a newer one works.
const HELD_BACK: usize = 32;

impl Current {
    /// The state after a switch to `version`. Without `probation` it counts as good at once.
    pub(super) fn successor(
        before: Option<Self>,
        version: Version,
        checksum: Checksum,
        probation: Option<Probation>,
    ) -> Self {
        let mut next = Self {
            version,
            checksum,
            previous: None,
            previous_checksum: None,
            probation,
            held_back: Vec::new(),
        };
        let Some(before) = before else {
            return next;
        };
        // A version that never confirmed is none to go back to while there is one that did; nor is one its own past.
        let keeps_previous = before.version == next.version
            || (before.probation.is_some() && before.previous.is_some());
        (next.previous, next.previous_checksum) = match keeps_previous {
            true => (before.previous, before.previous_checksum),
            false => (Some(before.version), Some(before.checksum)),
        };
        if next.previous.as_ref() == Some(&next.version) {
            (next.previous, next.previous_checksum) = (None, None);
        }
        next.held_back = before.held_back;
        next.held_back.retain(|held| held.version != next.version);
        next
    }

    /// The state after going back to `previous`.
    #[must_use]
    pub fn gone_back(mut self, previous: Version, checksum: Checksum) -> Self {
        self.held_back.retain(|held| held.version != previous);
        Self {
            version: previous,
            checksum,
            previous: None,
            previous_checksum: None,
            probation: None,
            held_back: self.held_back,
        }
    }

    /// The state in which the running version is not to be installed again by itself, once it was left.
    #[must_use]
    pub fn holding_back(mut self, reason: &str, since: Timestamp) -> Self {
        let version = self.version.clone();
        self.held_back.retain(|held| held.version != version);
        self.held_back.push(HeldBack {
            version,
            reason: reason.to_owned(),
            since,
        });
        if self.held_back.len() > HELD_BACK {
            self.held_back.remove(0);
        }
        self
    }

    /// The state after the version has shown that it works: what is older need not be held back any more.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        self.probation = None;
        let version = &self.version;
        self.held_back
            .retain(|held| held.version.is_newer_than(version));
        self
    }

    /// The state before a start. Only what is on probation is counted.
    #[must_use]
    pub fn started(mut self) -> Self {
        if let Some(probation) = &mut self.probation {
            probation.starts = probation.starts.saturating_add(1);
        }
        self
    }

    /// The state after a start that ended for reasons that are not the version's.
    #[must_use]
    pub fn not_started(mut self) -> Self {
        if let Some(probation) = &mut self.probation {
            probation.starts = probation.starts.saturating_sub(1);
        }
        self
    }

    /// Why a version is held back, where it is.
    #[must_use]
    pub fn held_back(&self, version: &Version) -> Option<&HeldBack> {
        self.held_back.iter().find(|held| held.version == *version)
    }

    /// What is known to work: the version that runs, or while that is on probation the one before it.
    #[must_use]
    pub fn proven(&self) -> Version {
        match (&self.probation, &self.previous) {
            (None, _) => self.version.clone(),
            (Some(_), Some(previous)) => previous.clone(),
            (Some(_), None) => Version::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn checksum(byte: u8) -> Checksum {
        Checksum::from_bytes([byte; 32])
    }

    fn switched(before: Option<Current>, to: &str) -> Current {
        let on_probation = Some(Probation::default());
        Current::successor(before, version(to), checksum(1), on_probation)
    }

    fn back(from: Current, to: &str) -> Current {
        from.holding_back("crashed", Timestamp::now())
            .gone_back(version(to), checksum(1))
    }

    #[test]
    fn the_version_to_go_back_to_is_the_last_that_worked() {
        let first = switched(None, "1.0.0");
        assert_eq!((&first.previous, first.proven()), (&None, Version::ZERO));
        let second = switched(Some(first.confirmed()), "2.0.0");
        assert_eq!(second.proven(), version("1.0.0"));
        // 2.0.0 never confirmed.
        let third = switched(Some(second), "3.0.0");
        assert_eq!(third.previous, Some(version("1.0.0")));
        assert_eq!(third.clone().confirmed().proven(), version("3.0.0"));
        // Nor is a version its own past.
        assert_eq!(switched(Some(third.clone()), "1.0.0").previous, None);
        assert_eq!(
            switched(Some(third), "3.0.0").previous,
            Some(version("1.0.0"))
        );
    }

    #[test]
    fn a_version_that_was_left_is_held_back_until_a_newer_one_works() {
        let first = switched(None, "1.0.0").confirmed();
        let left = back(switched(Some(first), "2.0.0"), "1.0.0");
        assert_eq!(left.version, version("1.0.0"));
        assert_eq!(left.previous, None);
        assert_eq!(left.held_back(&version("2.0.0")).unwrap().reason, "crashed");
        let between = switched(Some(left.clone()), "1.5.0").confirmed();
        assert!(between.held_back(&version("2.0.0")).is_some());
        let newer = switched(Some(between), "2.0.1");
        assert!(newer.held_back(&version("2.0.0")).is_some());
        assert!(newer.confirmed().held_back.is_empty());
        // Who installs it all the same has decided.
        assert!(switched(Some(left), "2.0.0").held_back.is_empty());
    }

    #[test]
    fn the_list_of_held_versions_has_an_end() {
        let mut current = switched(None, "1.0.0").confirmed();
        for number in 0..2 * HELD_BACK {
            current = back(switched(Some(current), &format!("2.0.{number}")), "1.0.0");
        }
        assert_eq!(current.held_back.len(), HELD_BACK);
        assert!(current.held_back(&version("2.0.63")).is_some());
    }

    #[test]
    fn a_record_of_an_older_relctl_is_understood() {
        let text = format!(
            r#"{{"version":"2.0.0","checksum":"{}","previous":"1.0.0","later":1}}"#,
            checksum(1)
        );
        let current: Current = serde_json::from_str(&text).unwrap();
        assert_eq!(current.previous, Some(version("1.0.0")));
        assert_eq!((current.previous_checksum, current.probation), (None, None));
    }
}
