//! The index: users, tokens, releases, deltas and where their history lies in the journal, ready to be looked up.
//!
//! Nothing in it is truth. It is made from the journal, compared with it at every start, and made again when anything
//! about it is odd. One change of the journal is one batch here, the meta row included.
//!
//! A key is one byte for the table, the row's own key, and the number of the piece, since values are cut into pieces
//! of 2 KiB at most (see [`rows`]). Keys of one table have one length or an end mark, so none begins another.
//!
//! The meta row holds the last record's number and hash, and a digest: the sum of the hashes of all other pieces. The
//! digest tells at start that no piece was lost or changed, which sled itself does not notice.

mod digest;
pub(super) mod open;
mod rows;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{Checksum, ReleaseId, TokenId, Username};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::journal::{End, JournalFile};
use super::records::{Delta, Release, Token, User};
use super::{StoreError, apply};
use digest::Digest;
use rows::{Rows, VALUE_BYTES_MAX, Write};
pub(super) use table::Row;
use table::Table;

/// Which rows there are and what is in them. Another number at start means that the index is made again.
///
/// 2: a delta may start from nothing. An index that was made by 1 would call that a delta from 0.0.0.
const SCHEMA: u32 = 2;

/// Why the index cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    #[error("sled failed: {0}")]
    Sled(#[source] sled::Error),
    #[error("sled panicked: {0}")]
    Panicked(String),
    #[error("a row is not readable: {0}")]
    Row(#[source] serde_json::Error),
    #[error("record {seq} changes {what}, which is not there")]
    Unknown { seq: u64, what: String },
}

/// What the index knows.
#[derive(Debug)]
pub(super) struct Index {
    rows: Rows,
    meta: Mutex<Meta>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    schema: u32,
    end: End,
    digest: Digest,
}

impl Index {
    /// An index in memory, made from the journal.
    pub(super) fn in_memory(journal: &JournalFile) -> Result<Self, StoreError> {
        let index = Self::empty(Rows::in_memory());
        let end = journal.replay(|record| {
            let changed = apply::rows(record.end.seq, record.offset, &record.entry, &index);
            let done = changed.and_then(|changed| index.commit(&changed, record.end));
            done.map_err(StoreError::index)
        })?;
        index.commit(&[], end).map_err(StoreError::index)?;
        Ok(index)
    }

    fn empty(rows: Rows) -> Self {
        let meta = Meta {
            schema: SCHEMA,
            end: End {
                seq: 0,
                chain: Checksum::from_bytes([0; 32]),
            },
            digest: Digest::default(),
        };
        let meta = Mutex::new(meta);
        Self { rows, meta }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.rows, Rows::Memory(_))
    }

    /// Stores the rows that a record changed, and that it was the last one. Doing it twice is as good as once.
    pub(super) fn commit(&self, changed: &[Row], end: End) -> Result<(), IndexError> {
        let mut meta = self.meta();
        let mut digest = meta.digest;
        let mut writes: Vec<Write> = Vec::new();
        for row in changed {
            let (prefix, value) = row.encode()?;
            self.rows.visit(&prefix, |key, piece| {
                digest.remove(key, piece);
                writes.push((key.to_vec(), None));
            })?;
            for (number, piece) in (0_u16..).zip(value.chunks(VALUE_BYTES_MAX)) {
                let key = [&prefix[..], &number.to_be_bytes()].concat();
                digest.add(&key, piece);
                writes.push((key, Some(piece.to_vec())));
            }
        }
        let changed = Meta {
            schema: SCHEMA,
            end,
            digest,
        };
        let value = serde_json::to_vec(&changed).map_err(IndexError::Row)?;
        writes.push((Table::Meta.prefix(), Some(value)));
        self.rows.write(writes)?;
        self.rows.flush()?;
        *meta = changed;
        Ok(())
    }

    pub(super) fn user(&self, name: &Username) -> Result<Option<User>, IndexError> {
        self.get(&table::user_key(name))
    }

    pub(super) fn users(&self) -> Result<Vec<User>, IndexError> {
        self.all(Table::User)
    }

    pub(super) fn token(&self, id: TokenId) -> Result<Option<Token>, IndexError> {
        self.get(&table::token_key(id))
    }

    pub(super) fn tokens(&self) -> Result<Vec<Token>, IndexError> {
        self.all(Table::Token)
    }

    pub(super) fn is_revoked(&self, jti: &str) -> Result<bool, IndexError> {
        let mut is_revoked = false;
        self.rows
            .visit(&table::revoked_key(jti), |_, _| is_revoked = true)?;
        Ok(is_revoked)
    }

    pub(super) fn release(&self, id: ReleaseId) -> Result<Option<Release>, IndexError> {
        self.get(&table::release_key(id))
    }

    pub(super) fn releases(&self) -> Result<Vec<Release>, IndexError> {
        self.all(Table::Release)
    }

    pub(super) fn deltas(&self) -> Result<Vec<Delta>, IndexError> {
        self.all(Table::Delta)
    }

    /// Where in the journal the records about a release are, oldest first.
    pub(super) fn history(&self, id: ReleaseId) -> Result<Vec<u64>, IndexError> {
        let values = self.values(&table::history_prefix(id))?;
        values.iter().map(|value| decode(value)).collect()
    }

    /// Whether all rows can be read: a row from before its struct changed, say, though [`SCHEMA`] did not.
    fn read_all(&self) -> Result<(), IndexError> {
        self.releases()?;
        self.deltas()?;
        self.users()?;
        self.tokens()?;
        Ok(())
    }

    pub(super) fn flush(&self) -> Result<(), IndexError> {
        self.rows.flush()
    }

    fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, IndexError> {
        let values = self.values(key)?;
        values.first().map(|value| decode(value)).transpose()
    }

    fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, IndexError> {
        let values = self.values(&table.prefix())?;
        values.iter().map(|value| decode(value)).collect()
    }

    /// The values whose keys begin with `prefix`, their pieces put together.
    fn values(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, IndexError> {
        let mut values: Vec<Vec<u8>> = Vec::new();
        self.rows.visit(prefix, |key, piece| {
            // The last two bytes of a key number the piece.
            match values.last_mut() {
                Some(value) if !key.ends_with(&[0, 0]) => value.extend_from_slice(piece),
                _ => values.push(piece.to_vec()),
            }
        })?;
        Ok(values)
    }

    fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, IndexError> {
    serde_json::from_slice(value).map_err(IndexError::Row)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::{add_unreadable_row, broken, longest_value};
