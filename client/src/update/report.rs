//! What the fleet's watchers hear of an update: its steps, and how it ended.

use protocol::ClientMessage;
use protocol::ids::is_printable;
use protocol::limits::REPORT_TEXT_CHARS;
use protocol::message::{InstallationReport, InstallationResult};

use super::{Offer, Step, Updated, Way};
use crate::Error;

impl Step {
    /// What the fleet's watchers hear of it. Downloads are measured by the daemon itself.
    #[must_use]
    pub fn report(&self) -> Option<ClientMessage> {
        let (version, phase, progress_percentage, current_operation) = match self {
            Self::Downloading { .. } => return None,
            Self::FellBack {
                version, reason, ..
            } => (
                version,
                "falling-back",
                0,
                format!("Another way is taken: {reason}"),
            ),
            Self::Rebuilding { version, way } => (
                version,
                "patching",
                25,
                match way {
                    Way::Compressed => "Unpacking the compressed file".to_owned(),
                    Way::Kept | Way::Delta { .. } | Way::Full => {
                        "Rebuilding the file from the delta".to_owned()
                    }
                },
            ),
            Self::Installing { version } => (
                version,
                "installing",
                75,
                "Putting the new version in place".to_owned(),
            ),
        };
        Some(ClientMessage::InstallationProgress(InstallationReport {
            version: version.clone(),
            phase: phase.to_owned(),
            progress_percentage,
            current_operation: short(&current_operation),
        }))
    }
}

/// The report at the end of an update.
pub(crate) fn result(offer: &Offer, outcome: &Result<Updated, Error>) -> ClientMessage {
    let message = match outcome {
        Ok(updated) => match &updated.way {
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
