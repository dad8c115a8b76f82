//! The version that waits for the next start: its file has its final place and its SHA-256 was right.

use std::path::{Path, PathBuf};

use protocol::{Checksum, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::disk::{put_in_place, read_record, remove, write_record};
use super::{AppFolder, Current, Probation};
use crate::Error;

/// What `staged.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StagedVersion {
    /// The version.
    pub version: Version,
    /// The SHA-256 of its file.
    pub checksum: Checksum,
    /// Whether it must not wait.
    #[serde(default)]
    pub is_mandatory: bool,
}

impl AppFolder {
    /// Keeps a checked file for the next start, in place of what was staged before.
    ///
    /// # Errors
    /// A file cannot be moved or written; the version that runs is untouched.
    pub fn stage(&self, file: &Path, staged: &StagedVersion) -> Result<(), Error> {
        // The note comes first: without its file it says nothing, and with it the file is no waste.
        write_record(&self.staged_path(), staged)?;
        let jar = self.jar(&staged.version);
        if file != jar {
            put_in_place(file, &jar)?;
        }
        Ok(())
    }

    /// The version that waits for the next start. A note that cannot be understood, or whose file is gone, is none.
    ///
    /// # Errors
    /// The note cannot be read.
    pub fn staged_version(&self) -> Result<Option<StagedVersion>, Error> {
        let staged = self.staged_note()?;
        Ok(staged.filter(|staged| self.jar(&staged.version).is_file()))
    }

    pub(super) fn staged_note(&self) -> Result<Option<StagedVersion>, Error> {
        match read_record(&self.staged_path(), "") {
            // Nothing is lost with it: the daemon offers the version again.
            Err(Error::Layout { .. }) => Ok(None),
            read => read,
        }
    }

    /// No version waits any more.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub fn forget_staged(&self) -> Result<(), Error> {
        remove(&self.staged_path())
    }

    /// Makes the staged version the one that runs, on probation. `None` when none waits, or its file is not what it was.
    ///
    /// # Errors
    /// A file cannot be written; the version that ran before still runs.
    pub fn switch_to_staged(&self) -> Result<Option<Current>, Error> {
        let Some(staged) = self.staged_version()? else {
            return Ok(None);
        };
        let StagedVersion {
            version,
            checksum,
            is_mandatory: _,
        } = staged;
        let before = self.record()?;
        let runs_already = before
            .as_ref()
            .is_some_and(|before| before.version == version);
        if runs_already || !self.is_whole(&version, checksum) {
            self.forget_staged()?;
            return Ok(None);
        }
        // What an earlier installation of the same version confirmed says nothing about this one.
        remove(&self.confirm_file(&version))?;
        let current = Current::successor(before, version, checksum, Some(Probation::default()));
        // In this order a power cut in between leaves a note about a version that runs, which is passed over.
        self.switch(&current)?;
        self.forget_staged()?;
        self.remove_versions(&current);
        Ok(Some(current))
    }

    fn staged_path(&self) -> PathBuf {
        self.root.join("staged.json")
    }
}
