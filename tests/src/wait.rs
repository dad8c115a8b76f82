//! Waiting for something that a test cannot be told of: ask again until it is so, or until the deadline.

use std::time::{Duration, Instant};

/// Long enough for a busy machine with two cores, short enough to end a hanging run.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`]; `what` names what was waited for.
#[track_caller]
pub fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{caller}: waited {PATIENCE:?} in vain: {what}"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
}
