//! Making a change: one record, then index and catalog, all under the writer's lock.

use std::sync::{Arc, MutexGuard, PoisonError};

use protocol::Timestamp;

use super::change::{Change, Entry};
use super::index::{IndexError, Row};
use super::journal::{AppendError, End, Journal, PAYLOAD_BYTES_MAX};
use super::records::Actor;
use super::{Catalog, Inner, Store, StoreError, apply};

/// The right to write. While it is held nobody else writes, so what was looked up stays true.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    inner: &'a Inner,
    journal: MutexGuard<'a, Journal>,
}

impl Store {
    /// Waits for the right to write.
    pub(super) fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let inner = &*self.inner;
        let journal = inner.journal();
        if let Some(reason) = inner.read_only.get() {
            return Err(StoreError::read_only(reason));
        }
        Ok(Writer { inner, journal })
    }
}

impl Writer<'_> {
    /// Makes a change. When this returns it is durable and visible.
    pub(super) fn record(mut self, by: &Actor, change: Change) -> Result<(), StoreError> {
        let entry = Entry {
            time: Timestamp::now(),
            actor: by.name.clone(),
            address: by.address,
            change,
        };
        // First what it does, so that nothing is left to go wrong once it is in the journal.
        let changed = self.prepare(&entry)?;
        let end = self.append(&entry)?;
        self.commit(&changed, end);
        Ok(())
    }

    fn prepare(&self, entry: &Entry) -> Result<Vec<Row>, StoreError> {
        let seq = self.journal.end().seq + 1;
        let offset = self.journal.next_offset();
        self.inner
            .read(|index| apply::rows(seq, offset, entry, index))
    }

    fn append(&mut self, entry: &Entry) -> Result<End, StoreError> {
        self.journal.append(entry).map_err(|error| match error {
            AppendError::DiskFull => StoreError::DiskFull,
            AppendError::TooLarge { size_bytes } => StoreError::TooLarge {
                size_bytes,
                limit_bytes: PAYLOAD_BYTES_MAX,
            },
            AppendError::NotJson(error) => {
                StoreError::io("cannot write a record", std::io::Error::other(error))
            }
            AppendError::Broken(reason) => {
                let reason = self.inner.read_only.get_or_init(|| reason);
                StoreError::read_only(reason)
            }
        })
    }

    /// The change has happened, whatever the index says to it.
    fn commit(&self, changed: &[Row], end: End) {
        let committed = self.inner.index().commit(changed, end);
        if let Err(failure) = committed {
            self.replace_index(failure);
        }
        let mut catalog = Catalog::clone(&self.inner.catalog());
        catalog.set_sequence(end.seq);
        for row in changed {
            match row {
                Row::Release(release) => catalog.put_release(Arc::new(release.clone())),
                Row::Delta(delta) => catalog.put_delta(Arc::new(delta.clone())),
                Row::User(_) | Row::Token(_) | Row::Revoked { .. } | Row::History { .. } => {}
            }
        }
        let mut current = self
            .inner
            .catalog
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(catalog);
    }

    fn replace_index(&self, failure: IndexError) {
        if let Err(error) = self.inner.give_up_index(failure) {
            // The journal was just written and cannot be read: the disk is failing.
            tracing::error!(%error, "no index can be made from the journal; the store is read-only until the next start");
            let reason =
                format!("no index can be made from the journal ({error}); see to the disk");
            self.inner.read_only.get_or_init(|| reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::api::Role;

    use super::*;
    use crate::store::index;

    #[test]
    fn an_index_that_fails_after_the_journal_does_not_undo_the_change() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap().store;
        let mut writer = store.writer().unwrap();
        let entry = Entry {
            time: Timestamp::now(),
            actor: "admin".into(),
            address: None,
            change: Change::UserCreated {
                username: "alice".parse().unwrap(),
                role: Role::User,
            },
        };
        let changed = writer.prepare(&entry).unwrap();
        let end = writer.append(&entry).unwrap();
        *store.inner.index.write().unwrap() = index::broken();
        writer.commit(&changed, end);
        drop(writer);
        assert!(store.user(&"alice".parse().unwrap()).unwrap().is_some());
        assert_eq!(store.catalog().sequence(), 1);
    }
}
