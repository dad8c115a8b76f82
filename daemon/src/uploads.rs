//! Uploads that go on where they were cut: files that grow over several requests, restarts of the daemon included.
//!
//! Each is two files in `uploads/`: `ID.part`, whose length is how far it is, and `ID.json`, which says whose it is and how
//! long it shall become. What was acknowledged is synced. What a killed daemon had written and not acknowledged is on the disk
//! as well, so it counts; what a power cut makes of such bytes is found when the whole is compared with its SHA-256.
//!
//! Nothing here knows of releases: a whole upload becomes a staged file by a second name, and is removed once that was used.
//! An upload belongs to the user who began it, and is not there for anybody else.

mod claim;
mod open;
mod record;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{Timestamp, UploadId, Username};
use tokio_util::sync::CancellationToken;

pub use claim::Claim;

use crate::blobs::BlobError;
use crate::store::disk;
use record::Record;

/// All uploads of a data folder. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Uploads {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    expiry: Duration,
    all: Mutex<HashMap<UploadId, Arc<Upload>>>,
}

/// One upload.
#[derive(Debug)]
pub struct Upload {
    id: UploadId,
    record: Record,
    /// Its bytes. Beside them, with another ending, lies its record.
    path: PathBuf,
    received_bytes: AtomicU64,
    /// When something was added last, in Unix milliseconds.
    touched_ms: AtomicI64,
    /// Held by the request that works on it.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Asks that request to end: its client comes by another connection now.
    newest: Mutex<CancellationToken>,
}

/// What an upload shall become.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Whose it is.
    pub owner: Username,
    /// How many bytes it will have.
    pub length_bytes: u64,
    /// `Upload-Metadata` as it was sent.
    pub metadata: String,
}

/// Why an upload could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Its user has begun too many others.
    #[error("{count} uploads of {owner} are unfinished")]
    TooMany {
        /// Who.
        owner: Username,
        /// How many.
        count: usize,
    },
    /// The disk.
    #[error(transparent)]
    Disk(#[from] BlobError),
}

impl Uploads {
    /// Begins an upload. `most` of one user may be unfinished; 0 is no limit. For the blocking pool.
    ///
    /// # Errors
    /// There are too many, or the disk has no room for it.
    pub fn begin(
        &self,
        new: NewUpload,
        most: u32,
        now: Timestamp,
    ) -> Result<Arc<Upload>, BeginError> {
        let folder = &self.inner.folder;
        open::check_room(folder, new.length_bytes)?;
        let id = UploadId::generate();
        let record = Record::new(new, now);
        let upload = Arc::new(Upload::new(folder, id, record, 0, now));
        {
            // Its place is taken before its files are made, so that no two take the last one.
            let mut all = self.lock();
            let owner = &upload.record.owner;
            let count = all.values().filter(|other| other.is_of(owner)).count();
            if most != 0 && count >= most as usize {
                let owner = owner.clone();
                return Err(BeginError::TooMany { owner, count });
            }
            all.insert(id, Arc::clone(&upload));
        }
        let made = upload.make_files(folder);
        if let Err(error) = made {
            self.forget(&upload);
            return Err(error.into());
        }
        Ok(upload)
    }

    /// The uploads of a user, oldest first.
    #[must_use]
    pub fn of(&self, owner: &Username, now: Timestamp) -> Vec<Arc<Upload>> {
        let mut found: Vec<_> = self
            .lock()
            .values()
            .filter(|upload| upload.is_of(owner) && !self.is_over(upload, now))
            .cloned()
            .collect();
        found.sort_by_key(|upload| (upload.created_at(), upload.id));
        found
    }

    /// Waits for the turn on an upload. A request that still takes bytes in is asked to end: its client has come back,
    /// and the old connection may be one that nobody has told us of its end.
    pub async fn claim(&self, id: UploadId, owner: &Username, now: Timestamp) -> Option<Claim> {
        let upload = self.find(id, owner, now)?;
        let claim = Claim::wait(upload).await;
        // It may have been used or removed meanwhile.
        self.find(id, owner, now)?;
        Some(claim)
    }

    /// Removes an upload. For the blocking pool.
    pub fn remove(&self, claim: Claim) {
        self.forget(claim.upload());
        // Until here nobody else had the turn.
        drop(claim);
    }

    /// Removes what nothing was added to for too long, and tells how many. For the blocking pool.
    #[must_use]
    pub fn sweep(&self, now: Timestamp) -> u64 {
        let over: Vec<Arc<Upload>> = self
            .lock()
            .values()
            .filter(|upload| self.is_over(upload, now))
            .cloned()
            .collect();
        let mut removed = 0;
        for upload in over {
            // Somebody who works on it now has it a little longer.
            if let Ok(_turn) = Arc::clone(&upload.turn).try_lock_owned() {
                self.forget(&upload);
                removed += 1;
            }
        }
        removed
    }

    /// When an upload goes away, unless something is added before.
    #[must_use]
    pub fn expires_at(&self, upload: &Upload) -> Timestamp {
        let expiry_ms = i64::try_from(self.inner.expiry.as_millis()).unwrap_or(i64::MAX);
        let touched_ms = upload.touched_ms.load(Ordering::Relaxed);
        Timestamp::from_unix_ms(touched_ms.saturating_add(expiry_ms))
    }

    fn is_over(&self, upload: &Upload, now: Timestamp) -> bool {
        self.expires_at(upload) <= now
    }

    fn find(&self, id: UploadId, owner: &Username, now: Timestamp) -> Option<Arc<Upload>> {
        let found = self.lock().get(&id).cloned()?;
        (found.is_of(owner) && !self.is_over(&found, now)).then_some(found)
    }

    /// Removes an upload whose turn the caller has. For the blocking pool.
    pub fn forget(&self, upload: &Upload) {
        self.lock().remove(&upload.id);
        // The record last: bytes without one are removed at the next start, and so is a record without bytes.
        for path in [upload.path.clone(), upload.record_path()] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "cannot remove an upload; the next start will");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<Upload>>> {
        locked(&self.inner.all)
    }
}

impl Upload {
    fn new(
        folder: &Path,
        id: UploadId,
        record: Record,
        received_bytes: u64,
        touched: Timestamp,
    ) -> Self {
        Self {
            id,
            record,
            path: folder.join(format!("{id}.{}", open::PART)),
            received_bytes: AtomicU64::new(received_bytes),
            touched_ms: AtomicI64::new(touched.unix_ms()),
            turn: Arc::default(),
            newest: Mutex::default(),
        }
    }

    fn make_files(&self, folder: &Path) -> Result<(), BlobError> {
        let what = || format!("cannot make {}", self.path.display());
        let failed = |source| BlobError::io(what(), source);
        disk::create_new(&self.path).map_err(failed)?;
        self.record.write(&self.record_path())?;
        disk::sync_folder(folder).map_err(failed)
    }

    fn record_path(&self) -> PathBuf {
        self.path.with_extension(open::RECORD)
    }

    fn is_of(&self, owner: &Username) -> bool {
        self.record.owner == *owner
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// How many bytes are there.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// How many there will be.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.record.length_bytes
    }

    /// `Upload-Metadata` as it was sent.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.record.metadata
    }

    /// When it was begun.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.record.created_at
    }
}

/// Nothing panics while it holds one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
