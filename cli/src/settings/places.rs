//! Where files of settings are, and which of them are believed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The name of a project's file.
const PROJECT_FILE: &str = "relctl.toml";

/// Where files are looked for.
pub(crate) struct Surroundings<'a> {
    pub(crate) folder: PathBuf,
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'_> {
    fn variable(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// The user's folder of configuration: files there are the user's own, and so is what is stored by `relctl login`.
    pub(crate) fn user_folder(&self) -> Option<PathBuf> {
        let base = match self.variable("XDG_CONFIG_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => match self.variable("APPDATA").filter(|_| cfg!(windows)) {
                Some(folder) => PathBuf::from(folder),
                None => PathBuf::from(self.variable("HOME")?).join(".config"),
            },
        };
        Some(base.join("relctl")).filter(|folder| folder.is_absolute())
    }

    pub(crate) fn user_file(&self) -> Option<PathBuf> {
        Some(self.user_folder()?.join("config.toml"))
    }

    /// A file in a folder that everybody may write to could be anybody's.
    pub(super) fn nearest_project_file(&self, warnings: &mut Vec<String>) -> Option<PathBuf> {
        for folder in self.folder.ancestors() {
            let file = folder.join(PROJECT_FILE);
            if !file.is_file() {
                continue;
            }
            if is_open_to_all(folder) || is_open_to_all(&file) {
                warnings.push(format!(
                    "{} is not read: everybody may write there; name it with --config to use it",
                    file.display()
                ));
                continue;
            }
            return Some(file);
        }
        None
    }
}

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}
