//! The end of an endpoint: it begins once, and every session hears of it.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

use crate::frame::Close;

#[derive(Debug, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    farewell: OnceLock<Close>,
}

impl Stop {
    /// Begins the end; the first reason stays.
    pub(crate) fn begin(&self, farewell: Close) {
        self.farewell.get_or_init(|| farewell);
        self.token.cancel();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits for it, and gives what sessions are closed with.
    pub(crate) async fn begun(&self) -> Close {
        self.token.cancelled().await;
        let going_away = || Close::new(1001, "Going away");
        self.farewell.get().cloned().unwrap_or_else(going_away)
    }
}
