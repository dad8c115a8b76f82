//! Taking away what nobody needs: unfinished uploads at start, unreferenced blobs now and then.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::Checksum;

use super::{BlobError, Blobs, age};

impl Blobs {
    /// Removes blobs that are neither in `referenced` nor younger than `older_than`, and tells how many they were.
    ///
    /// `older_than` must be longer than any publish takes from keeping a blob to writing its journal record, since in
    /// between nothing refers to it. Blobs that this process kept are timed by a clock that nobody can set. Files
    /// with foreign names are left alone.
    pub fn remove_unreferenced(
        &self,
        referenced: &HashSet<Checksum>,
        older_than: Duration,
    ) -> Result<u64, BlobError> {
        // What is older is judged by its file's time alone.
        self.lock_kept()
            .retain(|_, since| since.elapsed() < older_than);
        let mut removed = 0;
        for folder in entries(&self.inner.blobs)? {
            if !folder.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            for file in entries(&folder.path())? {
                let name = file.file_name();
                let checksum = name.to_str().and_then(|name| name.parse().ok());
                let Some(checksum) = checksum else { continue };
                let is_blob = self.path(&checksum) == file.path();
                if !is_blob || referenced.contains(&checksum) {
                    continue;
                }
                removed += u64::from(self.remove_if_old(&checksum, older_than)?);
            }
        }
        Ok(removed)
    }

    /// Looks and removes under one lock, so that a blob that is kept again in this very moment stays.
    fn remove_if_old(&self, checksum: &Checksum, older_than: Duration) -> Result<bool, BlobError> {
        let path = self.path(checksum);
        let failed = |source| BlobError::io(format!("cannot remove {}", path.display()), source);
        let mut kept = self.lock_kept();
        if kept
            .get(checksum)
            .is_some_and(|since| since.elapsed() < older_than)
        {
            return Ok(false);
        }
        let written = fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .map_err(failed)?;
        if age(written, SystemTime::now()) < older_than {
            return Ok(false);
        }
        fs::remove_file(&path).map_err(failed)?;
        kept.remove(checksum);
        Ok(true)
    }
}

/// Removes all files in `staging/`, and tells how many they were. What cannot be removed is in nobody's way.
pub(super) fn empty_staging(staging: &Path) -> Result<u64, BlobError> {
    let mut removed = 0;
    for file in entries(staging)? {
        let path = file.path();
        match fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot remove an unfinished upload");
            }
        }
    }
    Ok(removed)
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, BlobError> {
    fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(|source| BlobError::io(format!("cannot list {}", folder.display()), source))
}
