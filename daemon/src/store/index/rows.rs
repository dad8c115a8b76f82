//! Keys and values: in sled, or in memory where sled cannot be.
//!
//! All that knows sled is here. What must be known about sled 0.34.7, and is measured:
//!
//! - Damaged files make it panic, or open with rows missing. So every call is made inside `catch_unwind`, and the
//!   caller compares what it opened with the journal and with a digest of all rows.
//! - It syncs with `sync_file_range`, so a power cut may lose what `flush` wrote. The journal has it.
//! - Values over 131 kB go to files that are never synced and leak. Ours are cut to [`VALUE_BYTES_MAX`].
//! - `flush_async` hangs with many callers. Only `flush` is used, and never on an async task.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use super::IndexError;

/// The longest value. Up to 3 kB, 200 of 200 simulated power cuts left sled in order.
pub(super) const VALUE_BYTES_MAX: usize = 2048;

/// Its pages in memory. The catalog is in memory anyway, so this holds users, tokens and history only.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// How often to try for sled's own lock, and how long to wait in between. The folder is ours (`store/lock.rs`), so if the
/// lock is taken it is by threads of a sled that this process closed a moment ago.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A key, and its new value or that it goes away.
pub(super) type Write = (Vec<u8>, Option<Vec<u8>>);

/// Ordered rows of bytes. A batch of writes happens whole or not at all.
pub(super) enum Rows {
    Sled(SledDb),
    Memory(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>),
}

impl Rows {
    pub(super) fn open_sled(folder: &Path) -> Result<Self, IndexError> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            // No thread of its own that writes now and then: each batch is flushed by whoever made it.
            .flush_every_ms(None);
        let mut tries_left = LOCK_TRIES;
        loop {
            match guarded(|| config.open()) {
                Ok(db) => return Ok(Self::Sled(SledDb(Some(db)))),
                Err(IndexError::Sled(error)) if is_locked(&error) && tries_left > 0 => {
                    tries_left -= 1;
                    thread::sleep(LOCK_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn in_memory() -> Self {
        Self::Memory(RwLock::default())
    }

    /// Shows all rows whose keys begin with `prefix`, in the order of their keys.
    pub(super) fn visit(
        &self,
        prefix: &[u8],
        mut show: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), IndexError> {
        match self {
            Self::Sled(db) => db.call(|db| {
                for row in db.scan_prefix(prefix) {
                    let (key, value) = row?;
                    show(&key, &value);
                }
                Ok(())
            }),
            Self::Memory(rows) => {
                let rows = rows.read().unwrap_or_else(PoisonError::into_inner);
                let from_prefix = rows.range(prefix.to_vec()..);
                for (key, value) in from_prefix.take_while(|(key, _)| key.starts_with(prefix)) {
                    show(key, value);
                }
                Ok(())
            }
        }
    }

    /// Makes all these writes at once. Where a key comes twice the later write counts.
    pub(super) fn write(&self, writes: Vec<Write>) -> Result<(), IndexError> {
        match self {
            Self::Sled(db) => {
                let mut batch = sled::Batch::default();
                for (key, value) in writes {
                    match value {
                        Some(value) => batch.insert(key, value),
                        None => batch.remove(key),
                    }
                }
                db.call(|db| db.apply_batch(batch))
            }
            Self::Memory(rows) => {
                let mut rows = rows.write().unwrap_or_else(PoisonError::into_inner);
                for (key, value) in writes {
                    match value {
                        Some(value) => rows.insert(key, value),
                        None => rows.remove(&key),
                    };
                }
                Ok(())
            }
        }
    }

    /// Hands what was written to the operating system, so that it survives the end of the process.
    pub(super) fn flush(&self) -> Result<(), IndexError> {
        match self {
            Self::Sled(db) => db.call(|db| db.flush().map(drop)),
            Self::Memory(_) => Ok(()),
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not derived: sled would print all that it holds.
        f.write_str(match self {
            Self::Sled(_) => "Sled",
            Self::Memory(_) => "Memory",
        })
    }
}

/// An open sled; `None` only while it is being dropped.
pub(super) struct SledDb(Option<sled::Db>);

impl SledDb {
    fn call<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, IndexError> {
        match &self.0 {
            Some(db) => guarded(|| call(db)),
            None => Err(IndexError::Panicked("it is closed".into())),
        }
    }
}

impl Drop for SledDb {
    fn drop(&mut self) {
        // Closing syncs the file, and panics when that fails.
        let db = self.0.take();
        let closed = guarded(move || {
            drop(db);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the index could not be closed; the next start will rebuild it");
        }
    }
}

/// sled has no error of its own for this.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// Turns a panic of sled into an error.
///
/// `AssertUnwindSafe` holds because after an error the index is thrown away (`store/index/open.rs` at start,
/// `Store::give_up_index` later), so nobody looks at what the panic left half done.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(IndexError::Sled),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(IndexError::Panicked(text.unwrap_or("no message").into()))
        }
    }
}

#[cfg(test)]
impl Rows {
    /// A sled that was closed: every call fails.
    pub(super) fn closed_sled() -> Self {
        Self::Sled(SledDb(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_sled_becomes_an_error() {
        let error = guarded::<()>(|| panic!("segment {} is odd", 7)).unwrap_err();
        assert_eq!(error.to_string(), "sled panicked: segment 7 is odd");
    }
}
