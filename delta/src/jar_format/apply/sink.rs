//! Where a rebuilt container goes.

use std::io::Write;

use crate::Error;

/// Takes a container's bytes: counted, and never longer than stated.
pub(super) struct Sink<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) written: u64,
    pub(super) limit: u64,
}

impl Sink<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.written.saturating_add(bytes.len() as u64);
        if written > self.limit {
            return Err(Error::OutputTooLarge {
                bytes: written,
                limit: self.limit,
            });
        }
        self.written = written;
        self.out.write_all(bytes).map_err(Error::Output)
    }
}
