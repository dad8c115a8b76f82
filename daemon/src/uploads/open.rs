//! Finding the uploads of an earlier run again, and whether the disk has room for a new one.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use protocol::{Timestamp, UploadId};

use super::record::Record;
use super::{Inner, Upload, Uploads};
use crate::blobs::BlobError;
use crate::store::disk;

/// The ending of files with bytes.
pub(super) const PART: &str = "part";

/// The ending of their records.
pub(super) const RECORD: &str = "json";

/// What an upload leaves free, for the journal and the index.
const RESERVE_BYTES: u64 = 16 * 1024 * 1024;

impl Uploads {
    /// Makes the folder, finds what is in it, and removes what is no upload. `expiry` is how long one may rest.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(data_dir: &Path, expiry: Duration) -> Result<Self, BlobError> {
        let folder = data_dir.join("uploads");
        let failed = |what: &str, source| {
            BlobError::io(format!("cannot {what} {}", folder.display()), source)
        };
        disk::make_folder(&folder).map_err(|source| failed("make", source))?;
        let entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| failed("list", source))?;
        let mut all = HashMap::new();
        for entry in &entries {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == RECORD)
                && let Some(upload) = found(&folder, &path)
            {
                all.insert(upload.id, Arc::new(upload));
            }
        }
        let mut removed = 0_u64;
        for entry in entries {
            let is_known = id_of(&entry.path()).is_some_and(|id| all.contains_key(&id));
            let is_ours = [PART, RECORD].iter().any(|ours| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|ending| ending == *ours)
            });
            if !(is_known && is_ours) {
                removed += u64::from(fs::remove_file(entry.path()).is_ok());
            }
        }
        if !all.is_empty() || removed > 0 {
            let kept = all.len();
            tracing::info!(
                kept,
                removed,
                "looked through the uploads of an earlier run"
            );
        }
        let all = Mutex::new(all);
        let inner = Arc::new(Inner {
            folder,
            expiry,
            all,
        });
        Ok(Self { inner })
    }
}

/// The upload of a record, if its bytes are there and can be its own.
fn found(folder: &Path, record_path: &Path) -> Option<Upload> {
    let id = id_of(record_path)?;
    let record = Record::read(record_path)?;
    let part = record_path.with_extension(PART);
    let metadata = fs::metadata(&part).ok()?;
    let modified = metadata.modified().ok()?;
    let mut received_bytes = metadata.len();
    if let Some(checked_bytes) = record.checked_bytes
        && checked_bytes < received_bytes
    {
        let file = fs::OpenOptions::new().write(true).open(&part).ok()?;
        file.set_len(checked_bytes).ok()?;
        received_bytes = checked_bytes;
    }
    if received_bytes > record.length_bytes {
        return None;
    }
    let touched = modified
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let touched = Timestamp::from_unix_ms(i64::try_from(touched.as_millis()).unwrap_or(i64::MAX));
    Some(Upload::new(folder, id, record, received_bytes, touched))
}

fn id_of(path: &Path) -> Option<UploadId> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Refuses, before a byte comes, what the disk cannot hold.
pub(super) fn check_room(folder: &Path, needed_bytes: u64) -> Result<(), BlobError> {
    match rustix::fs::statvfs(folder) {
        Ok(room) => {
            let free_bytes = room.f_bavail.saturating_mul(room.f_frsize);
            match free_bytes < needed_bytes.saturating_add(RESERVE_BYTES) {
                true => Err(BlobError::DiskFull),
                false => Ok(()),
            }
        }
        // Then the write will tell.
        Err(_) => Ok(()),
    }
}
