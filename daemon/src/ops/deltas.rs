//! Taking in a delta. It is applied here before it is accepted: one that does not rebuild its target is worth nothing
//! to any client. What that may cost is bounded by the sizes of both files, in memory and in time.

pub(crate) mod rebuild;

use std::sync::Arc;

use delta::{ApplyLimits, Format};
use protocol::api::DeltaSummary;
use protocol::{Checksum, Code, DeltaSource, Timestamp, Version};

use super::lifecycle::find;
use super::publish::{ReceivedFile, check_received};
use super::views;
use crate::app::App;
use crate::auth::Caller;
use crate::blobs::Staged;
use crate::error::ApiError;
use crate::store::{Actor, BlobRef, Catalog, Delta, Release, StoreError};
use rebuild::{check_rebuilds, read_patch, read_source};

/// The fields of a delta upload, each checked when it was set.
#[derive(Clone, Debug, Default)]
pub struct DeltaFields {
    from: Option<DeltaSource>,
    format: Option<Format>,
    checksum: Option<Checksum>,
}

impl DeltaFields {
    /// Takes one field of the form. Unknown ones are passed over.
    ///
    /// # Errors
    /// `INVALID_VERSION` or `INVALID_REQUEST`, naming the field.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        let invalid = |error: &dyn std::fmt::Display| ApiError::invalid_field(name, error);
        match name {
            "fromVersion" => {
                let from = text
                    .parse()
                    .map_err(|error| ApiError::invalid_version(name, error))?;
                self.from = Some(from);
            }
            "format" => self.format = Some(text.parse().map_err(|error| invalid(&error))?),
            "checksum" => self.checksum = Some(text.parse().map_err(|error| invalid(&error))?),
            _ => {}
        }
        Ok(())
    }
}

