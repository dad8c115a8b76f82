//! What clients say about their downloads and installations (contract section 7).
//!
//! The daemon sets who and when; the rest is the client's word. It goes to the client's other sessions and to the
//! watchers. Results are counted for releases that exist: what somebody else published is none of our statistics.

use protocol::api::Role;
use protocol::message::{
    DownloadProgress, DownloadReport, InstallationCompleted, InstallationProgress,
    InstallationReport, InstallationResult,
};
use protocol::{ClientId, ServerMessage, SessionId, Timestamp, Version};

use crate::app::App;
use crate::auth::Caller;

/// A report of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It downloads from elsewhere.
    Download(DownloadReport),
    /// It installs.
    Installation(InstallationReport),
    /// It has installed, or failed to.
    Result {
        /// What it says.
        result: InstallationResult,
        /// What it ran before.
        previous_version: Version,
    },
}

/// Takes a report. `from` is the session that it came on, which need not hear its own words.
pub fn report(
    app: &App,
    caller: &Caller,
    client_id: &ClientId,
    report: Report,
    from: Option<SessionId>,
) {
    let timestamp = Timestamp::now();
    match report {
        Report::Download(report) => {
            let (version, message) = download_progress(client_id, report, timestamp);
            app.hub.relay(message, client_id, &version, from);
        }
        Report::Installation(report) => {
            let (version, message) = installation_progress(client_id, report, timestamp);
            app.hub.relay(message, client_id, &version, from);
        }
        Report::Result {
            result,
            previous_version,
        } => {
            let InstallationResult {
                version,
                success,
                message,
                previous_version: _,
            } = result;
            if app.store.catalog().by_version(&version).is_some() {
                app.counters.count_installation(&version, success);
            }
            let completed = ServerMessage::InstallationCompleted(InstallationCompleted {
                client_id: client_id.clone(),
                version: version.clone(),
                previous_version,
                success,
                message,
                timestamp,
                seq: None,
            });
            app.hub.relay(completed, client_id, &version, from);
            if success {
                // Any user may name any client. Who names somebody else's must not make it look up to date, and so keep
                // releases from it.
                let only_of = (caller.role < Role::Publisher).then_some(&caller.username);
                app.hub.client_installed(client_id, &version, only_of);
            }
        }
    }
}

fn download_progress(
    client_id: &ClientId,
    report: DownloadReport,
    timestamp: Timestamp,
) -> (Version, ServerMessage) {
    let DownloadReport {
        version,
        bytes_downloaded,
        total_bytes,
        progress_percentage,
        download_speed,
        estimated_time_remaining,
    } = report;
    let progress = DownloadProgress {
        client_id: client_id.clone(),
        version: version.clone(),
        bytes_downloaded,
        total_bytes,
        progress_percentage,
        download_speed,
        estimated_time_remaining,
        timestamp,
        format: None,
        seq: None,
    };
    (version, ServerMessage::DownloadProgress(progress))
}

fn installation_progress(
    client_id: &ClientId,
    report: InstallationReport,
    timestamp: Timestamp,
) -> (Version, ServerMessage) {
    let InstallationReport {
        version,
        phase,
        progress_percentage,
        current_operation,
    } = report;
    let progress = InstallationProgress {
        client_id: client_id.clone(),
        version: version.clone(),
        phase,
        progress_percentage,
        current_operation,
        timestamp,
        seq: None,
    };
    (version, ServerMessage::InstallationProgress(progress))
}
