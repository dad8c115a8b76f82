//! Reports that no daemon has heard yet: written before the first try, removed after it was acknowledged.
//!
//! A report may arrive twice, when the process ends between the two; it is never lost.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::message::InstallationResult;
use protocol::{ClientMessage, Version};

use super::AppFolder;
use super::disk::{read_record, remove, write_record};
use crate::Error;
use crate::update::short;

/// A folder that is offline for long keeps this many; the oldest goes.
const UNSENT: usize = 16;

impl AppFolder {
    /// Keeps a report until [`AppFolder::forget_report`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_report(&self, result: &InstallationResult) -> Result<(), Error> {
        let folder = self.unsent();
        fs::create_dir_all(&folder).map_err(Error::file("make the folder", &folder))?;
        let mut kept = self.files();
        while kept.len() >= UNSENT {
            remove(&kept.remove(0))?;
        }
        let number = kept.last().and_then(|last| number(last)).unwrap_or(0) + 1;
        write_record(&folder.join(format!("{number:010}.json")), result)
    }

    /// Whether a report waits.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        !self.files().is_empty()
    }

    /// The oldest report that waits, and its file.
    #[must_use]
    pub fn next_report(&self) -> Option<(PathBuf, ClientMessage)> {
        for file in self.files() {
            match read_record::<InstallationResult>(&file, "") {
                Ok(Some(result)) => {
                    return Some((file, ClientMessage::InstallationCompleted(result)));
                }
                Ok(None) => {}
                // Nobody will understand it later either.
                Err(_) => drop(remove(&file)),
            }
        }
        None
    }

    /// The report was heard, or can never be.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget_report(&self, file: &Path) -> Result<(), Error> {
        remove(file)
    }

    /// The reports that wait, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.unsent()).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| number(path).is_some())
            .collect();
        files.sort();
        files
    }

    fn unsent(&self) -> PathBuf {
        self.root.join("unsent")
    }
}

/// The end of an installation, as it is reported.
pub(crate) fn result(
    version: &Version,
    previous: Version,
    success: bool,
    message: &str,
) -> InstallationResult {
    InstallationResult {
        version: version.clone(),
        previous_version: Some(previous),
        success,
        message: short(message),
    }
}

/// `0000000007.json` is the seventh.
fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(version: &str) -> InstallationResult {
        InstallationResult {
            version: version.parse().unwrap(),
            previous_version: None,
            success: false,
            message: "exited with code 1".into(),
        }
    }

    #[test]
    fn reports_wait_in_their_order_and_the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::at(folder.path());
        assert!(app.next_report().is_none());
        for minor in 0..UNSENT + 2 {
            app.keep_report(&result(&format!("1.{minor}.0"))).unwrap();
        }
        for minor in 2..UNSENT + 2 {
            let (file, report) = app.next_report().unwrap();
            let expected = result(&format!("1.{minor}.0"));
            assert_eq!(report, ClientMessage::InstallationCompleted(expected));
            app.forget_report(&file).unwrap();
        }
        assert!(app.next_report().is_none());
    }

    #[test]
    fn a_scribbled_report_does_not_stop_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::at(folder.path());
        app.keep_report(&result("1.0.0")).unwrap();
        let (file, _) = app.next_report().unwrap();
        fs::write(file, "scribble").unwrap();
        app.keep_report(&result("1.1.0")).unwrap();
        let (_, report) = app.next_report().unwrap();
        assert_eq!(
            report,
            ClientMessage::InstallationCompleted(result("1.1.0"))
        );
    }
}
