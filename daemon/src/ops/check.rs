//! What a client should install next, and what a release is (contract section 4).

use std::sync::Arc;

use protocol::api::{CheckAnswer, CheckQuery, DeltaAnswer, ReleaseMetadata, ReleaseState, Role};
use protocol::{Channel, DeltaSource, Timestamp, Version};

use super::views;
use crate::app::App;
use crate::auth::Caller;
use crate::compat;
use crate::error::ApiError;
use crate::store::Release;

/// Answers a check.
///
/// # Errors
/// `NOT_FOUND` for a channel that the daemon does not have.
pub fn check(app: &App, query: &CheckQuery, now: Timestamp) -> Result<CheckAnswer, ApiError> {
    let channel = query.channel.clone().unwrap_or_else(Channel::stable);
    require_channel(app, &channel)?;
    let catalog = app.store.catalog();
    let channels = [channel];
    let client = compat::Query {
        current_version: &query.current_version,
        channels: &channels,
        client_id: query.client_id.as_ref(),
        platform: query.platform.as_ref(),
    };
    let offer = compat::offer(&catalog, &app.config.channels, &client, now);
    let install = offer.install.as_deref();
    let current = DeltaSource::Version(query.current_version.clone());
    let delta_from = |from| install.and_then(|to| views::delta_answer(&catalog, from, to));
    Ok(CheckAnswer {
        update_available: install.is_some(),
        latest_version: install.map_or_else(
            || query.current_version.clone(),
            |release| release.version.clone(),
        ),
        current_version: query.current_version.clone(),
        is_mandatory: install.is_some_and(|release| release.is_mandatory),
        release_notes: install
            .map(|release| release.release_notes.to_string())
            .unwrap_or_default(),
        download_url: install.map(|release| views::download_url(&release.version)),
        file_size: install.map(|release| release.blob.size_bytes),
        checksum: install.map(|release| release.blob.checksum),
        minimum_client_version: install.map_or(Version::ZERO, |release| {
            release.minimum_client_version.clone()
        }),
        release_channel: install.map(|release| release.channel.clone()),
        is_rollback: offer.is_rollback,
        newest_version: offer.newest.map(|release| release.version.clone()),
        compatibility_issue: offer.issue,
        delta: delta_from(&current),
        compressed: delta_from(&DeltaSource::Nothing),
        signature: install.and_then(|release| release.signature.clone()),
    })
}

/// Refuses channels that the daemon does not have.
///
/// # Errors
/// `NOT_FOUND`.
pub fn require_channel(app: &App, channel: &Channel) -> Result<(), ApiError> {
    if app.config.channels.contains(channel) {
        return Ok(());
    }
    Err(ApiError::not_found(format!(
        "channel {channel} does not exist"
    )))
}

/// Finds a release that this caller may fetch. Publishers may fetch all of them; others only what is offered, and
/// they are told the same of a withdrawn version as of one that never was.
///
/// # Errors
/// `NOT_FOUND`.
pub fn find_for(app: &App, caller: &Caller, version: &Version) -> Result<Arc<Release>, ApiError> {
    let catalog = app.store.catalog();
    let release = catalog.by_version(version).cloned();
    release
        .filter(|release| release.state == ReleaseState::Active || caller.role >= Role::Publisher)
        .ok_or_else(|| ApiError::not_found(format!("version {version} does not exist")))
}

/// What a release is.
///
/// # Errors
/// `NOT_FOUND`.
pub fn metadata(
    app: &App,
    caller: &Caller,
    version: &Version,
) -> Result<ReleaseMetadata, ApiError> {
    find_for(app, caller, version).map(|release| views::release_metadata(&release))
}

/// The deltas between two versions, or those from nothing.
///
/// # Errors
/// `NOT_FOUND` when there is none; `INVALID_REQUEST` from a version to itself.
pub fn deltas(
    app: &App,
    caller: &Caller,
    from: &DeltaSource,
    to: &Version,
) -> Result<DeltaAnswer, ApiError> {
    if matches!(from, DeltaSource::Version(from) if from == to) {
        return Err(ApiError::invalid(format!(
            "from and to are both {from}; a delta leads to another version"
        )));
    }
    let release = find_for(app, caller, to)?;
    views::delta_answer(&app.store.catalog(), from, &release).ok_or_else(|| {
        let url = views::download_url(to);
        let problem = match from {
            DeltaSource::Nothing => format!("{to} is not there compressed"),
            DeltaSource::Version(from) => format!("there is no delta from {from} to {to}"),
        };
        ApiError::not_found(format!("{problem}; fetch {url} instead"))
    })
}
