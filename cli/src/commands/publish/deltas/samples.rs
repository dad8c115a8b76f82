//! Releases and numbers of a fleet for tests.

use client::http::NewRelease;
use protocol::Checksum;
use protocol::api::Statistics;

pub(crate) fn release(version: &str, minimum: Option<&str>) -> NewRelease {
    NewRelease {
        version: version.parse().unwrap(),
        channel: "stable".parse().unwrap(),
        is_mandatory: false,
        release_notes: String::new(),
        minimum_client_version: minimum.map(|minimum| minimum.parse().unwrap()),
        checksum: Checksum::from_bytes([0; 32]),
        is_draft: true,
        rollout_percentage: 100,
        platforms: Vec::new(),
        allow_older: false,
        signature: None,
    }
}

pub(crate) fn statistics(versions: &[(&str, u64)]) -> Statistics {
    let versions: Vec<_> = versions
        .iter()
        .map(|(version, clients)| {
            serde_json::json!({
                "version": version, "connectedClients": clients, "downloadsStarted": 0, "downloadsCompleted": 0,
                "deltaDownloadsCompleted": 0, "bytesSent": 0, "installationsSucceeded": 0, "installationsFailed": 0
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({
        "connectedSessions": 0, "connectedClients": 0, "watchers": 0, "activeDownloads": 0, "totalVersions": 0,
        "activeVersions": 0, "totalDownloads": 0, "successfulInstallations": 0, "failedInstallations": 0,
        "bytesSavedByDeltas": 0, "clientsByPlatform": {}, "clientsByChannel": {}, "versions": versions,
        "since": "2026-01-15T10:30:00Z", "timestamp": "2026-01-15T10:30:00Z"
    }))
    .unwrap()
}
