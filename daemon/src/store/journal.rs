//! The truth: one file to which every change is appended, checked and synced before anybody hears of it.
//!
//! The catalog and the index are made from it. It is the audit log too, and with `blobs/` it is all that a backup needs.
//!
//! # Layout of `journal/000001.log`
//!
//! All numbers are little-endian. The file begins with a header of 32 bytes:
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 8 | `relctlJ\n` |
//! | 8 | 4 | format version, now 1 |
//! | 12 | 16 | a random id of this journal |
//! | 28 | 4 | CRC32C of the 28 bytes before |
//!
//! Records follow, without gaps:
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | length N of the payload, 1 to 1 MiB |
//! | 4 | 4 | CRC32C of the whole record but these four bytes |
//! | 8 | 8 | sequence number: 1, 2, 3 … |
//! | 16 | 32 | SHA-256 of the record before, all its bytes; in record 1, SHA-256 of the header |
//! | 48 | N | JSON: `{"time","actor","address"?,"change":{"type",…}}` |
//!
//! The CRC tells that a record is whole, the hash that it stands where it was written: records that were exchanged,
//! left out or brought from another journal do not fit.
//!
//! # Promises
//!
//! - [`Journal::append`] returns after `fdatasync`. Whoever got no answer finds the record whole or not at all.
//! - An interrupted write is cut off at the next start; how it is told from damage is in [`scan`].
//! - A damaged file is never changed. What is before the damage can be read, and nothing can be written.
//! - A write or sync that failed is not tried again: after a failed fsync the kernel may call pages clean that never
//!   reached the disk, so that the second one lies. Nothing can be written until the next start. Only a full disk is no
//!   reason for that: what was written of the record is cut off, and the next write may succeed.

mod file;
mod header;
mod record;
mod scan;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use protocol::Checksum;
use serde::{Deserialize, Serialize};

use super::change::Entry;
use super::disk;
use super::error::{StoreError, is_disk_full};
pub(super) use file::JournalFile;
use header::HEADER_BYTES;
pub(super) use record::PAYLOAD_BYTES_MAX;
use scan::Tail;

/// The only file there is. A later format may go on in `000002.log`; this one refuses to start over such a file.
pub(super) const FILE_NAME: &str = "000001.log";

/// The end of the journal: what the index must agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// The last record's sequence number; 0 when there is none. Since there are no gaps it is the count of records too.
    pub(super) seq: u64,
    /// The last record's hash, or the header's.
    pub(super) chain: Checksum,
}

/// The writer: there is one, and it alone knows where the next record goes.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<JournalFile>,
    end: End,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

/// A journal that was opened, and in what state it was found.
#[derive(Debug)]
pub(super) struct OpenedJournal {
    pub(super) journal: Journal,
    /// What was cut off, in a sentence.
    pub(super) cut: Option<String>,
}

/// Why a record was not appended.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppendError {
    #[error("the disk is full")]
    DiskFull,
    #[error("{size_bytes} bytes are too many for a record")]
    TooLarge { size_bytes: usize },
    /// No change that exists can cause it.
    #[error("the record cannot be written as JSON")]
    NotJson(#[source] serde_json::Error),
    /// Nothing can be written until the next start.
    #[error("{0}")]
    Broken(String),
}

impl Journal {
    /// Opens the journal in this folder, or makes an empty one.
    pub(super) fn open(folder: &Path) -> Result<OpenedJournal, StoreError> {
        refuse_later_files(folder)?;
        let path = folder.join(FILE_NAME);
        let failed = |source| StoreError::io(format!("cannot open {}", path.display()), source);
        if !path.try_exists().map_err(failed)? {
            create(&path, uuid::Uuid::new_v4().as_bytes()).map_err(failed)?;
        }
        // Whoever made it may have been killed before this.
        disk::sync_folder(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(&path).map_err(failed)?;

        let mut header = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&file, HEADER_BYTES as u64), &mut header)
            .map_err(failed)?;
        header::check(&header, &path)?;
        let genesis = record::hash(&header);
        let scanned = scan::scan(&file, HEADER_BYTES as u64, genesis).map_err(failed)?;

