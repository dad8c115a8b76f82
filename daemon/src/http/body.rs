//! A request body that must keep coming.
//!
//! Neither hyper nor axum gives up on a body. A sender that goes silent, or drips a byte now and then, would hold an
//! upload's file and its place for ever; here it must deliver 30 KiB for every 30 seconds that we wait for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// How long we wait for [`BYTES_PER_WAIT`].
const WAIT: Duration = Duration::from_secs(30);

/// One KiB a second: any real link is faster, and whoever is slower cannot upload a release anyway.
const BYTES_PER_WAIT: usize = 30 * 1024;

/// The body did not keep coming.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body stopped coming")]
pub struct Stalled;

/// A body with a bound on how long it may keep us waiting.
pub struct PatientBody {
    inner: Body,
    /// Runs while we wait, and not while we are busy ourselves.
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    waited: Duration,
    received: usize,
}

impl std::fmt::Debug for PatientBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PatientBody")
            .field("waited", &self.waited)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl PatientBody {
    /// Wraps a body.
    #[must_use]
    pub fn new(inner: Body) -> Self {
        Self {
            inner,
            timer: None,
            waited: Duration::ZERO,
            received: 0,
        }
    }

    fn count(&mut self, bytes: usize) {
        if let Some((since, _)) = self.timer.take() {
            self.waited += since.elapsed();
        }
        self.received += bytes;
        if self.received >= BYTES_PER_WAIT {
            self.received = 0;
            self.waited = Duration::ZERO;
        }
    }
}

impl HttpBody for PatientBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                let data = frame
                    .as_ref()
                    .and_then(|frame| frame.as_ref().ok()?.data_ref());
                this.count(data.map_or(0, Bytes::len));
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let left = WAIT.saturating_sub(this.waited);
                let start = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
                let (_, sleep) = this.timer.get_or_insert_with(start);
                ready!(sleep.as_mut().poll(context));
                Poll::Ready(Some(Err(Stalled.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
