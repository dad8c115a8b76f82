//! The bytes of releases and deltas: files that are named by their SHA-256 and never change.
//!
//! A file appears by being written in `staging/`, synced, and renamed to `blobs/ab/abcd…`, so under its final name it is
//! always whole. Who refers to it is the store's matter; `remove_unreferenced` takes away what nobody does.

mod error;
mod staged;
mod sweep;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use protocol::Checksum;

pub use error::BlobError;
pub use staged::Staged;

use crate::store::BlobRef;
use crate::store::disk;

/// All blobs of a data folder. Cheap to clone; all clones are one.
///
/// All methods are synchronous, and all but [`Blobs::shared`] touch the disk, so async code calls them on the blocking pool.
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    blobs: PathBuf,
    staging: PathBuf,
    /// When this process kept which blob. Holding the lock also keeps the sweep away from a rename.
    kept: Mutex<HashMap<Checksum, Instant>>,
    /// Blobs that somebody reads by [`Blobs::share`] now.
    shared: Mutex<HashMap<Checksum, Weak<File>>>,
}

impl Blobs {
    /// Makes the folders that are missing, and removes what uploads left behind when the daemon was killed.
    ///
    /// To be called after [`crate::store::Store::open`], which holds the data folder against a second daemon.
    pub fn open(data_dir: &Path) -> Result<Self, BlobError> {
        let inner = Inner {
            blobs: data_dir.join("blobs"),
            staging: data_dir.join("staging"),
            kept: Mutex::default(),
            shared: Mutex::default(),
        };
        for folder in [&inner.blobs, &inner.staging] {
            disk::make_folder(folder).map_err(|source| {
                BlobError::io(format!("cannot make {}", folder.display()), source)
            })?;
        }
        let removed = sweep::empty_staging(&inner.staging)?;
        if removed > 0 {
            tracing::info!(removed, "removed unfinished uploads of an earlier run");
        }
        let inner = Arc::new(inner);
        Ok(Self { inner })
    }

    /// Begins a new file. It is removed when the returned value is dropped, unless [`Blobs::keep`] took it.
    pub fn stage(&self) -> Result<Staged, BlobError> {
        Staged::create(&self.inner.staging)
    }

    /// Stages a whole file that lies elsewhere in the data folder, where it stays under its own name.
    pub fn stage_file(&self, whole: &Path) -> Result<Staged, BlobError> {
        Staged::second_name_of(whole, &self.inner.staging)
    }

    /// Makes a staged file a blob: durable, read-only, under its checksum.
    ///
    /// When the blob is there already the new file takes its place: same bytes, and if the old ones were damaged they
    /// are whole again.
    pub fn keep(&self, mut staged: Staged) -> Result<BlobRef, BlobError> {
        let blob = staged.finish()?;
        staged.sync()?;
        let path = self.path(&blob.checksum);
        let what = || format!("cannot keep {}", path.display());
        let folder = path.parent().unwrap_or(&self.inner.blobs);
        disk::make_folder(folder).map_err(|source| BlobError::io(what(), source))?;
        {
            let mut kept = self.lock_kept();
            fs::rename(staged.path(), &path).map_err(|source| BlobError::io(what(), source))?;
            kept.insert(blob.checksum, Instant::now());
        }
        staged.renamed();
        // Who comes from now on shall have the new file.
        locked(&self.inner.shared).remove(&blob.checksum);
        for folder in [folder, &self.inner.staging] {
            disk::sync_folder(folder).map_err(|source| BlobError::io(what(), source))?;
        }
        Ok(blob)
    }

    /// Where a blob lies, or would.
    #[must_use]
    pub fn path(&self, checksum: &Checksum) -> PathBuf {
        let name = checksum.as_str();
        self.inner.blobs.join(&name[..2]).join(name)
    }

    /// Opens a blob for reading, if it is there in its full size.
    pub fn open_blob(&self, blob: &BlobRef) -> Result<File, BlobError> {
        let path = self.path(&blob.checksum);
        let what = || format!("cannot open {}", path.display());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                let checksum = blob.checksum;
                return Err(BlobError::Missing { checksum });
            }
            Err(source) => return Err(BlobError::io(what(), source)),
        };
        let metadata = file
            .metadata()
            .map_err(|source| BlobError::io(what(), source))?;
        if !metadata.is_file() || metadata.len() != blob.size_bytes {
            return Err(BlobError::Damaged {
                checksum: blob.checksum,
                expected_bytes: blob.size_bytes,
                found_bytes: metadata.len(),
            });
        }
        Ok(file)
    }

    /// The open file of a blob that is shared now.
    #[must_use]
    pub fn shared(&self, blob: &BlobRef) -> Option<Arc<File>> {
        locked(&self.inner.shared)
            .get(&blob.checksum)
            .and_then(Weak::upgrade)
    }

    /// Opens a blob for all who read it at the same time: a thousand downloads of a release are one open file. Nobody may
    /// move its position.
    pub fn share(&self, blob: &BlobRef) -> Result<Arc<File>, BlobError> {
        let file = Arc::new(self.open_blob(blob)?);
        let mut shared = locked(&self.inner.shared);
        shared.retain(|_, file| file.strong_count() > 0);
        shared.insert(blob.checksum, Arc::downgrade(&file));
        Ok(file)
    }

    /// Whether a file can be written at all, for the readiness probe: makes one of a few bytes and removes it.
    pub fn check_writable(&self) -> Result<(), BlobError> {
        self.stage()?.write(b"ready?")
    }

    fn lock_kept(&self) -> MutexGuard<'_, HashMap<Checksum, Instant>> {
        locked(&self.inner.kept)
    }
}

/// Nothing panics while it holds one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long ago a file was written, by the machine's clock; zero when the clock went back since.
fn age(written: SystemTime, now: SystemTime) -> std::time::Duration {
    now.duration_since(written).unwrap_or_default()
}

#[cfg(test)]
mod tests;
