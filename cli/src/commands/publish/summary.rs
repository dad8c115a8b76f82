//! What a publish ends with: a document for scripts, a sentence for people.

use std::time::Duration;

use client::Daemon;
use protocol::api::{ReleaseState, ReleaseView};
use protocol::{Channel, Checksum, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::deltas::DeltaOutcome;
use super::reach::Reach;
use super::send::Brought;
use crate::units::{count, format_duration, format_size};

/// What became of it; with `dryRun`, what would.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Summary {
    pub(super) version: Version,
    pub(super) channel: Channel,
    pub(super) state: ReleaseState,
    pub(super) rollout_percentage: u8,
    /// Whether nothing was left to do.
    pub(super) already_published: bool,
    pub(super) dry_run: bool,
    pub(super) file: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: Checksum,
    /// Bytes of files that were sent, those of broken connections included.
    pub(super) uploaded_bytes: u64,
    /// Bytes that an earlier run had sent, and that were gone on from.
    pub(super) resumed_bytes: u64,
    pub(super) deltas: Vec<DeltaOutcome>,
    /// Whom it would reach; only of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reach: Option<Reach>,
    pub(super) url: String,
    pub(super) elapsed_ms: u64,
}

impl Summary {
    /// A release that is there, with nothing brought yet.
    pub(super) fn of(daemon: &Daemon, view: ReleaseView) -> Self {
        Self {
            url: format!("{}{}", daemon.url(), view.download_url),
            version: view.version_number,
            channel: view.release_channel,
            state: view.state,
            rollout_percentage: view.rollout_percentage,
            already_published: false,
            dry_run: false,
            file: view.file_name,
            size_bytes: view.file_size,
            sha256: view.checksum,
            uploaded_bytes: 0,
            resumed_bytes: 0,
            deltas: Vec::new(),
            reach: None,
            elapsed_ms: 0,
        }
    }

    /// The same with what was brought for it.
    pub(super) fn with(mut self, brought: Brought, deltas: Vec<DeltaOutcome>) -> Self {
        self.uploaded_bytes = brought.sent_bytes;
        self.resumed_bytes = brought.resumed_bytes;
        self.deltas = deltas;
        self
    }

    /// The sentence for people.
    pub(super) fn describe(&self, elapsed: Duration) -> String {
        let Self {
            version, channel, ..
        } = self;
        if self.already_published {
            return format!(
                "{version} is already published on {channel} with the same content; nothing {} uploaded",
                if self.dry_run { "would be" } else { "was" }
            );
        }
        let there = || self.deltas.iter().filter(|delta| delta.is_there());
        let deltas = there().filter(|delta| !delta.is_compressed()).count() as u64;
        let compressed = there().find(|delta| delta.is_compressed());
        let mut size = format_size(self.size_bytes);
        if let Some(compressed) = compressed {
            let compressed = format_size(compressed.size_bytes());
            size.push_str(&format!(" ({compressed} compressed)"));
        }
        let deltas = count(deltas, "delta");
        let sha256 = self.sha256;
        if self.dry_run {
            let upload = format_size(self.uploaded_bytes);
            return format!(
                "Dry run, nothing was changed: {version} on {channel}: {size}, {deltas}; {upload} to upload\nsha256 {sha256}"
            );
        }
        let done = match self.state {
            ReleaseState::Active => "Published",
            ReleaseState::Draft | ReleaseState::Inactive | ReleaseState::Recalled => {
                "Uploaded, unannounced:"
            }
        };
        let elapsed = format_duration(elapsed);
        format!("{done} {version} on {channel} in {elapsed}: {size}, {deltas}\nsha256 {sha256}")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn summary() -> Summary {
        Summary {
            version: "2.1.0".parse().unwrap(),
            channel: "stable".parse().unwrap(),
            state: ReleaseState::Active,
            rollout_percentage: 10,
            already_published: false,
            dry_run: false,
            file: "app.jar".into(),
            size_bytes: 14_400_000,
            sha256: Checksum::from_bytes([0; 32]),
            uploaded_bytes: 14_400_000,
            resumed_bytes: 0,
            deltas: Vec::new(),
            reach: None,
            url: "http://127.0.0.1:8081/api/v1/updates/download/2.1.0".into(),
            elapsed_ms: 9400,
        }
    }

    #[test]
    fn each_end_has_its_sentence() {
        let said = |change: fn(&mut Summary)| {
            let mut summary = summary();
            change(&mut summary);
            let text = summary.describe(Duration::from_millis(9400));
            text.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(
            said(|_| {}),
            "Published 2.1.0 on stable in 9.4 s: 14.4 MB, 0 deltas"
        );
        assert_eq!(
            said(|summary| summary.dry_run = true),
            "Dry run, nothing was changed: 2.1.0 on stable: 14.4 MB, 0 deltas; 14.4 MB to upload"
        );
        assert!(said(|summary| summary.already_published = true).ends_with("nothing was uploaded"));
        assert!(said(|summary| summary.state = ReleaseState::Draft).starts_with("Uploaded, unann"));
    }
}
