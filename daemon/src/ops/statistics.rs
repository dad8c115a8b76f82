//! The fleet in numbers: what the hub sees now, and what was counted since the daemon first ran.

use std::collections::BTreeMap;

use protocol::api::{ReleaseState, Role, Statistics, VersionStatistics};
use protocol::{Timestamp, Version};

use super::require;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::statistics::VersionCounts;

/// All numbers at this moment.
///
/// # Errors
/// `FORBIDDEN`.
pub fn statistics(app: &App, caller: &Caller, now: Timestamp) -> Result<Statistics, ApiError> {
    require(caller, Role::Publisher)?;
    let hub = app.hub.summary();
    let counts = app.counters.snapshot();
    let catalog = app.store.catalog();
    let releases = catalog.releases();
    let sum = |number: fn(&VersionCounts) -> u64| counts.versions.values().map(number).sum();
    // A client may run, or have reported, a version that was never published here; it is listed as well.
    let mut versions: BTreeMap<&Version, VersionCounts> = releases
        .iter()
        .map(|release| (&release.version, VersionCounts::default()))
        .collect();
    versions.extend(
        hub.by_version
            .keys()
            .map(|version| (version, VersionCounts::default())),
    );
    versions.extend(
        counts
            .versions
            .iter()
            .map(|(version, counts)| (version, *counts)),
    );
    Ok(Statistics {
        connected_sessions: hub.sessions,
        connected_clients: hub.clients,
        watchers: hub.watchers,
        active_downloads: app.limits.running_downloads(),
        total_versions: releases.len() as u64,
        active_versions: releases
            .iter()
            .filter(|release| release.state == ReleaseState::Active)
            .count() as u64,
        total_downloads: sum(|counts| {
            counts.downloads_completed
                + counts.delta_downloads_completed
                + counts.compressed_downloads_completed
        }),
        successful_installations: sum(|counts| counts.installations_succeeded),
        failed_installations: sum(|counts| counts.installations_failed),
        bytes_saved_by_deltas: sum(|counts| counts.bytes_saved),
        clients_by_platform: hub.by_platform,
        clients_by_channel: hub.by_channel,
        versions: versions
            .into_iter()
            .rev()
            .map(|(version, counts)| VersionStatistics {
                version: version.to_string(),
                connected_clients: hub.by_version.get(version).copied().unwrap_or(0),
                downloads_started: counts.downloads_started,
                downloads_completed: counts.downloads_completed,
                delta_downloads_completed: counts.delta_downloads_completed,
                compressed_downloads_completed: counts.compressed_downloads_completed,
                bytes_sent: counts.bytes_sent,
                installations_succeeded: counts.installations_succeeded,
                installations_failed: counts.installations_failed,
            })
            .collect(),
        since: counts.since,
        timestamp: now,
    })
}
