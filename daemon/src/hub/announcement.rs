//! The text of an announcement, written once for all sessions that send it at the same moment.

use std::sync::Arc;

use protocol::api::paths;
use protocol::message::NewVersionAvailable;
use protocol::{ServerMessage, Timestamp};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Hub, locked};
use crate::store::Release;

/// The announcement that was written last; many sessions send the same one at the same moment.
#[derive(Debug)]
pub(super) struct Announcement {
    release: Arc<Release>,
    is_rollback: Option<bool>,
    timestamp: Timestamp,
    text: Utf8Bytes,
}

/// How long an announcement counts as written now.
const ANNOUNCEMENT_MS: i64 = 1000;

impl Hub {
    /// The text of an announcement, written once for all who send it at the same moment.
    #[must_use]
    pub fn announcement(
        &self,
        release: &Arc<Release>,
        is_rollback: Option<bool>,
        now: Timestamp,
    ) -> Utf8Bytes {
        let mut last = locked(&self.0.announcement);
        if let Some(last) = last.as_ref()
            && Arc::ptr_eq(&last.release, release)
            && last.is_rollback == is_rollback
            && (0..ANNOUNCEMENT_MS).contains(&(now.unix_ms() - last.timestamp.unix_ms()))
        {
            return last.text.clone();
        }
        let text: Utf8Bytes = new_version_available(release, is_rollback, now)
            .to_text()
            .into();
        *last = Some(Announcement {
            release: Arc::clone(release),
            is_rollback,
            timestamp: now,
            text: text.clone(),
        });
        text
    }
}

/// The announcement of a release.
fn new_version_available(
    release: &Release,
    is_rollback: Option<bool>,
    now: Timestamp,
) -> ServerMessage {
    ServerMessage::NewVersionAvailable(NewVersionAvailable {
        version: release.version.clone(),
        is_mandatory: release.is_mandatory,
        release_notes: release.release_notes.to_string(),
        download_url: format!("{}/download/{}", paths::CLIENT, release.version),
        file_size: release.blob.size_bytes,
        checksum: release.blob.checksum,
        minimum_client_version: release.minimum_client_version.clone(),
        release_channel: release.channel.clone(),
        timestamp: now,
        is_rollback,
    })
}
