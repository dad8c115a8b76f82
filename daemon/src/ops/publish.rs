//! Taking in a release: what its form must say, and the steps that make it durable.
//!
//! Form fields are understood as they arrive, so a bad one is refused before any byte of the file is stored. The last
//! steps (keep the file, decide, record, announce) run as one piece of work that ends even when the publisher hangs
//! up; until the record is written nothing of the upload can be seen.

mod fields;

use std::sync::Arc;

use protocol::api::{ReleaseState, ReleaseView, Role};
use protocol::{Channel, Checksum, Code, ReleaseId, Timestamp, Version};

pub use fields::ReleaseFields;

use super::{require, views};
use crate::app::App;
use crate::auth::Caller;
use crate::blobs::Staged;
use crate::error::ApiError;
use crate::store::{Actor, BlobRef, Catalog, Release};

/// A file that was received, and the name that the publisher gave it.
#[derive(Debug)]
pub struct ReceivedFile {
    /// The bytes.
    pub staged: Staged,
    /// The name, where one was given.
    pub name: Option<String>,
}

/// What came of a create.
#[derive(Debug)]
pub struct Published {
    /// The release.
    pub release: ReleaseView,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Lets only publishers through, and only when something can be stored. To be asked before the body is read.
///
/// # Errors
/// `FORBIDDEN`, or `UNAVAILABLE` when the store is read-only.
pub fn allow(app: &App, caller: &Caller) -> Result<(), ApiError> {
    require(caller, Role::Publisher)?;
    match app.store.read_only_reason() {
        Some(reason) => Err(crate::store::StoreError::ReadOnly { reason }.into()),
        None => Ok(()),
    }
}

/// Checks that the received bytes are the stated ones and a JAR. It reads the whole file: for the blocking pool.
///
/// # Errors
/// `CHECKSUM_MISMATCH` or `INVALID_ARTIFACT`.
pub fn check_artifact(staged: &mut Staged, stated: Option<Checksum>) -> Result<BlobRef, ApiError> {
    let blob = check_received(staged, stated)?;
    match delta::jar::inspect(staged.path(), &delta::jar::JarLimits::default()) {
        Ok(summary) => {
            for warning in &summary.warnings {
                tracing::info!(warning, "a JAR is odd but works");
            }
            Ok(blob)
        }
        Err(delta::jar::JarError::Io(error)) => Err(ApiError::server_error(&error)),
        Err(error) => Err(ApiError::new(Code::InvalidArtifact, error.to_string())),
    }
}

/// Checks that the received bytes are the stated ones.
///
/// # Errors
/// `CHECKSUM_MISMATCH`.
pub fn check_received(staged: &mut Staged, stated: Option<Checksum>) -> Result<BlobRef, ApiError> {
    let blob = staged.finish()?;
    match stated {
        Some(stated) if stated != blob.checksum => {
            let found = blob.checksum;
            let message = format!(
                "the bytes received have the SHA-256 {found}, not {stated}; send them again"
            );
            Err(ApiError::new(Code::ChecksumMismatch, message))
        }
        Some(_) | None => Ok(blob),
    }
}

/// Publishes a release whose file was checked. Runs to its end on the blocking pool.
///
/// # Errors
/// `CONFLICT` when the version is there with other bytes or metadata, or is not newer than its channel's newest;
/// `INVALID_REQUEST` when a field is missing; errors of the disk.
pub fn create(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    fields: ReleaseFields,
    file: ReceivedFile,
    blob: BlobRef,
) -> Result<Published, ApiError> {
    fields.check()?;
    let allow_older = fields.allow_older.unwrap_or(false);
    let release = new_release(caller, &fields, &file, blob)?;
    let _deciding = app.decide();
    let catalog = app.store.catalog();
    if let Some(existing) = catalog.same_precedence(&release.version) {
        return same_again(&catalog, existing, &release, &fields, file.name.is_some());
    }
    if !allow_older {
        must_be_newer(&catalog, &release)?;
    }
    let kept = app.blobs.keep(file.staged).map_err(ApiError::from);
    let stored = kept.and_then(|_| {
        app.store
            .create_release(actor, release)
            .map_err(ApiError::from)
    });
    let release = stored.inspect_err(|_| app.forget_unreferenced())?;
    tracing::info!(version = %release.version, channel = %release.channel, state = release.state.as_str(), "a release was stored");
    app.announce(&release);
    Ok(Published {
        release: views::release_view(&app.store.catalog(), &release),
        is_new: true,
    })
}

fn new_release(
    caller: &Caller,
    fields: &ReleaseFields,
    file: &ReceivedFile,
    blob: BlobRef,
) -> Result<Release, ApiError> {
    let version = fields
        .version
        .clone()
        .ok_or_else(|| ApiError::invalid_field("versionNumber", "this part is required"))?;
    let now = Timestamp::now();
    let is_draft = fields.is_draft.unwrap_or(false);
    Ok(Release {
        id: ReleaseId::generate(),
        channel: fields.channel.clone().unwrap_or_else(Channel::stable),
        state: if is_draft {
            ReleaseState::Draft
        } else {
            ReleaseState::Active
        },
        is_mandatory: fields.is_mandatory.unwrap_or(false),
        release_notes: fields.release_notes.as_deref().unwrap_or_default().into(),
        minimum_client_version: fields
            .minimum_client_version
            .clone()
            .unwrap_or(Version::ZERO),
        file_name: file
            .name
            .clone()
            .unwrap_or_else(|| format!("{version}.jar")),
        blob,
        rollout_percentage: fields.rollout_percentage.unwrap_or(100),
        platforms: fields.platforms.clone().unwrap_or_default(),
        signature: fields.signature.clone(),
        created_by: caller.username.clone(),
        created_at: now,
        updated_at: now,
        revision: 0,
        version,
    })
}

fn must_be_newer(catalog: &Catalog, release: &Release) -> Result<(), ApiError> {
    let newest = catalog
        .releases()
        .iter()
        .find(|other| other.channel == release.channel && other.state == ReleaseState::Active);
    match newest {
        Some(newest) if !release.version.is_newer_than(&newest.version) => {
            Err(ApiError::conflict(format!(
                "{} is not newer than {}, the newest active release of {}; send allowOlder=true for a maintenance release",
                release.version, newest.version, release.channel
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// A publish that was sent twice is one publish, if both say the same.
fn same_again(
    catalog: &Catalog,
    existing: &Arc<Release>,
    sent: &Release,
    fields: &ReleaseFields,
    is_named: bool,
) -> Result<Published, ApiError> {
    let is_rollout_other = fields.rollout_percentage.is_some()
        && existing.rollout_percentage != sent.rollout_percentage;
    // `draft` is not compared: a draft that was activated since is still the same publish.
    let differences = [
        ("versionNumber", existing.version != sent.version),
        ("file", existing.blob != sent.blob),
        (
            "file name",
            is_named && existing.file_name != sent.file_name,
        ),
        ("releaseChannel", existing.channel != sent.channel),
        ("isMandatory", existing.is_mandatory != sent.is_mandatory),
        ("releaseNotes", existing.release_notes != sent.release_notes),
        (
            "minimumClientVersion",
            existing.minimum_client_version != sent.minimum_client_version,
        ),
        ("rolloutPercentage", is_rollout_other),
        ("platforms", existing.platforms != sent.platforms),
        ("signature", existing.signature != sent.signature),
    ];
    let differing: Vec<&str> = differences
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| *name)
        .collect();
    if differing.is_empty() {
        return Ok(Published {
            release: views::release_view(catalog, existing),
            is_new: false,
        });
    }
    Err(ApiError::conflict(format!(
        "version {} exists with another {}; published versions never change, so publish a new one",
        existing.version,
        differing.join(", ")
    )))
}
