//! `relctl delta inspect`: what a patch says of itself, without applying it.

use delta::Stated;
use protocol::Checksum;
use serde::Serialize;

use crate::args::DeltaInspectArgs;
use crate::failure::Failure;
use crate::units::{format_share, format_size};

/// A patch, for scripts. A zstd frame says nothing of what it is for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inspected {
    file: String,
    format: &'static str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<StatedDocument>,
}

/// What only the format `jar` states.
#[derive(Debug, Serialize)]
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

pub(super) fn inspect(args: &DeltaInspectArgs) -> Result<Inspected, Failure> {
    let path = &args.patch;
    let patch = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let summary = delta::inspect(&patch)
        .map_err(|error| Failure::check(format!("{}: {error}", path.display())))?;
    Ok(Inspected {
        file: path.display().to_string(),
        format: summary.format.name(),
        size_bytes: summary.patch_bytes,
        stated: summary.stated.map(document),
    })
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
    pub(super) fn describe(&self) -> String {
        let size = format_size(self.size_bytes);
        let Some(stated) = &self.stated else {
            return format!(
                "{}: {}, {size}\nSuch a patch does not say which files it is for.",
                self.file, self.format
            );
        };
        format!(
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
        )
    }
}
