//! How a file's bytes get from the page cache to the socket without passing through this program.
//!
//! hyper knows bodies that lie in memory. So a body hands a part of its file over here and gives hyper a placeholder of
//! the same length, memory that nobody reads or writes. When the placeholder comes out at the connection's stream, that
//! sends the part in its place. A connection's answers go out in order, so a queue is all that the two need to share.
//!
//! What must stay true: no byte of a placeholder reaches a peer. hyper passes slices on as they are, for a stream that
//! writes vectored; should it ever copy them, the connection breaks at once, before the copy is sent.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::file_bytes;
use super::transfer::Transfer;

/// The longest part. From here on longer ones are not measurably cheaper, and a worker has other connections, too.
pub(super) const PART_BYTES: usize = 1024 * 1024;

/// Zeroed pages that the kernel never has to provide, since nobody touches them.
static PLACEHOLDER: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; PART_BYTES]);

/// What the bodies of a connection have handed over to its stream; each request of the connection carries it.
#[derive(Clone, Debug, Default)]
pub(super) struct Handover(Arc<Mutex<VecDeque<FilePart>>>);

/// A part of a file that is on its way.
#[derive(Debug)]
pub(super) struct FilePart {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    /// At most [`PART_BYTES`], and never 0.
    pub(super) length: usize,
    /// Told of what was sent. It ends when neither the body nor any part refers to it any more.
    pub(super) transfer: Arc<Transfer>,
}

/// What a stream is to send next.
#[derive(Debug)]
pub(super) enum Next<'s, 'b> {
    /// These bytes, as they are.
    Bytes(&'s [IoSlice<'b>]),
    /// The front part, at most so much of it.
    File(usize),
}

impl Handover {
    /// Takes a part, and gives what hyper is to be told in its place.
    pub(super) fn put(&self, part: FilePart) -> Bytes {
        let placeholder = Bytes::from_static(&PLACEHOLDER[..part.length]);
        self.parts().push_back(part);
        placeholder
    }

    /// What the slices mean that hyper wants to be written.
    ///
    /// # Errors
    /// They do not fit to what was handed over.
    pub(super) fn next<'s, 'b>(&self, slices: &'s [IoSlice<'b>]) -> io::Result<Next<'s, 'b>> {
        let is_part = |slice: &IoSlice<'_>| PLACEHOLDER.as_ptr_range().contains(&slice.as_ptr());
        let first_part = slices.iter().position(is_part);
        let has_parts = !self.parts().is_empty();
        match first_part {
            Some(0) if has_parts => Ok(Next::File(slices[0].len())),
            Some(count) if has_parts => Ok(Next::Bytes(&slices[..count])),
            None if !has_parts => Ok(Next::Bytes(slices)),
            Some(_) | None => Err(io::Error::other("a part of a file went astray")),
        }
    }

    /// Sends of the front part what the socket takes now, at most `max` bytes.
    ///
    /// # Errors
    /// The socket takes nothing now, or never; or the file is not what it was.
    pub(super) fn send(&self, socket: impl AsFd, max: usize) -> io::Result<usize> {
        let mut parts = self.parts();
        let Some(part) = parts.front_mut() else {
            return Err(io::Error::other("no part of a file is left to send"));
        };
        let count = part.length.min(max);
        part.transfer.settle_if_last(count as u64);
        let sent = file_bytes::send(socket, &part.file, part.offset, count)?;
        if sent == 0 {
            tracing::error!("a file is shorter than it was; its download breaks off");
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        part.offset += sent as u64;
        part.length -= sent;
        let transfer = Arc::clone(&part.transfer);
        if part.length == 0 {
            parts.pop_front();
        }
        drop(parts);
        // Others are told, and perhaps the transfer ends with this: not while the lock is held.
        transfer.advance(sent as u64);
        Ok(sent)
    }

    /// Nothing panics while it holds the lock.
    fn parts(&self) -> MutexGuard<'_, VecDeque<FilePart>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
