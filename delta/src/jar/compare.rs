//! What changed from one JAR to another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Listed, Listing, Manifest};

/// What changed. Entries are in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    pub added: Vec<Listed>,
    pub removed: Vec<Listed>,
    /// With another content: the old entry and the new one.
    pub changed: Vec<(Listed, Listed)>,
    /// How many have the same content, packed in another way.
    pub repacked: u64,
    /// How many are the same in everything that was looked at.
    pub unchanged: u64,
    /// Of the manifest's main section.
    pub attributes: Vec<AttributeChange>,
}

/// An attribute that was added, removed or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Comparison {
    /// Whether both have the same entries with the same contents; times and order may differ.
    pub fn has_same_contents(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two JARs by the names and contents of their entries.
///
/// ```no_run
/// use delta::jar::{JarLimits, compare, list};
///
/// let old = list("app-2.0.5.jar".as_ref(), &JarLimits::default())?;
/// let new = list("app-2.1.0.jar".as_ref(), &JarLimits::default())?;
/// println!("{} entries are new", compare(&old, &new).added.len());
/// # Ok::<(), delta::jar::JarError>(())
/// ```
pub fn compare(old: &Listing, new: &Listing) -> Comparison {
    let mut comparison = Comparison {
        attributes: attributes(&old.summary.manifest, &new.summary.manifest),
        ..Comparison::default()
    };
    let (old, new) = (by_name(old), by_name(new));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old.sha256 != new.sha256 => {
                comparison.changed.push(((*old).clone(), (*new).clone()));
            }
            (Some(old), Some(new)) if is_packed_alike(old, new) => comparison.unchanged += 1,
            (Some(_), Some(_)) => comparison.repacked += 1,
            (Some(old), None) => comparison.removed.push((*old).clone()),
            (None, Some(new)) => comparison.added.push((*new).clone()),
            (None, None) => {}
        }
    }
    comparison
}

fn is_packed_alike(old: &Listed, new: &Listed) -> bool {
    old.packed_bytes == new.packed_bytes && old.is_stored == new.is_stored
}

fn by_name(listing: &Listing) -> BTreeMap<&str, &Listed> {
    let entries = listing.entries.iter();
    entries.map(|entry| (entry.name.as_str(), entry)).collect()
}

fn attributes(old: &Manifest, new: &Manifest) -> Vec<AttributeChange> {
    let mut changes = Vec::new();
    for (name, value) in old.attributes() {
        let now = new.get(name);
        if now != Some(value) {
            changes.push(AttributeChange {
                name: name.to_owned(),
                old: Some(value.to_owned()),
                new: now.map(str::to_owned),
            });
        }
    }
    for (name, value) in new.attributes() {
        if old.get(name).is_none() {
            changes.push(AttributeChange {
                name: name.to_owned(),
                old: None,
                new: Some(value.to_owned()),
            });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jar::{JarLimits, list};
    use fixtures::archive::{Archive, Entry};
    use fixtures::jars::tiny_entries;

    fn listed(entries: Vec<Entry>) -> Listing {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.jar");
        std::fs::write(&path, Archive::new(entries).to_bytes()).unwrap();
        list(&path, &JarLimits::default()).unwrap()
    }

    fn names(entries: &[Listed]) -> Vec<&str> {
        entries.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn entries_are_told_apart_by_their_contents() {
        let content = b"same, same, same, same, same, same";
        let mut old = tiny_entries("1.0.0");
        old.push(Entry::stored("gone", b"1"));
        old.push(Entry::stored("other", b"same size 1"));
        old.push(Entry::stored("packed", content));
        let mut new = tiny_entries("1.1.0");
        new.push(Entry::deflated("packed", content));
        new.push(Entry::stored("other", b"same size 2"));
        new.push(Entry::stored("here", b"1"));
        let (old, new) = (listed(old), listed(new));
        let found = compare(&old, &new);
        assert_eq!(names(&found.added), ["here"]);
        assert_eq!(names(&found.removed), ["gone"]);
        let changed: Vec<&str> = found
            .changed
            .iter()
            .map(|(_, entry)| entry.name.as_str())
            .collect();
        assert!(changed.contains(&"other") && changed.contains(&"META-INF/MANIFEST.MF"));
        assert_eq!(found.repacked, 1);
        assert!(!found.has_same_contents());
        let version = AttributeChange {
            name: "Implementation-Version".to_owned(),
            old: Some("1.0.0".to_owned()),
            new: Some("1.1.0".to_owned()),
        };
        assert_eq!(found.attributes, [version]);
    }

    #[test]
    fn a_jar_does_not_differ_from_itself() {
        let jar = listed(tiny_entries("1.0.0"));
        let found = compare(&jar, &jar);
        assert!(found.has_same_contents());
        assert_eq!(found.unchanged, jar.summary.entries);
        assert_eq!((found.repacked, found.attributes), (0, Vec::new()));
    }
}
