//! A request body that must keep coming, and whose rest is taken in when nobody wants it.
//!
//! Neither hyper nor axum gives up on a body. A sender that goes silent, or drips a byte now and then, would hold an
//! upload's file and its place for ever; here it must deliver 25 KiB for every 25 seconds that we wait for it.
//!
//! A request that is refused early still has its sender talking. Closing the connection on it would make its system
//! throw our answer away unread, so the rest is read and dropped for a while.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

/// How long we wait for [`BYTES_PER_WAIT`].
const WAIT: Duration = Duration::from_secs(25);

/// One KiB a second: any real link is faster, and whoever is slower cannot upload a release anyway.
const BYTES_PER_WAIT: usize = 25 * 1024;

/// How long the rest of an unwanted body is read. A sender that looks for an answer has found it by then.
const DRAIN: Duration = Duration::from_secs(5);

/// The body did not keep coming.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the body came too slowly: less than {} KiB of it in {} seconds of waiting",
    BYTES_PER_WAIT / 1024,
    WAIT.as_secs()
)]
pub struct Stalled;

/// A body with a bound on how long it may keep us waiting.
pub struct PatientBody {
    inner: Body,
    /// Runs while we wait, and not while we are busy ourselves.
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    waited: Duration,
    received: usize,
    /// Where the rest is read; `None` when it must not be: a sender that waits for `100 Continue` has sent nothing yet,
    /// and asking for the rest would make it.
    drain_on: Option<TaskTracker>,
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
    /// Wraps a body. `waits` tells that the sender waits for `100 Continue`.
    #[must_use]
    pub fn new(inner: Body, tasks: &TaskTracker, waits: bool) -> Self {
        Self {
            drain_on: (!waits).then(|| tasks.clone()),
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

impl Drop for PatientBody {
    fn drop(&mut self) {
        if let Some(tasks) = self.drain_on.take()
            && !self.inner.is_end_stream()
        {
            let rest = std::mem::take(&mut self.inner);
            tasks.spawn(tokio::time::timeout(DRAIN, drain(rest)));
        }
    }
}

async fn drain(mut rest: Body) {
    while let Some(Ok(_)) = rest.frame().await {}
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
                if matches!(frame, None | Some(Err(_))) {
                    this.drain_on = None;
                }
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
                this.drain_on = None;
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

#[cfg(test)]
mod tests {
    use super::*;

    use futures_util::{StreamExt, stream};

    /// A body whose chunks come with pauses before them, and that then never ends.
    fn dripping(chunks: Vec<(Duration, usize)>) -> Body {
        let coming = stream::iter(chunks).then(|(pause, length)| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, axum::BoxError>(Bytes::from(vec![0; length]))
        });
        Body::from_stream(coming.chain(stream::pending()))
    }

    async fn time_until_stalled(body: Body) -> Duration {
        let tasks = TaskTracker::new();
        let mut body = PatientBody::new(body, &tasks, false);
        let start = Instant::now();
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    assert!(error.is::<Stalled>(), "{error}");
                    return start.elapsed();
                }
                None => panic!("it never ends"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_body_after_twenty_five_seconds() {
        assert_eq!(time_until_stalled(dripping(Vec::new())).await.as_secs(), 25);
        let late = dripping(vec![(Duration::from_secs(20), BYTES_PER_WAIT)]);
        assert_eq!(time_until_stalled(late).await.as_secs(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_does_not_buy_more_time() {
        let drip = vec![(Duration::from_millis(500), 1); 1000];
        let stalled = time_until_stalled(dripping(drip)).await;
        assert!(stalled < Duration::from_secs(27), "{stalled:?}");
    }

    #[test]
    fn who_drips_is_told_what_was_wanted() {
        assert_eq!(
            Stalled.to_string(),
            "the body came too slowly: less than 25 KiB of it in 25 seconds of waiting"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_sender_is_waited_for() {
        let steady = vec![(Duration::from_secs(10), 16 * 1024); 30];
        let stalled = time_until_stalled(dripping(steady)).await;
        assert!(stalled >= Duration::from_secs(300), "{stalled:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_an_unwanted_body_is_read_for_a_while() {
        let tasks = TaskTracker::new();
        let start = Instant::now();
        drop(PatientBody::new(
            dripping(vec![(Duration::ZERO, 1)]),
            &tasks,
            false,
        ));
        tasks.close();
        tasks.wait().await;
        assert_eq!(start.elapsed(), DRAIN);

        let tasks = TaskTracker::new();
        drop(PatientBody::new(
            dripping(vec![(Duration::ZERO, 1)]),
            &tasks,
            true,
        ));
        assert!(tasks.is_empty(), "who waits to be asked is not asked");
    }
}
