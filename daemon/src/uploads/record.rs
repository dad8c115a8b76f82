//! What is kept about an upload beside its bytes: a small JSON file, written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use protocol::{Timestamp, Username};
use serde::{Deserialize, Serialize};

use super::NewUpload;
use crate::blobs::BlobError;
use crate::store::disk;

/// The record, as it lies on the disk. A field may be added when an older daemon may pass over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) owner: Username,
    pub(super) length_bytes: u64,
    pub(super) metadata: String,
    pub(super) created_at: Timestamp,
    /// Bytes behind this one belong to a piece whose checksum was not compared yet. Absent where there is no such piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) checked_bytes: Option<u64>,
}

impl Record {
    pub(super) fn new(new: NewUpload, now: Timestamp) -> Self {
        let NewUpload {
            owner,
            length_bytes,
            metadata,
        } = new;
        Self {
            owner,
            length_bytes,
            metadata,
            created_at: now,
            checked_bytes: None,
        }
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read(path).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes it beside, syncs, renames. Its folder is the caller's to sync where the name is new.
    pub(super) fn write(&self, path: &Path) -> Result<(), BlobError> {
        let failed = |source| BlobError::io(format!("cannot write {}", path.display()), source);
        let beside = path.with_extension("new");
        let written = || {
            // Left by a daemon that was killed here.
            fs::remove_file(&beside).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            let mut file = disk::create_new(&beside)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        };
        written().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_earlier_daemon_is_read_as_it_was_written() {
        let text = r#"{"owner":"ci","lengthBytes":1048576,"metadata":"filename YXBwLmphcg==","createdAt":"2026-01-15T10:30:00Z"}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let checked = Record {
            checked_bytes: Some(7),
            ..record
        };
        checked.write(&path).unwrap();
        checked.write(&path).unwrap();
        assert_eq!(Record::read(&path), Some(checked));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
