//! What the fleet's watchers hear of an update: its steps, and how it ended.

use protocol::ClientMessage;
use protocol::ids::is_printable;
use protocol::limits::REPORT_TEXT_CHARS;
use protocol::message::{InstallationReport, InstallationResult};

use super::{Offer, Updated, Way};
use crate::Error;
use crate::state::State;

impl State {
    /// What the fleet's watchers hear of it. Downloads are measured by the daemon itself, and the end has a report of
    /// its own.
    #[must_use]
    pub fn report(&self) -> Option<ClientMessage> {
        let (phase, progress_percentage, operation) = match self {
            Self::Offered(attempt) => {
                let failed = attempt.failed.last()?;
                let words = format!("Another way is taken: {}", failed.reason);
                ("falling-back", 0, words)
            }
            Self::Patching {
                way: Way::Compressed,
                ..
            } => ("patching", 25, "Unpacking the compressed file".to_owned()),
            Self::Patching { .. } => {
                let words = "Rebuilding the file from the delta";
                ("patching", 25, words.to_owned())
            }
            Self::Installing(_) => {
                let words = "Putting the new version in place";
                ("installing", 75, words.to_owned())
            }
            Self::Idle
            | Self::Downloading { .. }
            | Self::Verifying { .. }
            | Self::Staged(_)
            | Self::Probation { .. }
            | Self::Confirmed { .. }
            | Self::RolledBack { .. }
            | Self::Failed { .. } => return None,
        };
        Some(ClientMessage::InstallationProgress(InstallationReport {
            version: self.version()?.clone(),
            phase: phase.to_owned(),
            progress_percentage,
            current_operation: short(&operation),
        }))
    }
}

/// The report at the end of an update.
pub(crate) fn result(offer: &Offer, outcome: &Result<Updated, Error>) -> ClientMessage {
    let message = match outcome {
        Ok(updated) => match &updated.staged.way {
            Way::Kept => "Installed from the copy that was still there".to_owned(),
            Way::Delta { format } => format!("Installed by a {format} delta"),
            Way::Compressed => "Installed from the compressed download".to_owned(),
            Way::Full => "Installed from the full download".to_owned(),
        },
        Err(error) => short(&error.to_string()),
    };
    ClientMessage::InstallationCompleted(InstallationResult {
        version: offer.to.clone(),
        previous_version: Some(offer.from.clone()),
        success: outcome.is_ok(),
        message,
    })
}

/// Cut to what a report may hold, and without what it must not.
pub(crate) fn short(text: &str) -> String {
    text.chars()
        .map(|c| {
            if is_printable(c.encode_utf8(&mut [0; 4])) {
                c
            } else {
                ' '
            }
        })
        .take(REPORT_TEXT_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_no_more_and_nothing_else_than_the_daemon_takes() {
        let text = short(&format!("a\nb{}", "x".repeat(5000)));
        assert_eq!(text.chars().count(), REPORT_TEXT_CHARS);
        assert!(text.starts_with("a b"));
    }
}
