//! When a download may send its next bytes, where bandwidth is limited.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, sleep_until};

use crate::limit::{DownloadSlot, Share};

/// The pace of one download.
pub(super) struct Pace {
    slot: Arc<DownloadSlot>,
    /// Runs while the download waits.
    turn: Option<Pin<Box<dyn Future<Output = usize> + Send>>>,
}

impl Pace {
    pub(super) fn new(slot: Arc<DownloadSlot>) -> Self {
        Self { slot, turn: None }
    }

    /// Waits for the download's turn; how many of the `wanted` bytes it may send then, at least one.
    pub(super) fn poll_turn(&mut self, context: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        if !self.slot.is_paced() {
            return Poll::Ready(wanted);
        }
        let turn = self
            .turn
            .get_or_insert_with(|| Box::pin(take_turn(Arc::clone(&self.slot), wanted)));
        let granted = ready!(turn.as_mut().poll(context));
        self.turn = None;
        Poll::Ready(granted)
    }
}

/// First by the client's own share, then by that of all: who waits for itself keeps nobody else waiting.
async fn take_turn(slot: Arc<DownloadSlot>, wanted: usize) -> usize {
    let count = slot.piece(wanted);
    for share in [Share::OfClient, Share::OfAll] {
        if let Some(at) = slot.take(share, count, Instant::now().into_std()) {
            sleep_until(at.into()).await;
        }
    }
    count
}
