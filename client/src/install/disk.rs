//! Files that are there whole or not at all: written beside, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_beside(path: &Path, text: &str) -> Result<(), Error> {
    let beside = beside(path);
    let written = || {
        let mut file = File::create(&beside)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(Error::file("write", path))?;
    sync_folder_of(path)
}

/// Writes a record as JSON.
pub(super) fn write_record(path: &Path, record: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(record).map_err(|error| Error::Layout {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    write_beside(path, &text)
}

/// Reads a record; `None` where there is none. `mend` says what to do about one that cannot be understood.
pub(super) fn read_record<T: DeserializeOwned>(
    path: &Path,
    mend: &str,
) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    let record = serde_json::from_slice(&bytes).map_err(|error| Error::Layout {
        path: path.to_owned(),
        reason: format!("{error}; {mend}"),
    })?;
    Ok(Some(record))
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder_of(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::file("remove", path)(error)),
    }
}

/// Gives a whole file its final name, also where `staging/` lies on another file system than `versions/`.
pub(super) fn put_in_place(from: &Path, to: &Path) -> Result<(), Error> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to)?,
        renamed => renamed.map_err(Error::file("put in place", to))?,
    }
    sync_folder_of(to)?;
    sync_folder_of(folder)
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let beside = beside(to);
    let copied = || {
        fs::copy(from, &beside)?;
        File::open(&beside)?.sync_all()?;
        fs::rename(&beside, to)
    };
    copied().map_err(|error| {
        fs::remove_file(&beside).ok();
        Error::file("put in place", to)(error)
    })?;
    fs::remove_file(from).ok();
    Ok(())
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

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    beside.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stands_in_for_a_rename_across_file_systems() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_gone_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        remove(&folder.path().join("nothing")).unwrap();
    }
}
