//! Changes as lines for people. Pure.

use std::collections::HashMap;
use std::time::Duration;

use protocol::api::ReleaseState;
use protocol::{ClientId, Timestamp, Version};

use super::fleet::{Change, Fleet, Way};
use crate::output::harmless_word;
use crate::units::{count, format_duration, format_share, format_size, format_speed};

/// What was said last of each client, so that a line comes only when there is something new.
#[derive(Debug, Default)]
pub(super) struct LineState {
    said: HashMap<ClientId, Said>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// A download that passed this quarter.
    Download {
        version: Version,
        quarter: u8,
    },
    Phase {
        version: Version,
        phase: String,
    },
}

impl LineState {
    /// The line for a change; `None` when it says nothing that was not said.
    pub(super) fn line(&mut self, change: &Change) -> Option<String> {
        match change {
            Change::Connected(connected) => Some(format!(
                "{} {} connected, runs {} on {} {}",
                clock(connected.timestamp),
                connected.client_id,
                running(&connected.client_version),
                harmless_word(connected.platform.as_str()),
                harmless_word(connected.architecture.as_str()),
            )),
            Change::Registered => None,
            Change::Disconnected { client_id, time } => {
                self.said.remove(client_id);
                Some(format!("{} {client_id} disconnected", clock(*time)))
            }
            Change::Downloading(progress) => {
                let said = Said::Download {
                    version: progress.version.clone(),
                    quarter: progress.progress_percentage / 25,
                };
                self.is_news(&progress.client_id, said).then(|| {
                    let mut how = words(&Way::of(progress.format.as_deref()));
                    if progress.download_speed > 0 {
                        how.push_str(&format!(", {}", format_speed(progress.download_speed)));
                    }
                    format!(
                        "{} {} downloading {} {} % of {} ({how})",
                        clock(progress.timestamp),
                        progress.client_id,
                        progress.version,
                        progress.progress_percentage,
                        format_size(progress.total_bytes),
                    )
                })
            }
            Change::Installing(progress) => {
                let said = Said::Phase {
                    version: progress.version.clone(),
                    phase: progress.phase.clone(),
                };
                self.is_news(&progress.client_id, said).then(|| {
                    format!(
                        "{} {} {} {}: {}",
                        clock(progress.timestamp),
                        progress.client_id,
                        harmless_word(&progress.phase),
                        progress.version,
                        harmless_word(&progress.current_operation),
                    )
                })
            }
            Change::Ended {
                completed,
                elapsed_ms,
                way,
            } => {
                self.said.remove(&completed.client_id);
                let time = clock(completed.timestamp);
                let client = &completed.client_id;
                let (from, to) = (running(&completed.previous_version), &completed.version);
                if !completed.success {
                    let why = harmless_word(&completed.message);
                    return Some(format!("{time} {client} failed {from} → {to}: {why}"));
                }
                let took = elapsed_ms.map_or_else(String::new, |ms| {
                    format!(" in {}", format_duration(Duration::from_millis(ms)))
                });
                let how = way.as_ref().map_or_else(String::new, |way| {
                    let how = words(way);
                    format!(" ({how})")
                });
                Some(format!(
                    "{time} {client} completed {from} → {to}{took}{how}"
                ))
            }
            Change::Limited(limited) => Some(format!(
                "{} {} rate limited: {}",
                clock(limited.timestamp),
                harmless_word(&limited.client_id),
                harmless_word(&limited.message),
            )),
            Change::Incompatible(issue) => Some(format!(
                "{} {} cannot take {}: {}; {}",
                clock(issue.timestamp),
                issue
                    .client_id
                    .as_ref()
                    .map_or("a client", ClientId::as_str),
                issue.version,
                harmless_word(issue.description.trim_end_matches('.')),
                harmless_word(&issue.resolution),
            )),
            Change::Release(changed) => {
                let what = match changed.state {
                    ReleaseState::Draft => "uploaded, unannounced".to_owned(),
                    ReleaseState::Active => format!(
                        "announced to {}, rollout {} %",
                        count(changed.announced_to, "client"),
                        changed.rollout_percentage
                    ),
                    ReleaseState::Inactive => "disabled".to_owned(),
                    ReleaseState::Recalled => "recalled".to_owned(),
                };
                let time = clock(changed.timestamp);
                Some(format!(
                    "{time} release {} on {} {what}",
                    changed.version, changed.release_channel
                ))
            }
        }
    }

