//! What kept the last update from being made, for who asks how an installation is.

use protocol::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AppFolder;
use super::disk::{read_record, write_record};
use crate::Error;

/// The last error of the updater. It goes when an update, or asking for one, works again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What went wrong.
    pub message: String,
    /// When.
    pub since: Timestamp,
}

impl AppFolder {
    /// Notes an error. Best effort: it may be a full disk that is to be noted.
    pub(crate) fn note_trouble(&self, error: &Error, since: Timestamp) {
        let message = error.to_string();
        let trouble = Trouble { message, since };
        write_record(&self.trouble_path(), &trouble).ok();
    }

    /// All is well.
    pub(crate) fn forget_trouble(&self) {
        std::fs::remove_file(self.trouble_path()).ok();
    }

    /// The last error, if it was the last word.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        read_record(&self.trouble_path(), "").ok().flatten()
    }

    fn trouble_path(&self) -> std::path::PathBuf {
        self.root.join("last-error.json")
    }
}
