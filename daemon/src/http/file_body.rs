//! The body of a download: it hands a file over part by part, each when its turn has come.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::file_bytes;
use super::handover::{FilePart, Handover, PART_BYTES};
use super::pace::Pace;
use super::transfer::{TAIL_BYTES, Transfer};

/// A part of a file as an HTTP body, for the connection whose [`Handover`] it has and for no other.
///
/// The blob is immutable and stays readable through the open file even when it is swept meanwhile.
pub(super) struct FileBody {
    file: Arc<File>,
    /// Behind what was handed over.
    position: u64,
    end: u64,
    pace: Pace,
    /// What of the file may go next, once it is known.
    granted: Option<usize>,
    /// Runs while the next bytes come from the disk.
    fetching: Option<JoinHandle<io::Result<()>>>,
    handover: Handover,
    transfer: Arc<Transfer>,
}

impl FileBody {
    /// A part of the file, on this connection.
    pub(super) fn new(
        file: Arc<File>,
        part: Range<u64>,
        pace: Pace,
        handover: Handover,
        transfer: Transfer,
    ) -> Self {
        Self {
            file,
            position: part.start,
            end: part.end,
            pace,
            granted: None,
            fetching: None,
            handover,
            transfer: Arc::new(transfer),
        }
    }

    /// Waits until the bytes are in memory, so that sending them does not wait for the disk.
    fn poll_cached(&mut self, context: &mut Context<'_>, count: usize) -> Poll<io::Result<()>> {
        let fetching = match &mut self.fetching {
            Some(fetching) => fetching,
            None if file_bytes::are_cached(&self.file, self.position, count) => {
                return Poll::Ready(Ok(()));
            }
            None => {
                let (file, position) = (Arc::clone(&self.file), self.position);
                let fetch = move || file_bytes::fetch(&file, position, count);
                let tasks = self.transfer.tasks();
                self.fetching.insert(tasks.spawn_blocking(fetch))
            }
        };
        let fetched = ready!(Pin::new(fetching).poll(context));
        self.fetching = None;
        Poll::Ready(fetched.unwrap_or_else(|error| Err(io::Error::other(error))))
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let left = usize::try_from(this.end - this.position).unwrap_or(usize::MAX);
        if left == 0 {
            return Poll::Ready(None);
        }
        let length = match this.granted {
            Some(length) => length,
            None => {
                let wanted = match left.checked_sub(TAIL_BYTES) {
                    Some(before_tail @ 1..) => before_tail.min(PART_BYTES),
                    Some(0) | None => left,
                };
                let granted = ready!(this.pace.poll_turn(context, wanted));
                *this.granted.insert(granted)
            }
        };
        if let Err(error) = ready!(this.poll_cached(context, length)) {
            tracing::error!(%error, "a file cannot be read; its download breaks off");
            return Poll::Ready(Some(Err(error)));
        }
        this.granted = None;
        let placeholder = this.handover.put(FilePart {
            file: Arc::clone(&this.file),
            offset: this.position,
            length,
            transfer: Arc::clone(&this.transfer),
        });
        this.position += length as u64;
        Poll::Ready(Some(Ok(Frame::data(placeholder))))
    }

    fn is_end_stream(&self) -> bool {
        self.position == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.position)
    }
}