    /// Where the fleet stands, for whoever comes by now and then.
    pub(super) fn summary(fleet: &Fleet, now: Timestamp) -> String {
        let counts = fleet.counts();
        let (done, eligible) = (counts.done, counts.eligible());
        let goal = fleet
            .goal()
            .map_or_else(String::new, |goal| format!(" {}", goal.version));
        let mut line = format!(
            "{} summary{goal}: {done} of {eligible} done ({})",
            clock(now),
            format_share(done, eligible)
        );
        for (number, word) in [
            (counts.waiting, "waiting"),
            (counts.downloading, "downloading"),
            (counts.installing, "installing"),
            (counts.failed, "failed"),
            (counts.rate_limited, "rate limited"),
        ] {
            if number > 0 {
                line.push_str(&format!(", {number} {word}"));
            }
        }
        line
    }

    fn is_news(&mut self, client: &ClientId, said: Said) -> bool {
        let before = self.said.insert(client.clone(), said.clone());
        before != Some(said)
    }
}

/// By which way bytes travel: `jar delta`, `compressed` or `full`.
fn words(way: &Way) -> String {
    match way {
        Way::Full => "full".to_owned(),
        Way::Compressed => "compressed".to_owned(),
        Way::Delta(format) => format!("{} delta", harmless_word(format)),
    }
}

/// A client that has nothing installed says that it runs `0.0.0`.
fn running(version: &Version) -> String {
    match *version == Version::ZERO {
        true => "nothing yet".to_owned(),
        false => version.to_string(),
    }
}

/// The time of day in UTC, as in `10:31:02Z`.
fn clock(moment: Timestamp) -> String {
    let text = moment.to_string();
    let time = text.split_once('T').map_or(text.as_str(), |(_, time)| time);
    format!("{}Z", time.get(..8).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::message::COMPRESSED;
    use serde_json::json;

    fn downloading(percentage: u8) -> Change {
        Change::Downloading(
            serde_json::from_value(json!({
                "clientId": "desktop-7f3a", "version": "2.1.0", "bytesDownloaded": 21_000, "totalBytes": 84_000,
                "progressPercentage": percentage, "downloadSpeed": 615_000, "estimatedTimeRemaining": 1,
                "timestamp": "2026-01-15T10:31:00.125Z", "format": "zstd", "seq": 7
            }))
            .unwrap(),
        )
    }

    #[test]
    fn a_download_is_a_line_at_every_quarter() {
        let mut lines = LineState::default();
        let said: Vec<String> = [0, 10, 26, 49, 50, 99, 100]
            .into_iter()
            .filter_map(|percentage| lines.line(&downloading(percentage)))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        10:31:00Z desktop-7f3a downloading 2.1.0 0 % of 84 kB (zstd delta, 615 kB/s)
        10:31:00Z desktop-7f3a downloading 2.1.0 26 % of 84 kB (zstd delta, 615 kB/s)
        10:31:00Z desktop-7f3a downloading 2.1.0 50 % of 84 kB (zstd delta, 615 kB/s)
        10:31:00Z desktop-7f3a downloading 2.1.0 99 % of 84 kB (zstd delta, 615 kB/s)
        10:31:00Z desktop-7f3a downloading 2.1.0 100 % of 84 kB (zstd delta, 615 kB/s)
        ");
    }

    #[test]
    fn the_compressed_file_is_not_called_a_delta() {
        let Change::Downloading(mut progress) = downloading(100) else {
            unreachable!("it is a download");
        };
        progress.format = Some(COMPRESSED.to_owned());
        let line = LineState::default().line(&Change::Downloading(progress));
        insta::assert_snapshot!(line.unwrap(), @"10:31:00Z desktop-7f3a downloading 2.1.0 100 % of 84 kB (compressed, 615 kB/s)");
    }

    #[test]
    fn an_end_tells_versions_way_and_time_or_the_reason() {
        let end = |success: bool, elapsed_ms| {
            Change::Ended {
            completed: serde_json::from_value(json!({
                "clientId": "desktop-77aa", "version": "2.1.0", "previousVersion": "2.0.5", "success": success,
                "message": "no room\u{1b}[2J", "timestamp": "2026-01-15T10:31:04Z"
            }))
            .unwrap(),
            elapsed_ms,
            way: Some(Way::of(Some("zstd"))),
        }
        };
        let mut lines = LineState::default();
        let said = [end(true, Some(6200)), end(false, None)].map(|end| lines.line(&end).unwrap());
        insta::assert_snapshot!(said.join("\n"), @r"
        10:31:04Z desktop-77aa completed 2.0.5 → 2.1.0 in 6.2 s (zstd delta)
        10:31:04Z desktop-77aa failed 2.0.5 → 2.1.0: no room\u{1b}[2J
        ");
    }
}
