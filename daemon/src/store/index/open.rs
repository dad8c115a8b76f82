//! Opening the index at start: taken as it is when it agrees with the journal, made again when it does not.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use super::digest::Digest;
use super::rows::{Rows, Write};
use super::table::Table;
use super::{Index, IndexError, Meta, SCHEMA};
use crate::store::disk;
use crate::store::error::{StoreError, is_disk_full};
use crate::store::journal::{End, JournalFile};

/// How many indexes that were moved aside stay for somebody to look at.
const BAD_KEPT: usize = 2;

/// Rows copied into a new index in one batch.
const COPIED_ROWS: usize = 1000;

/// An opened index, and what was not in order.
#[derive(Debug)]
pub(in crate::store) struct OpenedIndex {
    pub(in crate::store) index: Index,
    pub(in crate::store) warning: Option<String>,
    /// Why it is only in memory, when it is.
    pub(in crate::store) not_on_disk: Option<String>,
}

/// Why an index that is on the disk is not taken.
#[derive(Debug, thiserror::Error)]
enum Rejected {
    #[error("it is missing")]
    Missing,
    #[error("the last start ended while opening it")]
    Unfinished,
    #[error(transparent)]
    Failed(#[from] IndexError),
    #[error("it was made by another version of relctld")]
    OtherSchema,
    #[error("it ends with record {index}, the journal with record {journal}")]
    Behind { index: u64, journal: u64 },
    #[error(
        "it knew {index} records and the journal has only {journal}: somebody cut the journal or put an older copy in its place"
    )]
    Ahead { index: u64, journal: u64 },
    #[error("it was made from another journal")]
    OtherJournal,
    #[error("rows of it are lost or changed")]
    OtherRows,
}

/// Opens `index/` in the data folder. Whatever is wrong with it, the journal makes a good one.
pub(in crate::store) fn open(
    data_dir: &Path,
    journal: &JournalFile,
    end: End,
) -> Result<OpenedIndex, StoreError> {
    let folder = data_dir.join("index");
    let rejected = match open_existing(&folder, end) {
        Ok(index) => {
            return Ok(OpenedIndex {
                index,
                warning: None,
                not_on_disk: None,
            });
        }
        Err(rejected) => rejected,
    };
    let made = Index::in_memory(journal)?;
    if rejected.says_disk_full() {
        // Nothing is known to be wrong with it, so it stays for the next start.
        return Ok(only_in_memory(made, &rejected));
    }
    let moved = match move_aside(data_dir, &folder) {
        Ok(moved) => moved,
        Err(error) => return Ok(only_in_memory(made, &error)),
    };
    let index = match copy_to_disk(&made, &folder) {
        Ok(index) => index,
        Err(error) => {
            // Half an index helps nobody, and the disk may be full.
            let removed = fs::remove_dir_all(&folder);
            tracing::debug!(?removed, "removed what there was of the new index");
            return Ok(only_in_memory(made, &error));
        }
    };
    let is_first_start = end.seq == 0 && matches!(rejected, Rejected::Missing);
    let warning = (!is_first_start).then(|| {
        let moved = moved.map_or(String::new(), |path| {
            format!("; the old one is in {}", path.display())
        });
        let seq = end.seq;
        format!("index rebuilt from {seq} journal records, because {rejected}{moved}")
    });
    Ok(OpenedIndex {
        index,
        warning,
        not_on_disk: None,
    })
}

fn only_in_memory(index: Index, reason: &dyn std::fmt::Display) -> OpenedIndex {
    let reason = format!(
        "the index cannot be kept on the disk ({reason}); make room or see to the disk, then start relctld again"
    );
    OpenedIndex {
        index,
        warning: None,
        not_on_disk: Some(reason),
    }
}

impl Rejected {
    fn says_disk_full(&self) -> bool {
        matches!(self, Self::Failed(IndexError::Sled(sled::Error::Io(error))) if is_disk_full(error))
    }
}

fn open_existing(folder: &Path, end: End) -> Result<Index, Rejected> {
    if !folder.is_dir() {
        return Err(Rejected::Missing);
    }
    let marker = Marker::set(folder)?;
    let checked = Rows::open_sled(folder)
        .map_err(Rejected::from)
        .and_then(|rows| Ok((check(&rows, end)?, rows)));
    marker.remove();
    let (meta, rows) = checked?;
    let meta = Mutex::new(meta);
    let index = Index { rows, meta };
    index.read_all()?;
    Ok(index)
}

