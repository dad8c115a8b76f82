//! The application's folder: versions side by side, and one small file that says which of them runs.
//!
//! ```text
//! APP-DIR/current.json            which version runs, and which ran before; switched by an atomic rename
//! APP-DIR/versions/2.1.0/app.jar  never written to once it has its name: a running JVM may have it open
//! APP-DIR/staging/                what is on its way, and the lock of the updater
//! ```
//!
//! Whatever happens at whatever moment, `current.json` names a version whose file is whole. Probation and the way
//! back after a crash come on top of this layout; they need no other files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use protocol::{Checksum, ClientId, Version};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What `current.json` says. Fields of a later version are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    /// The version that runs.
    pub version: Version,
    /// The SHA-256 of its file.
    pub checksum: Checksum,
    /// The version that ran before, still on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Version>,
}

/// The folder of one installed application.
#[derive(Clone, Debug)]
pub struct AppFolder {
    root: PathBuf,
}

/// Held while an updater works; ends with its process, whatever becomes of it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Its name in `staging/`.
const LOCK: &str = "lock";

impl AppFolder {
    /// The folder at `root`, which is made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let folder = Self {
            root: root.to_owned(),
        };
        for path in [folder.versions(), folder.staging()] {
            fs::create_dir_all(&path).map_err(Error::file("make the folder", &path))?;
        }
        Ok(folder)
    }

    /// Keeps other updaters out until the lock is dropped, and removes what one that was killed left half rebuilt.
    ///
    /// # Errors
    /// [`Error::Busy`] when another one is at work.
    pub fn lock(&self) -> Result<Lock, Error> {
        let path = self.staging().join(LOCK);
        let file = File::create(&path).map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                self.sweep(|name| name.starts_with('.'));
                Ok(Lock { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(Error::Busy(self.root.clone())),
            Err(TryLockError::Error(error)) => Err(Error::file("lock", &path)(error)),
        }
    }

    /// The version that runs; `None` when nothing is installed yet, or its file is gone.
    ///
    /// # Errors
    /// `current.json` cannot be read.
    pub fn current(&self) -> Result<Option<Current>, Error> {
        let path = self.root.join("current.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path)(error)),
        };
        let current: Current = serde_json::from_slice(&bytes).map_err(|error| Error::Layout {
            path,
            reason: format!("{error}; remove the file to install from scratch"),
        })?;
        Ok(Some(current).filter(|current| self.jar(&current.version).is_file()))
    }

    /// Who this installation is: made once, and kept as long as the folder.
    ///
    /// # Errors
    /// The note cannot be read or written, or holds something else.
    pub fn client_id(&self) -> Result<ClientId, Error> {
        let path = self.root.join("client-id");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|error| Error::Layout {
                path,
                reason: format!("{error}; remove the file to get a new id"),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = format!("desktop-{:016x}", fastrand::u64(..));
                write_beside(&path, &made)?;
                self.client_id()
            }
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    /// Where the file of a version lies, installed or not.
    #[must_use]
    pub fn jar(&self, version: &Version) -> PathBuf {
        self.versions().join(version.to_string()).join("app.jar")
    }

    /// Where a file of this name may grow until it is whole.
    #[must_use]
    pub fn staged(&self, name: &str) -> PathBuf {
        self.staging().join(name)
    }

    /// Makes a checked, staged file the version that runs. The version before it stays; older ones go.
    ///
    /// # Errors
    /// A file cannot be moved or written; the version that ran before still runs.
    pub fn place(
        &self,
        staged: &Path,
        version: &Version,
        checksum: Checksum,
    ) -> Result<Current, Error> {
        let jar = self.jar(version);
        if staged != jar {
            let folder = jar.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
            fs::rename(staged, &jar).map_err(Error::file("put in place", &jar))?;
            sync_folder_of(&jar)?;
            sync_folder_of(folder)?;
        }
        let previous = self
            .current()?
            .map(|current| current.version)
            .filter(|previous| previous != version);
        let current = Current {
            version: version.clone(),
            checksum,
            previous,
        };
        self.switch(&current)?;
        self.remove_others(&current);
        self.sweep(|name| name != LOCK);
        Ok(current)
    }

    fn switch(&self, current: &Current) -> Result<(), Error> {
        let path = self.root.join("current.json");
        let text = serde_json::to_string(current).map_err(|error| Error::Layout {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_beside(&path, &text)
    }

    /// Best effort: what cannot be removed now (open on Windows) goes another time.
    fn remove_others(&self, current: &Current) {
        let kept = |name: &str| {
            name == current.version.to_string()
                || current
                    .previous
                    .as_ref()
                    .is_some_and(|previous| name == previous.to_string())
        };
        for entry in fs::read_dir(self.versions())
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_str().is_some_and(|name| !kept(name)) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    /// Removes staged files by name; half-done downloads are kept until an update made them worthless.
    fn sweep(&self, is_waste: impl Fn(&str) -> bool) {
        for entry in fs::read_dir(self.staging()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(&is_waste) {
                fs::remove_file(entry.path()).ok();
            }
        }
    }

    fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }
}

/// Writes a small file so that it is there whole or not at all.
fn write_beside(path: &Path, text: &str) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = || {
        let mut file = File::create(&beside)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(Error::file("write", path))?;
    sync_folder_of(path)
}

/// A rename is durable only after its folder is. Windows has no such call and does not need it.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::file("make durable", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn place(app: &AppFolder, number: &str) -> Current {
        let staged = app.staged("app.jar");
        fs::write(&staged, number).unwrap();
        let checksum = Checksum::from_bytes(delta::checksum::sha256(number.as_bytes()));
        app.place(&staged, &version(number), checksum).unwrap()
    }

    #[test]
    fn an_empty_folder_has_no_version() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(&folder.path().join("deep/app")).unwrap();
        assert_eq!(app.current().unwrap(), None);
    }

    #[test]
    fn the_version_before_stays_and_older_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        place(&app, "1.0.0");
        place(&app, "2.0.0");
        let current = place(&app, "3.0.0");
        assert_eq!(current.previous, Some(version("2.0.0")));
        assert_eq!(app.current().unwrap(), Some(current));
        assert_eq!(fs::read(app.jar(&version("3.0.0"))).unwrap(), b"3.0.0");
        assert!(app.jar(&version("2.0.0")).exists());
        assert!(!app.jar(&version("1.0.0")).exists());
    }

    #[test]
    fn half_done_downloads_outlive_a_restart_and_end_with_an_update() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        for name in [".2.0.0.rebuilt.jar.x.part", "2.0.0.jar.part"] {
            fs::write(app.staged(name), "half").unwrap();
        }
        let _lock = app.lock().unwrap();
        assert!(!app.staged(".2.0.0.rebuilt.jar.x.part").exists());
        assert!(app.staged("2.0.0.jar.part").exists());
        place(&app, "2.1.0");
        assert!(!app.staged("2.0.0.jar.part").exists());
        assert!(matches!(app.lock(), Err(Error::Busy(_))));
    }

    #[test]
    fn going_back_needs_no_copy_of_what_is_still_there() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        let first = place(&app, "1.0.0");
        place(&app, "2.0.0");
        let back = app
            .place(
                &app.jar(&version("1.0.0")),
                &version("1.0.0"),
                first.checksum,
            )
            .unwrap();
        assert_eq!(back.previous, Some(version("2.0.0")));
        assert_eq!(app.current().unwrap(), Some(back));
    }

    #[test]
    fn a_version_whose_file_is_gone_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        place(&app, "1.0.0");
        fs::remove_file(app.jar(&version("1.0.0"))).unwrap();
        assert_eq!(app.current().unwrap(), None);
    }

    #[test]
    fn a_scribbled_note_says_how_to_mend_it() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        fs::write(folder.path().join("current.json"), "scribble").unwrap();
        let message = app.current().unwrap_err().to_string();
        assert!(message.contains("remove the file"), "{message}");
    }

    #[test]
    fn an_installation_stays_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        let id = app.client_id().unwrap();
        assert!(id.as_str().starts_with("desktop-"));
        assert_eq!(app.client_id().unwrap(), id);
    }

    #[test]
    fn one_updater_works_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let app = AppFolder::open(folder.path()).unwrap();
        let lock = app.lock().unwrap();
        assert!(matches!(app.lock(), Err(Error::Busy(_))));
        drop(lock);
        assert!(app.lock().is_ok());
    }
}
