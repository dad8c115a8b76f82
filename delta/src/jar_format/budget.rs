//! What applying a patch may still allocate.

use crate::Error;

/// Counts memory before it is allocated, and refuses what goes over the limit.
#[derive(Debug)]
pub(super) struct Budget {
    used_bytes: u64,
    limit_bytes: u64,
}

impl Budget {
    pub(super) fn new(limit_bytes: u64) -> Budget {
        Budget {
            used_bytes: 0,
            limit_bytes,
        }
    }

    pub(super) fn take(&mut self, bytes: u64) -> Result<(), Error> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        match self.used_bytes <= self.limit_bytes {
            true => Ok(()),
            false => Err(Error::MemoryTooLarge {
                bytes: self.used_bytes,
                limit: self.limit_bytes,
            }),
        }
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes
    }
}
