//! The application's folder: versions side by side, and one small file that says which of them runs.
//!
//! ```text
//! APP-DIR/current.json            which version runs, which ran before, and what is known of them
//! APP-DIR/staged.json             the version that runs from the next start on
//! APP-DIR/versions/2.1.0/app.jar  never written to once it has its name: a running JVM may have it open
//! APP-DIR/staging/                what is on its way, and the lock of the updater
//! APP-DIR/unsent/                 reports that no daemon has heard yet
//! ```
//!
//! Whatever happens at whatever moment, `current.json` names a version whose file is whole: every change of it is one
//! atomic rename, made after the files that it names are durable.

mod current;
mod disk;
mod lock;
mod probation;
mod request;
mod staged;
mod trouble;
mod unsent;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Checksum, ClientId, Version};

use crate::Error;
use disk::{put_in_place, read_record, write_beside, write_record};

pub use current::{Current, HeldBack, Probation};
pub(crate) use disk::sync_folder_of;
pub use lock::{Holder, Lock};
pub use request::Request;
pub use staged::StagedVersion;
pub use trouble::Trouble;
pub(crate) use unsent::result;

/// The folder of one installed application.
#[derive(Clone, Debug)]
pub struct AppFolder {
    root: PathBuf,
}

impl AppFolder {
    /// The folder at `root` as it is. Nothing is looked at yet.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder at `root`, which is made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let folder = Self::at(root);
        for path in [folder.versions(), folder.staging()] {
            fs::create_dir_all(&path).map_err(Error::file("make the folder", &path))?;
        }
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The version that runs; `None` when nothing is installed yet, or its file is gone.
    ///
    /// # Errors
    /// `current.json` cannot be read.
    pub fn current(&self) -> Result<Option<Current>, Error> {
        let current = self.record()?;
        Ok(current.filter(|current| self.jar(&current.version).is_file()))
    }

    /// What `current.json` says, whether the files are there or not.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn record(&self) -> Result<Option<Current>, Error> {
        read_record(
            &self.current_path(),
            "remove the file to install from scratch",
        )
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

    /// Whether the file of a version is there with these bytes. One that cannot be read is not.
    #[must_use]
    pub fn is_whole(&self, version: &Version, checksum: Checksum) -> bool {
        delta::checksum::sha256_file(&self.jar(version))
            .is_ok_and(|(digest, _)| Checksum::from_bytes(digest) == checksum)
    }

    /// Makes a checked, staged file the version that runs, with no probation. The version before it stays; older ones go.
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
            put_in_place(staged, &jar)?;
        }
        let current = Current::successor(self.current()?, version.clone(), checksum, None);
        self.switch(&current)?;
        self.forget_staged()?;
        self.remove_versions(&current);
        self.clear_staging();
        Ok(current)
    }

    fn switch(&self, current: &Current) -> Result<(), Error> {
        write_record(&self.current_path(), current)
    }

    /// Removes all versions but those that run, ran before, or wait for the next start. Best effort: what cannot be
    /// removed now (open on Windows) goes another time.
    fn remove_versions(&self, current: &Current) {
        let staged = self.staged_note().ok().flatten();
        let kept: Vec<String> = [Some(&current.version), current.previous.as_ref()]
            .into_iter()
            .chain([staged.as_ref().map(|staged| &staged.version)])
            .flatten()
            .map(Version::to_string)
            .collect();
        let is_waste = |name: &str| !kept.iter().any(|kept| kept == name);
        for entry in fs::read_dir(self.versions())
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_str().is_some_and(is_waste) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    /// Removes what was on its way to a version that is not on its way any more: all of it, after a switch.
    pub(crate) fn clear_staging(&self) {
        self.sweep(|name| ![lock::LOCK, lock::HOLDER, request::FILE].contains(&name));
    }

    /// Removes staged files by name; half-done downloads are kept until an update made them worthless.
    fn sweep(&self, is_waste: impl Fn(&str) -> bool) {
        for entry in fs::read_dir(self.staging()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(&is_waste) {
                fs::remove_file(entry.path()).ok();
            }
        }
    }

    fn current_path(&self) -> PathBuf {
        self.root.join("current.json")
    }

    fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }
}

#[cfg(test)]
mod tests;
