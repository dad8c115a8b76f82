//! Trying again what failed for a reason that passes: a few times, after waits with full jitter, never sooner than the daemon
//! asked for.

use std::fmt;
use std::time::Duration;

use protocol::Code;

use crate::{Backoff, Error};

/// Hears of a failure, and how long is waited after it.
type OnWait<'a> = Box<dyn FnMut(&Error, Duration) + Send + 'a>;

/// How often something may fail in a row, and who hears of it.
pub struct Retry<'a> {
    backoff: Backoff,
    retries: u32,
    on_wait: OnWait<'a>,
}

impl fmt::Debug for Retry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("backoff", &self.backoff)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl<'a> Retry<'a> {
    /// So many tries beside the first one. `on_wait` hears why there is one more, and when.
    pub fn new(retries: u32, on_wait: impl FnMut(&Error, Duration) + Send + 'a) -> Self {
        Self {
            backoff: Backoff::new(),
            retries,
            on_wait: Box::new(on_wait),
        }
    }

    /// The same with other waits.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Calls until it succeeds, fails for a reason that stays, or has failed too often.
    ///
    /// # Errors
    /// The last one.
    pub async fn call<T, F: Future<Output = Result<T, Error>>>(
        &mut self,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        loop {
            match call().await {
                Ok(answer) => {
                    self.succeeded();
                    return Ok(answer);
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Waits after a failure.
    ///
    /// # Errors
    /// The failure itself, when trying again is of no use, or was tried too often.
    pub async fn wait_after(&mut self, error: Error) -> Result<(), Error> {
        if !passes(&error) || self.backoff.failures() >= self.retries {
            return Err(error);
        }
        let wait = self.backoff.next_wait_for(&error);
        (self.on_wait)(&error, wait);
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Something went on: the failures before it no longer count.
    pub fn succeeded(&mut self) {
        self.backoff.reset();
    }
}

/// Whether it may be over by itself within a minute. A full disk is not.
fn passes(error: &Error) -> bool {
    error.is_temporary() && error.code() != Some(Code::InsufficientStorage)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::Refusal;

    fn refused(code: Code, retry_after: Option<u64>) -> Error {
        Error::Refused(Box::new(Refusal {
            code,
            message: "no".into(),
            details: None,
            status: None,
            request_id: None,
            retry_after: retry_after.map(Duration::from_secs),
        }))
    }

    /// How often something is called that always fails so, and the waits between.
    async fn tries(code: Code, retry_after: Option<u64>) -> (u32, Vec<Duration>) {
        let mut waits = Vec::new();
        let calls = AtomicU32::new(0);
        let mut retry = Retry::new(3, |_, wait| waits.push(wait));
        let outcome: Result<(), Error> = retry
            .call(async || {
                calls.fetch_add(1, Ordering::Relaxed);
                Err(refused(code, retry_after))
            })
            .await;
        assert_eq!(outcome.unwrap_err().code(), Some(code));
        drop(retry);
        (calls.into_inner(), waits)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_again_and_what_stays_is_not() {
        assert_eq!(tries(Code::Unavailable, None).await.0, 4);
        assert_eq!(tries(Code::RateLimited, None).await.0, 4);
        assert_eq!(tries(Code::Conflict, None).await.0, 1);
        assert_eq!(tries(Code::InsufficientStorage, None).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_daemon_says_how_long_to_stay_away() {
        let (_, waits) = tries(Code::RateLimited, Some(30)).await;
        assert_eq!(waits.len(), 3);
        assert!(waits.iter().all(|wait| wait.as_secs() >= 30), "{waits:?}");
    }
}
