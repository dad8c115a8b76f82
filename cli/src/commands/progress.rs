//! Shows how far a transfer or a longer work is while it runs: a bar on a terminal, a line now and then elsewhere.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::output::Output;
use crate::units::{format_share, format_size};

/// Bytes that were transferred so far; the transfer counts, the screen reads.
pub(super) type Counter = Arc<AtomicU64>;

/// A log without a terminal hears of a long transfer this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Runs a transfer and shows its progress.
pub(super) async fn shown<T>(
    output: &Output,
    label: &str,
    total_bytes: u64,
    counter: &Counter,
    transfer: impl Future<Output = T>,
) -> T {
    let line = |bytes| {
        format!(
            "{label} {} of {} ({})",
            format_size(bytes),
            format_size(total_bytes),
            format_share(bytes, total_bytes)
        )
    };
    let bar = output.byte_bar(label, total_bytes);
    beside(output, &bar, counter, line, transfer).await
}

/// Runs work of several steps and shows how many are done.
pub(super) async fn shown_steps<T>(
    output: &Output,
    label: &str,
    total: u64,
    counter: &Counter,
    work: impl Future<Output = T>,
) -> T {
    let line = |done| format!("{label}: {done} of {total} done");
    let bar = output.step_bar(label, total);
    beside(output, &bar, counter, line, work).await
}

/// Moves a bar, and says a line now and then where no bar is seen, until the work is done.
async fn beside<T>(
    output: &Output,
    bar: &ProgressBar,
    counter: &Counter,
    line: impl Fn(u64) -> String,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = Instant::now();
    loop {
        tokio::select! {
            outcome = &mut work => {
                output.remove_bar(bar);
                return outcome;
            }
            _ = tick.tick() => {
                let done = counter.load(Ordering::Relaxed);
                bar.set_position(done);
                if !output.has_bars() && said.elapsed() >= LINE_INTERVAL {
                    said = Instant::now();
                    output.say(&line(done));
                }
            }
        }
    }
}
