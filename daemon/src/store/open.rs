//! Opening a data folder, in whatever state the last daemon left it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use super::index::{self, Index, IndexError};
use super::journal::{self, Journal, OpenedJournal};
use super::lock::FolderLock;
use super::{Catalog, Inner, Opened, Store, StoreError, disk};

impl Store {
    /// Opens the data folder, makes what is missing in it, and keeps other daemons out of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] when another daemon has the folder, [`StoreError::Damaged`] when the journal is gone or
    /// unreadable from its first byte, [`StoreError::Newer`] when a newer daemon wrote it. Damage further on gives a store
    /// that can be read up to there.
    pub fn open(data_dir: &Path) -> Result<Opened, StoreError> {
        let make = |folder: &Path| {
            let failed =
                |source| StoreError::io(format!("cannot make {}", folder.display()), source);
            disk::make_folder(folder).map_err(failed)
        };
        // Not when it is there: its parent is somebody else's, and need not even be readable.
        if !data_dir.is_dir() {
            make(data_dir)?;
        }
        let lock = FolderLock::take(data_dir)?;
        refuse_lost_journal(data_dir)?;
        for name in ["journal", "blobs", "staging"] {
            make(&data_dir.join(name))?;
        }

        let mut warnings = Vec::new();
        let OpenedJournal { journal, cut } = Journal::open(&data_dir.join("journal"))?;
        warnings.extend(cut);
        let mut read_only = journal.broken().map(str::to_owned);
        let journal_file = journal.file();
        let end = journal.end();
        let index = if read_only.is_some() {
            // The index on the disk may know what the journal no longer can tell, so it is left as it is.
            Index::in_memory(&journal_file)?
        } else {
            let opened = index::open::open(data_dir, &journal_file, end)?;
            warnings.extend(opened.warning);
            read_only = opened.not_on_disk;
            opened.index
        };
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        if let Some(reason) = &read_only {
            tracing::error!("the store is read-only: {reason}");
            warnings.push(format!("the store is read-only: {reason}"));
        }

        let first_start = end.seq == 0 && read_only.is_none();
        let catalog = load_catalog(&index, end.seq).map_err(StoreError::index)?;
        let inner = Inner {
            journal: Mutex::new(journal),
            journal_file,
            index: RwLock::new(index),
            catalog: RwLock::new(Arc::new(catalog)),
            read_only: read_only.map(OnceLock::from).unwrap_or_default(),
            _lock: lock,
        };
        let inner = Arc::new(inner);
        Ok(Opened {
            store: Self { inner },
            warnings,
            first_start,
        })
    }
}

fn load_catalog(index: &Index, sequence: u64) -> Result<Catalog, IndexError> {
    let releases = index.releases()?.into_iter().map(Arc::new);
    let deltas = index.deltas()?.into_iter().map(Arc::new);
    Ok(Catalog::new(releases, deltas, sequence))
}

/// A folder with an index or blobs but no journal lost its journal. Beginning anew there would make the sweep remove
/// every blob.
fn refuse_lost_journal(data_dir: &Path) -> Result<(), StoreError> {
    let path = data_dir.join("journal").join(journal::FILE_NAME);
    let is_empty = |name: &str| {
        fs::read_dir(data_dir.join(name)).map_or(true, |mut folder| folder.next().is_none())
    };
    if path.exists() || (is_empty("index") && is_empty("blobs")) {
        return Ok(());
    }
    let reason =
        "it is missing, but index/ or blobs/ are not; restore it from a backup, or remove \
                  those two as well to begin anew"
            .into();
    Err(StoreError::Damaged {
        path,
        offset: 0,
        reason,
    })
}