/// What came of a delta upload.
#[derive(Debug)]
pub struct Added {
    /// The delta.
    pub delta: DeltaSummary,
    /// The version that it rebuilds.
    pub to: Version,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// The release that a delta shall lead to. To be asked before the body is read.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`, or `UNAVAILABLE` when the store is read-only.
pub fn target(app: &App, caller: &Caller, id: &str) -> Result<Arc<Release>, ApiError> {
    super::publish::allow(app, caller)?;
    let catalog = app.store.catalog();
    find(&catalog, id).cloned()
}

/// Applies a delta and stores it when it rebuilds its target. Reads the old file into memory: for the blocking pool,
/// under a permit of [`App::delta_check`].
///
/// # Errors
/// `INVALID_ARTIFACT` when it does not, or when applying it costs more than an honest one does; `CHECKSUM_MISMATCH`;
/// `NOT_FOUND` when the source is not there; `CONFLICT` when another delta of this format is there; `INVALID_REQUEST`
/// when a field is missing; errors of the disk.
pub fn add(
    app: &App,
    actor: &Actor,
    to: &Release,
    fields: &DeltaFields,
    mut file: ReceivedFile,
) -> Result<Added, ApiError> {
    let required = |field: &str| ApiError::invalid_field(field, "this part is required");
    let from = fields
        .from
        .as_ref()
        .ok_or_else(|| required("fromVersion"))?;
    let format = fields.format.ok_or_else(|| required("format"))?;
    if from.is_nothing() && format != Format::Jar {
        let problem = "a delta from nothing is of format jar";
        return Err(ApiError::invalid_field("format", problem));
    }
    let catalog = app.store.catalog();
    let source = source_file(&catalog, from, to)?;
    let blob = check_received(&mut file.staged, fields.checksum)?;
    let delta = record(from, source, to, format, blob);
    if let Some(existing) = catalog.delta(from, &to.version, &delta.format) {
        return same_again(existing, &delta);
    }
    let patch = read_patch(&file.staged, &to.blob)?;
    let found = Format::detect(&patch).map_err(refused)?;
    if found != format {
        let message = format!("this is a delta of format {found}, not {format}");
        return Err(ApiError::new(Code::InvalidArtifact, message));
    }
    let old = read_source(&app.blobs, source)?;
    let limits = ApplyLimits::for_sizes(old.len() as u64, to.blob.size_bytes);
    check_rebuilds(&old, &patch, &to.blob, &limits).map_err(refused)?;
    store(app, actor, delta, file.staged)
}

/// Stores a delta that was made here and did rebuild its target. For the blocking pool.
///
/// # Errors
/// `NOT_FOUND` when the source is not there; `CONFLICT` when another delta of this format is there; errors of the disk.
pub(crate) fn add_built(
    app: &App,
    from: &DeltaSource,
    to: &Release,
    format: Format,
    patch: &[u8],
) -> Result<Added, ApiError> {
    let source = source_file(&app.store.catalog(), from, to)?;
    let mut staged = app.blobs.stage()?;
    staged.write(patch)?;
    let blob = staged.finish()?;
    let delta = record(from, source, to, format, blob);
    store(app, &Actor::daemon(), delta, staged)
}

/// The file that a delta starts from; `None` where it starts from nothing.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_REQUEST` from a version to itself.
pub(crate) fn source_file(
    catalog: &Catalog,
    from: &DeltaSource,
    to: &Release,
) -> Result<Option<BlobRef>, ApiError> {
    let DeltaSource::Version(from) = from else {
        return Ok(None);
    };
    let source = catalog
        .by_version(from)
        .ok_or_else(|| ApiError::not_found(format!("version {from} does not exist")))?;
    if source.id == to.id {
        return Err(ApiError::invalid_field(
            "fromVersion",
            "a delta leads to another version",
        ));
    }
    Ok(Some(source.blob))
}

fn refused(reason: delta::Error) -> ApiError {
    ApiError::new(Code::InvalidArtifact, reason.to_string())
}

fn record(
    from: &DeltaSource,
    source: Option<BlobRef>,
    to: &Release,
    format: Format,
    blob: BlobRef,
) -> Delta {
    let no_bytes = || Checksum::from_bytes(delta::checksum::sha256(b""));
    Delta {
        from: from.clone(),
        to: to.version.clone(),
        format: format.name().to_owned(),
        blob,
        source_checksum: source.map_or_else(no_bytes, |source| source.checksum),
        target_checksum: to.blob.checksum,
        created_at: Timestamp::now(),
    }
}

fn store(app: &App, actor: &Actor, delta: Delta, staged: Staged) -> Result<Added, ApiError> {
    let _deciding = app.decide();
    let kept = app.blobs.keep(staged).map_err(ApiError::from);
    let stored = match kept {
        Ok(_) => app.store.add_delta(actor, delta.clone()),
        Err(error) => {
            app.forget_unreferenced();
            return Err(error);
        }
    };
    match stored {
        Ok(stored) => {
            tracing::info!(from = %stored.from, to = %stored.to, format = stored.format, "a delta was stored");
            Ok(Added {
                delta: views::delta_summary(&stored),
                to: stored.to.clone(),
                is_new: true,
            })
        }
        Err(error) => {
            app.forget_unreferenced();
            let catalog = app.store.catalog();
            let other = catalog.delta(&delta.from, &delta.to, &delta.format);
            match (error, other) {
                // Somebody sent one meanwhile.
                (StoreError::Exists { .. }, Some(existing)) => same_again(existing, &delta),
                (error, _) => Err(error.into()),
            }
        }
    }
}

fn same_again(existing: &Delta, sent: &Delta) -> Result<Added, ApiError> {
    if existing.blob == sent.blob {
        return Ok(Added {
            delta: views::delta_summary(existing),
            to: existing.to.clone(),
            is_new: false,
        });
    }
    Err(ApiError::conflict(format!(
        "there is another {} delta from {} to {} already; stored deltas never change",
        sent.format, sent.from, sent.to
    )))
}