        let file = Arc::new(JournalFile::new(file, path, genesis, scanned.end));
        let mut journal = Self {
            end: End {
                seq: scanned.seq,
                chain: scanned.chain,
            },
            broken: None,
            file,
        };
        let cut = match scanned.tail {
            Tail::Clean => {
                journal.make_durable();
                None
            }
            Tail::Torn { bytes } => journal.cut_torn_tail(bytes),
            Tail::Damaged { reason } => {
                journal.broken = Some(journal.damage(&reason));
                None
            }
        };
        Ok(OpenedJournal { journal, cut })
    }

    /// The last record.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// Where the next record will begin.
    pub(super) fn next_offset(&self) -> u64 {
        self.file.length()
    }

    /// Why nothing can be written, when nothing can.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// The file, for reading without the writer.
    pub(super) fn file(&self) -> Arc<JournalFile> {
        Arc::clone(&self.file)
    }

    /// Appends a record, and returns when it would survive a power cut.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<End, AppendError> {
        if let Some(reason) = &self.broken {
            return Err(AppendError::Broken(reason.clone()));
        }
        let payload = serde_json::to_vec(entry).map_err(AppendError::NotJson)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            let size_bytes = payload.len();
            return Err(AppendError::TooLarge { size_bytes });
        }
        let seq = self.end.seq + 1;
        let record = record::encode(seq, &self.end.chain, &payload);
        self.write_at_end(&record)?;
        self.end = End {
            seq,
            chain: record::hash(&record),
        };
        Ok(self.end)
    }

    fn write_at_end(&mut self, record: &[u8]) -> Result<(), AppendError> {
        let length = self.file.length();
        match self.file.file().write_all_at(record, length) {
            Ok(()) => {}
            Err(error) if is_disk_full(&error) => return Err(self.undo_partial_write(length)),
            Err(error) => return Err(self.breaks("a write", &error)),
        }
        if let Err(error) = self.file.file().sync_data() {
            return Err(self.breaks("a sync", &error));
        }
        self.file.set_length(length + record.len() as u64);
        Ok(())
    }

    /// After a full disk: without this, the next record would have to begin behind half of this one.
    fn undo_partial_write(&mut self, length: u64) -> AppendError {
        let file = self.file.file();
        match file.set_len(length).and_then(|()| file.sync_all()) {
            Ok(()) => AppendError::DiskFull,
            Err(error) => self.breaks("cutting off half a record on a full disk", &error),
        }
    }

    /// A daemon that was killed between write and sync left a record that can be read, and that a power cut could still
    /// take back. Before anybody hears of it, it is synced.
    fn make_durable(&mut self) {
        if let Err(error) = self.file.file().sync_data() {
            self.breaks("a sync", &error);
        }
    }

    fn breaks(&mut self, action: &str, error: &io::Error) -> AppendError {
        let path = self.file.path().display();
        let reason = format!(
            "{action} failed on {path} ({error}); see to the disk, then start relctld again"
        );
        tracing::error!(%error, path = %path, "the journal can no longer be written; the store is read-only until the next start");
        self.broken = Some(reason.clone());
        AppendError::Broken(reason)
    }

    /// What an operator must know when the record behind the last good one is damaged.
    fn damage(&self, reason: &str) -> String {
        let (path, seq) = (self.file.path().display(), self.end.seq + 1);
        let offset = self.file.length();
        format!(
            "record {seq} at offset {offset} of {path} is damaged: {reason}; what was before it is served. \
             Stop relctld and restore the file from a backup, or give up record {seq} and all behind it \
             with `truncate -s {offset} {path}`, then start relctld again"
        )
    }

    /// Cuts the file behind its last good record, and says so. If that fails nothing can be written.
    fn cut_torn_tail(&mut self, bytes: u64) -> Option<String> {
        let length = self.file.length();
        let file = self.file.file();
        if let Err(error) = file.set_len(length).and_then(|()| file.sync_all()) {
            self.breaks("cutting off an interrupted write", &error);
            return None;
        }
        let (path, seq) = (self.file.path().display(), self.end.seq);
        Some(format!(
            "cut {bytes} bytes of an interrupted write off {path}, behind record {seq} at offset {length}; \
             nobody was told that it succeeded"
        ))
    }
}

/// Makes an empty journal. It appears whole or not at all; its name is not yet durable.
fn create(path: &Path, id: &[u8; 16]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk::create_new(&unfinished)?;
    file.write_all_at(&header::encode(id), 0)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

fn refuse_later_files(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::io(format!("cannot list {}", folder.display()), source);
    for file in fs::read_dir(folder).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if is_log && path.file_name().is_some_and(|name| name != FILE_NAME) {
            let reason = format!("this one knows only {FILE_NAME}");
            return Err(StoreError::Newer { path, reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
