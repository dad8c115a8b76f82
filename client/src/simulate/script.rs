//! What one client does about one release: steps with pauses, drawn from a seed. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::message::{
    DownloadReport, InstallationReport, InstallationResult, NewVersionAvailable,
};
use protocol::{ClientMessage, Version};

use super::Scenario;

/// Something to do, and how long after the one before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) pause: Duration,
    pub(super) act: Act,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    Report(ClientMessage),
    /// Fetch the bytes; the daemon measures that by itself.
    Download,
    /// Lose the connection.
    Disconnect,
}

/// What decides about the steps, beside the release.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) scenario: Scenario,
    pub(super) download: bool,
    pub(super) fails: bool,
    pub(super) runs: &'a Version,
}

/// Between two steps pass between one and three of these.
const PACE: Duration = Duration::from_millis(100);
const SLOW_PACE: Duration = Duration::from_secs(1);

/// How often a flaky client breaks off in one update: below what a daemon lets one client connect in a minute.
const BREAKS_MAX: usize = 3;

/// Installing, as the specification's example shows it: a word, how far, and words for people.
const PHASES: [(&str, u8, &str); 3] = [
    ("verifying", 25, "Comparing the SHA-256"),
    ("extracting", 50, "Extracting application files"),
    ("installing", 75, "Putting the new version in place"),
];

/// The way of one client to one release.
pub(super) fn script(
    part: Part<'_>,
    release: &NewVersionAvailable,
    random: &mut fastrand::Rng,
) -> VecDeque<Step> {
    let pace = match part.scenario {
        Scenario::Slow => SLOW_PACE,
        Scenario::Happy | Scenario::Flaky | Scenario::Fail { .. } => PACE,
    };
    let mut acts = match part.download {
        true => vec![Act::Download],
        false => downloading(release, pace),
    };
    acts.extend(PHASES.map(|(phase, percentage, words)| {
        Act::Report(ClientMessage::InstallationProgress(InstallationReport {
            version: release.version.clone(),
            phase: phase.to_owned(),
            progress_percentage: percentage,
            current_operation: words.to_owned(),
        }))
    }));
    acts.push(Act::Report(result(
        part.runs,
        &release.version,
        match part.fails {
            true => Err("Failed, as the scenario wants it"),
            false => Ok(()),
        },
    )));
    if part.scenario == Scenario::Flaky {
        for _ in 0..random.usize(0..=BREAKS_MAX) {
            acts.insert(random.usize(0..acts.len()), Act::Disconnect);
        }
    }
    acts.into_iter()
        .map(|act| Step {
            pause: pace.mul_f64(1.0 + 2.0 * random.f64()),
            act,
        })
        .collect()
}

/// How an installation ended.
pub(super) fn result(from: &Version, to: &Version, outcome: Result<(), &str>) -> ClientMessage {
    ClientMessage::InstallationCompleted(InstallationResult {
        version: to.clone(),
        previous_version: Some(from.clone()),
        success: outcome.is_ok(),
        message: outcome
            .err()
            .unwrap_or("Installed by a simulation")
            .to_owned(),
    })
}

fn downloading(release: &NewVersionAvailable, pace: Duration) -> Vec<Act> {
    let total_bytes = release.file_size;
    // A step takes two paces on average, and a quarter of the file.
    let download_speed = (total_bytes as f64 / 4.0 / (2.0 * pace.as_secs_f64())) as u64;
    let report = |quarters: u8| {
        let bytes_downloaded = total_bytes / 4 * u64::from(quarters);
        let bytes_downloaded = match quarters {
            4 => total_bytes,
            _ => bytes_downloaded,
        };
        let bytes_left = total_bytes - bytes_downloaded;
        Act::Report(ClientMessage::DownloadProgress(DownloadReport {
            version: release.version.clone(),
            bytes_downloaded,
            total_bytes,
            progress_percentage: quarters * 25,
            download_speed,
            estimated_time_remaining: bytes_left / download_speed.max(1),
        }))
    };
    (0..=4).map(report).collect()
}
