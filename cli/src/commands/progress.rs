//! Shows how far a transfer is while it runs: a bar on a terminal, a line now and then elsewhere.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
    tokio::pin!(transfer);
    let bar = output.byte_bar(label, total_bytes);
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = Instant::now();
    loop {
        tokio::select! {
            outcome = &mut transfer => {
                output.remove_bar(&bar);
                return outcome;
            }
            _ = tick.tick() => {
                let bytes = counter.load(Ordering::Relaxed);
                bar.set_position(bytes);
                if !output.has_bars() && said.elapsed() >= LINE_INTERVAL {
                    said = Instant::now();
                    output.say(&format!(
                        "{label} {} of {} ({})",
                        format_size(bytes),
                        format_size(total_bytes),
                        format_share(bytes, total_bytes)
                    ));
                }
            }
        }
    }
}
