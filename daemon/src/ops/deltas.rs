//! Taking in a delta. It is applied here before it is accepted: one that does not rebuild its target is worth nothing
//! to any client.

use std::sync::Arc;

use protocol::api::DeltaSummary;
use protocol::{Checksum, Code, Timestamp, Version};

use super::lifecycle::find;
use super::publish::{ReceivedFile, check_received};
use super::views;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::store::{Actor, BlobRef, Delta, Release, StoreError};

/// The fields of a delta upload, each checked when it was set.
#[derive(Clone, Debug, Default)]
pub struct DeltaFields {
    from: Option<Version>,
    format: Option<delta::Format>,
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
                let version = text
                    .parse()
                    .map_err(|error| ApiError::invalid_version(name, error))?;
                self.from = Some(version);
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

/// Applies a delta and stores it when it rebuilds its target. Reads both files into memory: for the blocking pool,
/// under a permit of [`App::delta_check`].
///
/// # Errors
/// `INVALID_ARTIFACT` when it does not; `CHECKSUM_MISMATCH`; `NOT_FOUND` when the source is not there;
/// `CONFLICT` when another delta of this format is there; `INVALID_REQUEST` when a field is missing; errors of the disk.
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
    let catalog = app.store.catalog();
    let source = catalog
        .by_version(from)
        .ok_or_else(|| ApiError::not_found(format!("version {from} does not exist")))?;
    if source.id == to.id {
        return Err(ApiError::invalid_field(
            "fromVersion",
            "a delta leads to another version",
        ));
    }
    let blob = check_received(&mut file.staged, fields.checksum)?;
    let delta = Delta {
        from: source.version.clone(),
        to: to.version.clone(),
        format: format.name().to_owned(),
        blob,
        source_checksum: source.blob.checksum,
        target_checksum: to.blob.checksum,
        created_at: Timestamp::now(),
    };
    let existing = catalog
        .deltas_between(&delta.from, &delta.to)
        .into_iter()
        .find(|other| other.format == delta.format);
    if let Some(existing) = existing {
        return same_again(&existing, &delta);
    }
    verify(app, source, to, format, &file)?;
    store(app, actor, delta, file)
}

fn verify(
    app: &App,
    source: &Release,
    to: &Release,
    format: delta::Format,
    file: &ReceivedFile,
) -> Result<(), ApiError> {
    let patch =
        std::fs::read(file.staged.path()).map_err(|error| ApiError::server_error(&error))?;
    let refused =
        |reason: &dyn std::fmt::Display| ApiError::new(Code::InvalidArtifact, reason.to_string());
    let found = delta::Format::detect(&patch).map_err(|error| refused(&error))?;
    if found != format {
        return Err(refused(&format_args!(
            "this is a delta of format {found}, not {format}"
        )));
    }
    let old = read(app, &source.blob)?;
    let new = read(app, &to.blob)?;
    delta::verify(&old, &patch, &new).map_err(|error| refused(&error))
}

fn read(app: &App, blob: &BlobRef) -> Result<Vec<u8>, ApiError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let mut file = app.blobs.open_blob(blob)?;
    file.read_to_end(&mut bytes)
        .map_err(|error| ApiError::server_error(&error))?;
    Ok(bytes)
}

fn store(app: &App, actor: &Actor, delta: Delta, file: ReceivedFile) -> Result<Added, ApiError> {
    let _deciding = app.decide();
    let kept = app.blobs.keep(file.staged).map_err(ApiError::from);
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
            let other = app.store.catalog().deltas_between(&delta.from, &delta.to);
            match (
                error,
                other.into_iter().find(|other| other.format == delta.format),
            ) {
                // Somebody sent one meanwhile.
                (StoreError::Exists { .. }, Some(existing)) => same_again(&existing, &delta),
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
