//! What another process asks of the launcher that runs in a folder: one small file, taken within a second.

use std::path::PathBuf;

use protocol::Version;
use serde::{Deserialize, Serialize};

use super::AppFolder;
use super::disk::{read_record, remove, write_record};
use crate::Error;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Request {
    /// Restart with what is staged, or with a version that is fetched first.
    Install {
        /// That version; the daemon's offer when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// Leave the version that runs, and hold it back.
    RollBack {
        /// What to go to; the previous version when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
        /// Why, for people.
        reason: String,
    },
}

/// Its name in `staging/`.
pub(super) const FILE: &str = "request.json";

impl AppFolder {
    /// Asks the launcher. A request that was not taken yet is replaced.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn ask(&self, request: &Request) -> Result<(), Error> {
        write_record(&self.request_path(), request)
    }

    /// Whether a request waits for the launcher.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.request_path().exists()
    }

    /// Takes a request away. One that cannot be understood is removed and passed over.
    ///
    /// # Errors
    /// The file cannot be read or removed.
    pub fn take_request(&self) -> Result<Option<Request>, Error> {
        let path = self.request_path();
        if !path.exists() {
            return Ok(None);
        }
        let request = match read_record(&path, "") {
            Err(Error::Layout { .. }) => None,
            read => read?,
        };
        remove(&path)?;
        Ok(request)
    }

    fn request_path(&self) -> PathBuf {
        self.staged(FILE)
    }
}
