//! Work that nobody asks for. Each job finds its work anew, can run twice without harm, and ends with the stop token.

mod deltas;

use std::sync::Arc;
use std::time::Duration;

use protocol::Timestamp;

use crate::app::App;
use crate::statistics::SAVE_INTERVAL;

pub use deltas::build_deltas;

/// How often leftovers are looked for; they are rare and small.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// A blob that nothing refers to may belong to a publish that is about to be recorded. None takes so long.
const SWEEP_AGE: Duration = Duration::from_secs(3600);

/// Writes the statistics when they changed.
pub async fn save_statistics(app: Arc<App>) {
    while sleep_or_stop(&app, SAVE_INTERVAL).await {
        let counters = Arc::clone(&app);
        let saved = tokio::task::spawn_blocking(move || counters.counters.save()).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the statistics cannot be written; trying again");
        }
    }
}

/// Keeps the file of events small, and makes it again after a write that failed.
pub async fn tend_events(app: Arc<App>) {
    while sleep_or_stop(&app, SAVE_INTERVAL).await {
        let hub = app.hub.clone();
        let tended = tokio::task::spawn_blocking(move || hub.tend_events()).await;
        if let Ok(Err(error)) = tended {
            tracing::warn!(%error, "the events cannot be written; trying again");
        }
    }
}

/// Removes uploads that nobody finished, and blobs that no release and no delta refers to.
pub async fn sweep(app: Arc<App>) {
    while sleep_or_stop(&app, SWEEP_INTERVAL).await {
        let swept = Arc::clone(&app);
        let removing = tokio::task::spawn_blocking(move || swept.uploads.sweep(Timestamp::now()));
        if let Ok(removed) = removing.await
            && removed > 0
        {
            tracing::info!(removed, "removed uploads that nobody finished");
        }
        // A damaged journal names too few files, so nothing is taken away on its word.
        if app.store.read_only_reason().is_some() {
            continue;
        }
        let swept = Arc::clone(&app);
        let result = tokio::task::spawn_blocking(move || {
            let referenced = swept.store.referenced_blobs();
            swept.blobs.remove_unreferenced(&referenced, SWEEP_AGE)
        });
        match result.await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(removed)) => tracing::info!(removed, "removed files that no release refers to"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "files that no release refers to cannot be removed")
            }
        }
    }
}

/// Whether to go on.
async fn sleep_or_stop(app: &App, duration: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(duration) => true,
        () = app.stop.cancelled() => false,
    }
}
