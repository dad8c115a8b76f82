//! What changed against another file.

use std::collections::BTreeMap;
use std::path::Path;

use delta::jar::{Comparison, JarLimits, Listing, compare, list};
use protocol::Checksum;
use protocol::release_file::ReleaseFile;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::jar_file::EntryDocument;
use super::{Patch, release, sum};
use crate::commands::jar;
use crate::failure::Failure;
use crate::units::format_size;

/// Without `--list`, people see so many changes of each kind.
const SHOWN: usize = 10;

/// What changed, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Against {
    file: String,
    sha256: Checksum,
    changes: Changes,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "found", rename_all = "lowercase")]
enum Changes {
    Jar(JarChanges),
    Delta { role: Role },
    Release { fields: Vec<Change> },
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JarChanges {
    added: Vec<EntryDocument>,
    removed: Vec<EntryDocument>,
    /// With another content.
    changed: Vec<ChangedEntry>,
    /// How many have the same content, packed in another way.
    repacked: u64,
    unchanged: u64,
    /// Of the manifest.
    manifest: Vec<Change>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChangedEntry {
    old: EntryDocument,
    new: EntryDocument,
}

/// A field, old and new; what is absent was added or removed.
#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<String>,
}

/// What a file is to a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// The delta is applied to it.
    Source,
    /// The delta makes it.
    Target,
    Neither,
    /// The format does not say.
    Unstated,
}

/// The other JAR may be odd; only the one that is looked at must keep to `--strict` and `--max-java`.
pub(super) fn jars(other: &Path, new: &Listing) -> Result<Against, Failure> {
    let old = list(other, &JarLimits::default()).map_err(|error| jar::refused(other, error))?;
    let Comparison {
        added,
        removed,
        changed,
        repacked,
        unchanged,
        attributes,
    } = compare(&old, new);
    let changed = changed.iter().map(|(old, new)| ChangedEntry {
        old: old.into(),
        new: new.into(),
    });
    let attributes = attributes.into_iter().map(|attribute| Change {
        name: attribute.name,
        old: attribute.old,
        new: attribute.new,
    });
    against(
        other,
        Changes::Jar(JarChanges {
            added: added.iter().map(EntryDocument::from).collect(),
            removed: removed.iter().map(EntryDocument::from).collect(),
            changed: changed.collect(),
            repacked,
            unchanged,
            manifest: attributes.collect(),
        }),
    )
}

pub(super) fn delta(other: &Path, patch: &Patch) -> Result<Against, Failure> {
    let (sha256, _) = sum(other)?;
    let role = match patch.ends() {
        None => Role::Unstated,
        Some((source, _)) if source == sha256 => Role::Source,
        Some((_, target)) if target == sha256 => Role::Target,
        Some(_) => Role::Neither,
    };
    against(other, Changes::Delta { role })
}

pub(super) fn releases(other: &Path, new: &ReleaseFile) -> Result<Against, Failure> {
    let (old, new) = (fields(&release::read(other)?)?, fields(new)?);
    let mut changes = Vec::new();
    for (name, value) in &old {
        if new.get(name) != Some(value) {
            changes.push(Change {
                name: name.clone(),
                old: Some(value.clone()),
                new: new.get(name).cloned(),
            });
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    changes.extend(added.map(|(name, value)| Change {
        name: name.clone(),
        old: None,
        new: Some(value.clone()),
    }));
    against(other, Changes::Release { fields: changes })
}

fn against(other: &Path, changes: Changes) -> Result<Against, Failure> {
    let (sha256, _) = sum(other)?;
    Ok(Against {
        file: other.display().to_string(),
        sha256,
        changes,
    })
}

/// Every field with its path, such as `artifacts.0.sha256`.
fn fields(release: &ReleaseFile) -> Result<BTreeMap<String, String>, Failure> {
    let root = serde_json::to_value(release).map_err(|error| Failure::error(error.to_string()))?;
    let mut fields = BTreeMap::new();
    let mut left = vec![(String::new(), root)];
    while let Some((path, value)) = left.pop() {
        let below = |name: &str| match path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        match value {
            Value::Object(object) => {
                left.extend(
                    object
                        .into_iter()
                        .map(|(name, value)| (below(&name), value)),
                );
            }
            Value::Array(array) => {
                let numbered = array.into_iter().enumerate();
                left.extend(numbered.map(|(index, value)| (below(&index.to_string()), value)));
            }
            Value::String(text) => {
                fields.insert(path, text);
            }
            value @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
                fields.insert(path, value.to_string());
            }
        }
    }
    Ok(fields)
}

impl Against {
    pub(super) fn describe(&self, sha256: Checksum, is_full: bool) -> String {
        let file = &self.file;
        if self.sha256 == sha256 {
            return format!("against {file}: the same bytes");
        }
        match &self.changes {
            Changes::Jar(changes) => format!("against {file}: {}", changes.describe(is_full)),
            Changes::Delta { role } => match role {
                Role::Source => format!("against {file}: the delta is applied to it"),
                Role::Target => format!("against {file}: the delta makes it"),
                Role::Neither => format!("against {file}: the delta has nothing to do with it"),
                Role::Unstated => {
                    format!("against {file}: only applying it shows what the delta is for")
                }
            },
            Changes::Release { fields } if fields.is_empty() => {
                format!("against {file}: nothing changed")
            }
            Changes::Release { fields } => {
                let lines = fields.iter().map(Change::describe);
                format!("against {file}:\n{}", lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

impl JarChanges {
    fn describe(&self, is_full: bool) -> String {
        let mut text = format!(
            "{} added, {} removed, {} changed, {} the same",
            self.added.len(),
            self.removed.len(),
            self.changed.len(),
            self.unchanged + self.repacked
        );
        if self.repacked > 0 {
            text.push_str(&format!(" ({} packed in another way)", self.repacked));
        }
        if self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() {
            text.push_str("\nonly times, order, extra fields or compression differ");
        }
        let added = self.added.iter().map(|entry| ('+', entry.describe_alone()));
        let removed = self
            .removed
            .iter()
            .map(|entry| ('-', entry.describe_alone()));
        let changed = self.changed.iter().map(|entry| ('~', entry.describe()));
        for lines in [
            added.collect::<Vec<_>>(),
            removed.collect(),
            changed.collect(),
        ] {
            let shown = if is_full { lines.len() } else { SHOWN };
            for (mark, line) in lines.iter().take(shown) {
                text.push_str(&format!("\n  {mark} {line}"));
            }
            if let Some((mark, _)) = lines.get(shown) {
                let more = lines.len() - shown;
                text.push_str(&format!("\n  {mark} and {more} more; --list shows all"));
            }
        }
        for change in &self.manifest {
            text.push_str(&format!("\n{}", change.describe()));
        }
        text
    }
}

impl ChangedEntry {
    fn describe(&self) -> String {
        format!(
            "{}   {} → {}",
            self.new.name,
            format_size(self.old.size_bytes),
            format_size(self.new.size_bytes)
        )
    }
}

impl Change {
    fn describe(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        format!(
            "  {}: {} → {}",
            self.name,
            shown(&self.old),
            shown(&self.new)
        )
    }
}
