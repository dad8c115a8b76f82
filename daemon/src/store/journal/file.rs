//! Reading the journal: one record, or all of them, without asking the writer.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::Checksum;

use super::header::HEADER_BYTES;
use super::record::{self, HEAD_BYTES, Head};
use super::{End, StoreError};
use crate::store::change::Entry;

/// The file, for everybody who reads it.
#[derive(Debug)]
pub(in crate::store) struct JournalFile {
    file: File,
    path: PathBuf,
    genesis: Checksum,
    /// Where the last record that was synced ends. What is behind it does not exist.
    length: AtomicU64,
}

/// A record that was read back.
#[derive(Debug)]
pub(in crate::store) struct Record {
    pub(in crate::store) offset: u64,
    pub(in crate::store) end: End,
    pub(in crate::store) entry: Entry,
}

impl JournalFile {
    pub(super) fn new(file: File, path: PathBuf, genesis: Checksum, length: u64) -> Self {
        let length = AtomicU64::new(length);
        Self {
            file,
            path,
            genesis,
            length,
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands all acknowledged records to `take`, oldest first.
    pub(in crate::store) fn replay(
        &self,
        mut take: impl FnMut(Record) -> Result<(), StoreError>,
    ) -> Result<End, StoreError> {
        let length = self.length();
        let mut offset = HEADER_BYTES as u64;
        let mut end = End {
            seq: 0,
            chain: self.genesis,
        };
        while offset < length {
            let (record, record_bytes) = self.read(offset)?;
            end = record.end;
            offset += record_bytes;
            take(record)?;
        }
        Ok(end)
    }

    /// The record that begins at this offset.
    pub(in crate::store) fn record_at(&self, offset: u64) -> Result<Record, StoreError> {
        Ok(self.read(offset)?.0)
    }

    pub(super) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// A record was appended and synced; from now on it is read.
    pub(super) fn set_length(&self, length: u64) {
        self.length.store(length, Ordering::Release);
    }

    fn read(&self, offset: u64) -> Result<(Record, u64), StoreError> {
        let failed = |source| {
            let path = self.path.display();
            StoreError::io(format!("cannot read {path} at offset {offset}"), source)
        };
        let damaged = || StoreError::Damaged {
            path: self.path.clone(),
            offset,
            reason: "a record that was whole at start cannot be read any more; see to the disk"
                .into(),
        };
        let mut bytes = vec![0; HEAD_BYTES];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(failed)?;
        let head = Head::read(&bytes).ok_or_else(damaged)?;
        let record_bytes = head.record_bytes().ok_or_else(damaged)?;
        bytes.resize(record_bytes, 0);
        let payload_offset = offset + HEAD_BYTES as u64;
        self.file
            .read_exact_at(&mut bytes[HEAD_BYTES..], payload_offset)
            .map_err(failed)?;
        if head.crc != record::crc_of(head.payload_bytes, &bytes) {
            return Err(damaged());
        }
        let entry = serde_json::from_slice(&bytes[HEAD_BYTES..]).map_err(|error| {
            let (path, seq) = (self.path.clone(), head.seq);
            let reason = format!("record {seq} at offset {offset} is not understood ({error})");
            StoreError::Newer { path, reason }
        })?;
        let end = End {
            seq: head.seq,
            chain: record::hash(&bytes),
        };
        let record = Record { offset, end, entry };
        Ok((record, record_bytes as u64))
    }
}