fn check(rows: &Rows, end: End) -> Result<Meta, Rejected> {
    let meta_key = Table::Meta.prefix();
    let mut meta = None;
    let mut digest = Digest::default();
    rows.visit(&[], |key, value| {
        if key == meta_key {
            meta = serde_json::from_slice::<Meta>(value).ok();
        } else {
            digest.add(key, value);
        }
    })?;
    let meta = meta.ok_or(Rejected::OtherRows)?;
    if meta.schema != SCHEMA {
        return Err(Rejected::OtherSchema);
    }
    let (index, journal) = (meta.end.seq, end.seq);
    match index.cmp(&journal) {
        Ordering::Less => return Err(Rejected::Behind { index, journal }),
        Ordering::Greater => return Err(Rejected::Ahead { index, journal }),
        Ordering::Equal => {}
    }
    if meta.end.chain != end.chain {
        return Err(Rejected::OtherJournal);
    }
    if meta.digest != digest {
        return Err(Rejected::OtherRows);
    }
    Ok(meta)
}

/// The file `index.opening`: there while sled opens and reads a folder that may be damaged.
///
/// Damage may end more than a call: a length that was read wrong may take all memory, and the process with it. Then the
/// file is still there at the next start, which does not open that folder a second time.
struct Marker(PathBuf);

impl Marker {
    fn set(folder: &Path) -> Result<Self, Rejected> {
        let path = folder.with_extension("opening");
        if let Err(error) = disk::create_new(&path) {
            if error.kind() == io::ErrorKind::AlreadyExists {
                Self(path).remove();
                return Err(Rejected::Unfinished);
            }
            // On a full disk, say. The marker is a help, not a need.
            tracing::debug!(%error, path = %path.display(), "cannot mark that the index is being opened");
        }
        Ok(Self(path))
    }

    fn remove(self) {
        // If it cannot be removed, the next start makes an index that it need not have made.
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "cannot remove the mark of opening the index");
        }
    }
}

/// Writes all rows of an index in memory to a new one on the disk.
fn copy_to_disk(from: &Index, folder: &Path) -> Result<Index, IndexError> {
    let mut rows: Vec<Write> = Vec::new();
    let meta_key = Table::Meta.prefix();
    let mut meta_row = None;
    from.rows.visit(&[], |key, value| {
        let write = (key.to_vec(), Some(value.to_vec()));
        if key == meta_key {
            meta_row = Some(write);
        } else {
            rows.push(write);
        }
    })?;
    // Before sled does, which would let everybody look in.
    disk::make_folder(folder).map_err(|error| IndexError::Sled(error.into()))?;
    let to = Rows::open_sled(folder)?;
    for batch in rows.chunks(COPIED_ROWS) {
        to.write(batch.to_vec())?;
    }
    // Last of all: until it is there, the next start rejects what it finds.
    to.write(meta_row.into_iter().collect())?;
    to.flush()?;
    let meta = Mutex::new(from.meta().clone());
    Ok(Index { rows: to, meta })
}

/// Renames `index` to `index.bad-<unix seconds>`, if it is there, and removes all but the newest of those.
fn move_aside(data_dir: &Path, folder: &Path) -> io::Result<Option<PathBuf>> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(None);
    }
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut seconds = since_1970.unwrap_or_default().as_secs();
    let bad_path = |seconds: u64| data_dir.join(format!("index.bad-{seconds}"));
    while bad_path(seconds).exists() {
        seconds += 1;
    }
    fs::rename(folder, bad_path(seconds))?;
    remove_old_bad(data_dir);
    Ok(Some(bad_path(seconds)))
}

fn remove_old_bad(data_dir: &Path) {
    let Ok(entries) = fs::read_dir(data_dir) else {
        return;
    };
    let mut bad: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let seconds = name.to_str()?.strip_prefix("index.bad-")?.parse().ok()?;
            Some((seconds, entry.path()))
        })
        .collect();
    bad.sort();
    bad.truncate(bad.len().saturating_sub(BAD_KEPT));
    for (_, path) in bad {
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove an old damaged index");
        }
    }
}
