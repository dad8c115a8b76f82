//! How far a simulated client is on its way to a release, and what it does about a step that fails.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use protocol::message::NewVersionAvailable;
use protocol::{ClientId, Version};
use tokio::time::{Instant, sleep};

use super::script::{Act, Step, result};
use crate::update::short;
use crate::{Daemon, Error};

/// The way to one release.
pub(super) struct Journey {
    pub(super) release: NewVersionAvailable,
    pub(super) steps: VecDeque<Step>,
    /// When the first of the steps is due.
    pub(super) due: Instant,
    /// Downloads that broke off.
    broken: u32,
}

/// A report that was not acknowledged, and a download that broke off, are tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// A download that broke off as often is given up.
const DOWNLOAD_TRIES: u32 = 5;

/// A slow client waits this long after each piece of a download.
const SLOW_PIECE: Duration = Duration::from_millis(50);

impl Journey {
    pub(super) fn new(release: NewVersionAvailable, steps: VecDeque<Step>) -> Self {
        Self {
            due: Instant::now() + pause(&steps),
            release,
            steps,
            broken: 0,
        }
    }

    /// Takes the step that was done, and sets when the next one is due.
    pub(super) fn next_step(&mut self) -> Option<Step> {
        let done = self.steps.pop_front();
        self.due = Instant::now() + pause(&self.steps);
        done
    }

    /// What to do about a step that failed. What may work later is tried again, a download only some times. What does not
    /// work is reported as the end of the installation; true when that report is what does not work.
    pub(super) fn is_over_after(&mut self, error: &Error, runs: &Version) -> bool {
        self.due = Instant::now() + error.retry_after().unwrap_or_default().max(RETRY);
        let step = self.steps.front().map(|step| &step.act);
        self.broken += u32::from(step == Some(&Act::Download));
        if error.is_temporary() && self.broken < DOWNLOAD_TRIES {
            return false;
        }
        if self.steps.len() <= 1 {
            return true;
        }
        let reason = short(&error.to_string());
        let act = Act::Report(result(runs, &self.release.version, Err(&reason)));
        self.steps = VecDeque::from([Step { pause: RETRY, act }]);
        self.broken = 0;
        false
    }

    /// Reads the release to its end, and keeps nothing of it.
    pub(super) async fn fetch(
        &self,
        daemon: &Daemon,
        client_id: &ClientId,
        is_slow: bool,
    ) -> Result<(), Error> {
        let path = &self.release.download_url;
        let response = daemon.open_download(path, Some(client_id), None).await?;
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            piece.map_err(|error| Error::Interrupted {
                url: daemon.url().to_owned(),
                reason: error.to_string(),
            })?;
            if is_slow {
                sleep(SLOW_PIECE).await;
            }
        }
        Ok(())
    }
}

fn pause(steps: &VecDeque<Step>) -> Duration {
    steps.front().map_or(Duration::ZERO, |step| step.pause)
}
