//! What the daemon knows for good: releases, deltas, users, tokens, and who changed them.
//!
//! [`Store`] has one method for each thing that the daemon does with it, and sees neither frames nor HTTP. Behind it:
//!
//! - `journal`: the truth, a file of records. A change is one record; when it is synced, the change has happened.
//! - `index`: sled, for looking things up. Made from the journal; may be deleted at any time.
//! - [`Catalog`]: the releases and deltas in memory, one snapshot per change.
//!
//! A write checks its preconditions, appends its record, updates index and catalog, and returns, all under one lock, so
//! writes happen one after the other and what they checked stays true. Reads take no part in that lock.
//!
//! # When something fails
//!
//! - The disk is full: the write fails with [`StoreError::DiskFull`] and nothing has changed.
//! - A write or sync of the journal fails otherwise, or the journal was found damaged: the store is read-only until the
//!   next start ([`Store::read_only_reason`]); all that was read stays readable.
//! - sled fails: the index is made again from the journal, in memory, and things go on. The next start makes a new one
//!   on the disk.
//! - No index can be made on the disk at start: it is made in memory, and the store is read-only, since a disk that has no
//!   room for the index has none for the journal.

mod apply;
mod catalog;
mod change;
pub(crate) mod disk;
mod error;
mod index;
mod journal;
mod lock;
mod open;
mod records;
mod releases;
mod users;
mod writer;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use protocol::{Checksum, ReleaseId, TokenId, Username};

pub use catalog::Catalog;
pub use error::StoreError;
pub(crate) use error::is_disk_full;
pub use records::{Actor, BlobRef, Delta, HistoryRecord, Release, ReleaseUpdate, Token, User};

use index::{Index, IndexError};
use journal::{Journal, JournalFile};
use lock::FolderLock;

/// The daemon's memory. Cheap to clone; all clones are one store.
///
/// All methods are synchronous. Reads take microseconds and never wait for a write; writes wait for the disk, so async
/// code calls them on the blocking pool.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

/// An opened store, and what the operator should know about the opening.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was not in order and how it was coped with; already logged.
    pub warnings: Vec<String>,
    /// Whether nothing was ever written to it.
    pub first_start: bool,
}

#[derive(Debug)]
struct Inner {
    journal: Mutex<Journal>,
    journal_file: Arc<JournalFile>,
    /// Exchanged as a whole when sled fails; otherwise everybody only reads the lock.
    index: RwLock<Index>,
    catalog: RwLock<Arc<Catalog>>,
    read_only: OnceLock<String>,
    /// Last, so that it is let go after all files are closed.
    _lock: FolderLock,
}

impl Store {
    /// Why nothing can be written, when nothing can, and what to do about it.
    #[must_use]
    pub fn read_only_reason(&self) -> Option<String> {
        self.inner.read_only.get().cloned()
    }

    /// All releases and deltas as of now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog()
    }

    /// A user.
    pub fn user(&self, name: &Username) -> Result<Option<User>, StoreError> {
        self.inner.read(|index| index.user(name))
    }

    /// All users, by name.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.inner.read(Index::users)
    }

    /// All tokens that the daemon issued, newest first.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let mut tokens = self.inner.read(Index::tokens)?;
        tokens.sort_by_key(|token| std::cmp::Reverse((token.issued_at, token.id)));
        Ok(tokens)
    }

    /// A token that the daemon issued.
    pub fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.inner.read(|index| index.token(id))
    }

    /// Whether a token of any issuer was taken back.
    pub fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        self.inner.read(|index| index.is_revoked(jti))
    }

    /// What was done to a release and by whom, newest first.
    pub fn release_history(&self, id: ReleaseId) -> Result<Vec<HistoryRecord>, StoreError> {
        let offsets = self.inner.read(|index| index.history(id))?;
        let newest_first = offsets.into_iter().rev();
        newest_first
            .map(|offset| {
                let record = self.inner.journal_file.record_at(offset)?;
                Ok(HistoryRecord {
                    seq: record.end.seq,
                    time: record.entry.time,
                    action: record.entry.change.action(),
                    summary: record.entry.change.summary(),
                    actor: record.entry.actor,
                    address: record.entry.address,
                })
            })
            .collect()
    }

    /// The blobs that a release or delta needs.
    #[must_use]
    pub fn referenced_blobs(&self) -> HashSet<Checksum> {
        let catalog = self.catalog();
        let releases = catalog.releases().iter().map(|r| r.blob.checksum);
        let deltas = catalog.deltas().map(|d| d.blob.checksum);
        releases.chain(deltas).collect()
    }

    /// Writes the index out, at shutdown. Nothing else is ever only in memory.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.inner.read(Index::flush)
    }
}

impl Inner {
    /// Asks the index, and if it fails, the one that takes its place.
    fn read<T>(&self, ask: impl Fn(&Index) -> Result<T, IndexError>) -> Result<T, StoreError> {
        let failure = match ask(&self.index()) {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        self.give_up_index(failure)?;
        ask(&self.index()).map_err(StoreError::index)
    }

    /// Puts an index in memory in the place of the one that failed.
    fn give_up_index(&self, failure: IndexError) -> Result<(), StoreError> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if index.is_in_memory() {
            // Somebody else was faster, or this one fails too, which the caller will find out.
            return Ok(());
        }
        tracing::warn!(error = %failure, "the index failed; its place is taken by one in memory until the next start");
        let made = Index::in_memory(&self.journal_file)?;
        let failed = std::mem::replace(&mut *index, made);
        // Not dropped: closing sled writes, and after a panic might wait for ever for what no thread does any more.
        std::mem::forget(failed);
        Ok(())
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
