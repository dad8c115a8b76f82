//! The trial of a new version, as the folder knows it: a note of its starts, a sign that it works, and a way back.

use std::path::PathBuf;

use protocol::{Checksum, Timestamp, Version};

use super::{AppFolder, Current, result};
use crate::Error;

impl AppFolder {
    /// Makes a state the one that holds, durably. Its files must be there.
    ///
    /// # Errors
    /// The note cannot be written; the state before still holds.
    pub fn keep(&self, current: &Current) -> Result<(), Error> {
        self.switch(current)?;
        if current.probation.is_none() {
            std::fs::remove_file(self.confirm_file(&current.version)).ok();
        }
        Ok(())
    }

    /// The file that the application touches to say that it works.
    #[must_use]
    pub fn confirm_file(&self, version: &Version) -> PathBuf {
        self.staged(&format!("confirmed-{version}"))
    }

    /// Goes back to the previous version, holds the one that is left back, and keeps a report of it.
    ///
    /// # Errors
    /// There is no version to go back to, its file is damaged, or the note cannot be written.
    pub fn roll_back(
        &self,
        current: Current,
        reason: &str,
        since: Timestamp,
    ) -> Result<Current, Error> {
        let Some((previous, checksum)) = self.way_back(&current) else {
            return Err(Error::NoWayBack(current.version));
        };
        let message = format!("{reason}; returned to {previous}");
        let report = result(&current.version, previous.clone(), false, &message);
        // Before the way back, so that it is never lost; but a full disk must not keep us from going back.
        self.keep_report(&report).ok();
        let back = current
            .holding_back(reason, since)
            .gone_back(previous, checksum);
        self.keep(&back)?;
        self.remove_versions(&back);
        Ok(back)
    }

    /// The previous version, if its file is whole.
    #[must_use]
    pub fn way_back(&self, current: &Current) -> Option<(Version, Checksum)> {
        let previous = current.previous.clone()?;
        // A record of an older relctl does not know the checksum; the file was whole when that switched to it.
        let checksum = match current.previous_checksum {
            Some(checksum) => checksum,
            None => {
                let (digest, _) = delta::checksum::sha256_file(&self.jar(&previous)).ok()?;
                Checksum::from_bytes(digest)
            }
        };
        self.is_whole(&previous, checksum)
            .then_some((previous, checksum))
    }
}
