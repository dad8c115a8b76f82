//! Counts of downloads and installations, kept across restarts.
//!
//! They are not worth a journal record each: they live in memory and go to `statistics.json` in the data folder every
//! ten seconds when they changed, and at shutdown. A power cut loses at most the last ten seconds of counting.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{Timestamp, Version};
use serde::{Deserialize, Serialize};

/// How often changed counts are written.
pub const SAVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(10);

/// Counts of one release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VersionCounts {
    /// Full downloads that began at the first byte.
    pub downloads_started: u64,
    /// Full downloads whose last byte was handed over.
    pub downloads_completed: u64,
    /// Delta downloads whose last byte was handed over.
    pub delta_downloads_completed: u64,
    /// Downloads of the compressed file whose last byte was handed over.
    pub compressed_downloads_completed: u64,
    /// Bytes sent for it, whichever way.
    pub bytes_sent: u64,
    /// Bytes that deltas, those from nothing included, saved against full downloads.
    pub bytes_saved: u64,
    /// Installations reported as done.
    pub installations_succeeded: u64,
    /// Installations reported as failed.
    pub installations_failed: u64,
}

/// All counts, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Since when they run.
    pub since: Timestamp,
    /// By version number.
    pub versions: BTreeMap<Version, VersionCounts>,
}

/// The running counts and the file behind them.
#[derive(Debug)]
pub struct Counters {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    counts: Counts,
    is_changed: bool,
}

impl Counters {
    /// Reads the counts of earlier runs. A file that cannot be read is set aside: counts must not keep a daemon from starting.
    #[must_use]
    pub fn open(data_dir: &Path, now: Timestamp) -> Self {
        let path = data_dir.join("statistics.json");
        let fresh = || Counts {
            since: now,
            versions: BTreeMap::new(),
        };
        let counts = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                let aside = path.with_extension("json.bad");
                let moved = std::fs::rename(&path, &aside);
                tracing::warn!(%error, moved = moved.is_ok(), "the statistics cannot be read; counting begins anew");
                fresh()
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, "the statistics cannot be read; counting begins anew");
                }
                fresh()
            }
        };
        Self {
            path,
            inner: Mutex::new(Inner {
                counts,
                is_changed: false,
            }),
        }
    }

    /// Counts something of a version.
    pub fn count(&self, version: &Version, add: impl FnOnce(&mut VersionCounts)) {
        let mut inner = self.lock();
        add(inner.counts.versions.entry(version.clone()).or_default());
        inner.is_changed = true;
    }

    /// Counts an installation that a client reported.
    pub fn count_installation(&self, version: &Version, succeeded: bool) {
        self.count(version, |counts| {
            if succeeded {
                counts.installations_succeeded += 1;
            } else {
                counts.installations_failed += 1;
            }
        });
    }

    /// The counts at this moment.
    #[must_use]
    pub fn snapshot(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Writes the counts when they changed since the last time.
    ///
    /// # Errors
    /// They cannot be written; they count as changed still.
    pub fn save(&self) -> io::Result<()> {
        let counts = {
            let mut inner = self.lock();
            if !inner.is_changed {
                return Ok(());
            }
            inner.is_changed = false;
            inner.counts.clone()
        };
        let saved = serde_json::to_vec_pretty(&counts)
            .map_err(io::Error::other)
            .and_then(|text| crate::auth::secret::write_private(&self.path, &text));
        if saved.is_err() {
            self.lock().is_changed = true;
        }
        saved
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counting is one addition; a panic in between leaves numbers, not nonsense.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outlive_the_daemon_and_a_damaged_file_does_not_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let version: Version = "2.1.0".parse().unwrap();
        let counters = Counters::open(folder.path(), Timestamp::from_unix_ms(0));
        counters.count_installation(&version, true);
        counters.save().unwrap();

        let again = Counters::open(folder.path(), Timestamp::now());
        assert_eq!(again.snapshot(), counters.snapshot());
        assert_eq!(again.snapshot().since, Timestamp::from_unix_ms(0));

        std::fs::write(folder.path().join("statistics.json"), b"{").unwrap();
        let fresh = Counters::open(folder.path(), Timestamp::from_unix_ms(5));
        assert!(fresh.snapshot().versions.is_empty());
    }
}
