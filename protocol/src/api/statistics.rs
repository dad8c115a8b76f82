//! What the daemon counts, and whether it is well.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Counts of one release in the statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatistics {
    /// The version number.
    pub version: String,
    /// Sessions that run it now.
    pub connected_clients: u64,
    /// Full downloads that began at the first byte.
    pub downloads_started: u64,
    /// Full downloads whose last byte was handed over.
    pub downloads_completed: u64,
    /// Delta downloads whose last byte was handed over.
    pub delta_downloads_completed: u64,
    /// Downloads of the compressed file whose last byte was handed over.
    #[serde(default)]
    pub compressed_downloads_completed: u64,
    /// Bytes sent for it, whichever way.
    pub bytes_sent: u64,
    /// Installations reported as done.
    pub installations_succeeded: u64,
    /// Installations reported as failed.
    pub installations_failed: u64,
}

/// Answer of `GET /statistics`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Open sessions.
    pub connected_sessions: u64,
    /// Different clients among them.
    pub connected_clients: u64,
    /// Watching sessions.
    pub watchers: u64,
    /// Downloads that run now.
    pub active_downloads: u64,
    /// Releases in all.
    pub total_versions: u64,
    /// Releases that are offered.
    pub active_versions: u64,
    /// Downloads of every way whose last byte was handed over.
    pub total_downloads: u64,
    /// Installations reported as done.
    pub successful_installations: u64,
    /// Installations reported as failed.
    pub failed_installations: u64,
    /// Bytes that deltas, those from nothing included, saved against full downloads.
    pub bytes_saved_by_deltas: u64,
    /// Sessions by what they run on.
    pub clients_by_platform: BTreeMap<String, u64>,
    /// Sessions by the channel they follow.
    pub clients_by_channel: BTreeMap<String, u64>,
    /// Counts by release, newest first.
    pub versions: Vec<VersionStatistics>,
    /// Since when the counts run.
    pub since: Timestamp,
    /// When this was taken.
    pub timestamp: Timestamp,
}

/// Answer of `/livez` and `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `ok`, `read-only` or `shutting-down`.
    pub status: String,
    /// The daemon's version.
    pub version: String,
}
