//! `relctl delta inspect`: what a patch says of itself, without applying it.

use std::path::Path;

use delta::{Contents, EntryCounts, Stated};
use protocol::Checksum;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::units::{format_share, format_size};

/// A patch, for scripts. A zstd frame says nothing of what it is for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Inspected {
    file: String,
    format: &'static str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<StatedDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<EntriesDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    streams: Vec<StreamDocument>,
}

/// What only the format `jar` states.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StatedDocument {
    source_sha256: Checksum,
    source_bytes: u64,
    target_sha256: Checksum,
    target_bytes: u64,
    /// What applying it unpacks and packs again.
    rebuilt_bytes: u64,
    /// Old contents that new ones refer to.
    referred_bytes: u64,
    memory_bytes: u64,
}

/// How many entries of the new file come about in which way.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EntriesDocument {
    copied: u64,
    /// An old content, packed in another way.
    repacked: u64,
    patched: u64,
    new: u64,
    /// JARs inside that are put together entry by entry, and counted here besides.
    nested: u64,
}

/// A stream of the patch; `docs/delta-format.md` says what each holds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StreamDocument {
    name: String,
    size_bytes: u64,
    unpacked_bytes: u64,
}

pub(in crate::commands) fn inspect(path: &Path) -> Result<Inspected, Failure> {
    let patch = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let summary = delta::inspect(&patch)
        .map_err(|error| Failure::check(format!("{}: {error}", path.display())))?;
    Ok(Inspected {
        file: path.display().to_string(),
        format: summary.format.name(),
        size_bytes: summary.patch_bytes,
        stated: summary.stated.map(document),
        entries: summary
            .contents
            .as_ref()
            .map(|contents| entries(contents.entries)),
        streams: summary.contents.map(streams).unwrap_or_default(),
    })
}

fn entries(counts: EntryCounts) -> EntriesDocument {
    let EntryCounts {
        copied,
        repacked,
        patched,
        new,
        nested,
    } = counts;
    EntriesDocument {
        copied,
        repacked,
        patched,
        new,
        nested,
    }
}

fn streams(contents: Contents) -> Vec<StreamDocument> {
    let document = |stream: delta::StreamSize| StreamDocument {
        name: stream.name,
        size_bytes: stream.packed_bytes,
        unpacked_bytes: stream.raw_bytes,
    };
    contents.streams.into_iter().map(document).collect()
}

fn document(stated: Stated) -> StatedDocument {
    let Stated {
        base,
        result,
        base_bytes,
        result_bytes,
        plain_bytes,
        image_bytes,
        memory_bytes,
    } = stated;
    StatedDocument {
        source_sha256: Checksum::from_bytes(base),
        source_bytes: base_bytes,
        target_sha256: Checksum::from_bytes(result),
        target_bytes: result_bytes,
        rebuilt_bytes: plain_bytes,
        referred_bytes: image_bytes,
        memory_bytes,
    }
}

impl Inspected {
    /// The SHA-256 of the old and of the new file, where the patch names them.
    pub(in crate::commands) fn ends(&self) -> Option<(Checksum, Checksum)> {
        let stated = self.stated.as_ref()?;
        Some((stated.source_sha256, stated.target_sha256))
    }

    pub(in crate::commands) fn describe(&self) -> String {
        let size = format_size(self.size_bytes);
        let Some(stated) = &self.stated else {
            return format!(
                "{}: {}, {size}\nSuch a patch does not say which files it is for.",
                self.file, self.format
            );
        };
        let mut text = format!(
            "{}: {}, {size} ({} of the new file)\n\
             old      {}, sha256 {}\n\
             new      {}, sha256 {}\n\
             rebuilt  {} of contents; the rest is copied\n\
             refers   to {} of old contents\n\
             memory   {} to apply",
            self.file,
            self.format,
            format_share(self.size_bytes, stated.target_bytes),
            format_size(stated.source_bytes),
            stated.source_sha256,
            format_size(stated.target_bytes),
            stated.target_sha256,
            format_size(stated.rebuilt_bytes),
            format_size(stated.referred_bytes),
            format_size(stated.memory_bytes)
        );
        if let Some(entries) = &self.entries {
            text.push_str(&format!("\nentries  {}", entries.describe()));
        }
        for stream in &self.streams {
            text.push_str(&format!("\n  {}", stream.describe(self.size_bytes)));
        }
        text
    }
}

impl EntriesDocument {
    /// `1207 copied, 3 repacked, 24 patched, 5 new`.
    fn describe(&self) -> String {
        let counts = [
            (self.copied, "copied"),
            (self.repacked, "repacked"),
            (self.patched, "patched"),
            (self.new, "new"),
            (self.nested, "JARs of entries"),
        ];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        said.join(", ")
    }
}

impl StreamDocument {
    fn describe(&self, patch_bytes: u64) -> String {
        format!(
            "{:<16} {:>9} ({}), {} unpacked",
            self.name,
            format_size(self.size_bytes),
            format_share(self.size_bytes, patch_bytes),
            format_size(self.unpacked_bytes)
        )
    }
}
