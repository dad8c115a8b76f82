//! Opening a data folder, in whatever state the last daemon left it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use super::index::open::OpenedIndex;
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
        // Not when it is there: its parent is somebody else's, and need not even be readable.
        if !data_dir.is_dir() {
            make_folder(data_dir)?;
        }
        let lock = FolderLock::take(data_dir)?;
        refuse_lost_journal(data_dir)?;
        for name in ["journal", "blobs", "staging"] {
            make_folder(&data_dir.join(name))?;
        }

        let OpenedJournal { journal, cut } = Journal::open(&data_dir.join("journal"))?;
        let opened = open_index(data_dir, &journal)?;
        let read_only = journal.broken().map(str::to_owned).or(opened.not_on_disk);
        let warnings = tell(cut.into_iter().chain(opened.warning), read_only.as_deref());

        let sequence = journal.end().seq;
        let catalog = load_catalog(&opened.index, sequence).map_err(StoreError::index)?;
        let first_start = sequence == 0 && read_only.is_none();
        let inner = Inner {
            journal_file: journal.file(),
            journal: Mutex::new(journal),
            index: RwLock::new(opened.index),
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

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::io(format!("cannot make {}", path.display()), source);
    disk::make_folder(path).map_err(failed)
}

fn open_index(data_dir: &Path, journal: &Journal) -> Result<OpenedIndex, StoreError> {
    if journal.broken().is_none() {
        return index::open::open(data_dir, &journal.file(), journal.end());
    }
    // The index on the disk may know what the journal no longer can tell, so it is left as it is.
    Ok(OpenedIndex {
        index: Index::in_memory(&journal.file())?,
        warning: None,
        not_on_disk: None,
    })
}

/// Logs what was not in order, and gives it back for whoever shows it.
fn tell(warnings: impl Iterator<Item = String>, read_only: Option<&str>) -> Vec<String> {
    let mut told: Vec<String> = warnings.collect();
    for warning in &told {
        tracing::warn!("{warning}");
    }
    if let Some(reason) = read_only {
        let warning = format!("the store is read-only: {reason}");
        tracing::error!("{warning}");
        told.push(warning);
    }
    told
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
    let reason = "it is missing, though index/ or blobs/ are not empty; restore it from a backup, \
                  or remove those two as well to begin anew";
    Err(StoreError::Damaged {
        path,
        offset: 0,
        reason: reason.into(),
    })
}
