//! Taking in a delta. It is applied here before it is accepted: one that does not rebuild its target is worth nothing
//! to any client. What that may cost is bounded by the sizes of both files, in memory and in time.

use std::io::{self, Read};
use std::sync::Arc;

use delta::{ApplyLimits, Format};
use protocol::api::DeltaSummary;
use protocol::{Checksum, Code, DeltaSource, Timestamp, Version};

use super::lifecycle::find;
use super::publish::{ReceivedFile, check_received};
use super::views;
use crate::app::App;
use crate::auth::Caller;
use crate::blobs::{Blobs, Staged};
use crate::error::ApiError;
use crate::store::{Actor, BlobRef, Catalog, Delta, Release, StoreError};

/// A patch is never this much larger than the file that it makes: both formats pack what they cannot refer to.
const PATCH_OVERHEAD_BYTES: u64 = 1 << 20;

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

/// The file that a delta starts from; `None` where it starts from nothing.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_REQUEST` from a version to itself.
fn source_file(
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

/// The bytes that a delta starts from.
///
/// # Errors
/// The file cannot be read.
fn read_source(blobs: &Blobs, source: Option<BlobRef>) -> Result<Vec<u8>, ApiError> {
    source.map_or_else(|| Ok(Vec::new()), |blob| read_blob(blobs, &blob))
}

/// All bytes of a release or delta.
///
/// # Errors
/// The file cannot be read.
fn read_blob(blobs: &Blobs, blob: &BlobRef) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut file = blobs.open_blob(blob)?;
    file.read_to_end(&mut bytes)
        .map_err(|error| ApiError::server_error(&error))?;
    Ok(bytes)
}

/// Applies a patch within limits, and compares what comes out with the target. Nothing of it is kept.
///
/// # Errors
/// It is damaged, made for another file, makes another file, or costs too much.
fn check_rebuilds(
    old: &[u8],
    patch: &[u8],
    target: &BlobRef,
    limits: &ApplyLimits,
) -> Result<(), delta::Error> {
    let applied = delta::apply(old, patch, limits, &mut io::sink())?;
    let expected = *target.checksum.as_bytes();
    if applied.sha256 != expected {
        let actual = applied.sha256;
        return Err(delta::Error::ResultMismatch { expected, actual });
    }
    Ok(())
}

fn refused(reason: delta::Error) -> ApiError {
    ApiError::new(Code::InvalidArtifact, reason.to_string())
}

fn read_patch(staged: &Staged, target: &BlobRef) -> Result<Vec<u8>, ApiError> {
    let (size, full) = (staged.size_bytes(), target.size_bytes);
    if size > full.saturating_add(PATCH_OVERHEAD_BYTES) {
        let message =
            format!("this delta has {size} bytes, the file that it is to make only {full}");
        return Err(ApiError::new(Code::InvalidArtifact, message));
    }
    std::fs::read(staged.path()).map_err(|error| ApiError::server_error(&error))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_a_check_may_cost_is_bounded_in_memory_in_output_and_in_time() {
        let (old, new) = fixtures::jars::jar_pair(1, 100_000);
        let target = BlobRef {
            checksum: Checksum::from_bytes(delta::checksum::sha256(&new)),
            size_bytes: new.len() as u64,
        };
        let limits = ApplyLimits::for_sizes(old.len() as u64, new.len() as u64);
        assert!(limits.max_duration.is_some(), "a check would have no end");
        for format in Format::ALL {
            let patch = delta::create(*format, &old, &new, delta::Options::default()).unwrap();
            let check = |limits: ApplyLimits| check_rebuilds(&old, &patch, &target, &limits);
            check(limits).unwrap();
            let no_memory = check(ApplyLimits {
                max_memory_bytes: 1000,
                ..limits
            });
            assert!(matches!(
                no_memory,
                Err(delta::Error::MemoryTooLarge { .. })
            ));
            let no_output = check(ApplyLimits {
                max_output_bytes: 1000,
                ..limits
            });
            assert!(matches!(
                no_output,
                Err(delta::Error::OutputTooLarge { .. })
            ));
            let no_time = check(ApplyLimits {
                max_duration: Some(Duration::ZERO),
                ..limits
            });
            assert!(matches!(no_time, Err(delta::Error::TooSlow { .. })));
            let other = BlobRef {
                checksum: Checksum::from_bytes([0; 32]),
                ..target
            };
            let mismatch = check_rebuilds(&old, &patch, &other, &limits);
            assert!(matches!(mismatch, Err(delta::Error::ResultMismatch { .. })));
        }
    }
}
