//! One bar per client that is under way, and one for the whole, on a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::ProgressBar;
use protocol::ClientId;
use protocol::message::COMPRESSED;

use super::fleet::{Change, Fleet};
use crate::output::{Output, harmless_word};
use crate::units::{format_duration, format_share, format_speed};

/// indicatif shows as many bars as the terminal has rows; this many fit on a small one, with lines above them.
const VISIBLE: usize = 16;

/// The bars on the screen; none at all where they would not be seen.
#[derive(Debug)]
pub(super) struct Bars {
    is_shown: bool,
    total: Option<ProgressBar>,
    clients: BTreeMap<ClientId, ProgressBar>,
}

impl Bars {
    pub(super) fn new(is_shown: bool) -> Self {
        Self {
            is_shown,
            total: None,
            clients: BTreeMap::new(),
        }
    }

    /// Draws what is under way. True when the bar says it all, false when the change is worth a line.
    pub(super) fn draw(&mut self, change: &Change, output: &Output) -> bool {
        if !self.is_shown {
            return false;
        }
        match change {
            Change::Downloading(progress) => {
                let mut words = format_speed(progress.download_speed);
                if progress.estimated_time_remaining > 0 {
                    let left = Duration::from_secs(progress.estimated_time_remaining);
                    words.push_str(&format!(", {} left", format_duration(left)));
                }
                let way = match progress.format.as_deref() {
                    None => "full",
                    Some(COMPRESSED) => COMPRESSED,
                    Some(_) => "delta",
                };
                words.push_str(&format!("  {} {way}", progress.version));
                self.set(
                    &progress.client_id,
                    progress.progress_percentage,
                    words,
                    output,
                )
            }
            Change::Installing(progress) => {
                let phase = harmless_word(&progress.phase);
                let words = format!("{phase} {}", progress.version);
                self.set(
                    &progress.client_id,
                    progress.progress_percentage,
                    words,
                    output,
                )
            }
            Change::Ended { completed, .. } => {
                self.remove(&completed.client_id, output);
                false
            }
            Change::Disconnected { client_id, .. } => {
                self.remove(client_id, output);
                true
            }
            // The total counts them; a line for each would push everything else off the screen.
            Change::Connected(_) | Change::Registered => true,
            Change::Limited(_) | Change::Incompatible(_) | Change::Release(_) => false,
        }
    }

    /// The bar of the whole fleet.
    pub(super) fn total(&mut self, fleet: &Fleet, output: &Output) {
        let Some(goal) = fleet.goal().filter(|_| self.is_shown) else {
            return;
        };
        let counts = fleet.counts();
        let label = format!("{} in all", goal.version);
        let bar = self.total.get_or_insert_with(|| output.client_bar(&label));
        bar.set_prefix(label);
        bar.set_position(match counts.eligible {
            0 => 0,
            eligible => counts.done * 100 / eligible,
        });
        bar.set_message(format!(
            "{} of {} done ({}), {} failed",
            counts.done,
            counts.eligible,
            format_share(counts.done, counts.eligible),
            counts.failed
        ));
    }

    fn set(&mut self, client: &ClientId, percentage: u8, words: String, output: &Output) -> bool {
        if !self.clients.contains_key(client) && self.clients.len() >= VISIBLE {
            return true;
        }
        let bar = self
            .clients
            .entry(client.clone())
            .or_insert_with(|| output.client_bar(&shortened(client.as_str())));
        bar.set_position(u64::from(percentage));
        bar.set_message(words);
        true
    }

    fn remove(&mut self, client: &ClientId, output: &Output) {
        if let Some(bar) = self.clients.remove(client) {
            output.remove_bar(&bar);
        }
    }

    /// Takes everything away, so that the last line stands alone.
    pub(super) fn clear(&mut self, output: &Output) {
        for (_, bar) in std::mem::take(&mut self.clients) {
            output.remove_bar(&bar);
        }
        if let Some(bar) = self.total.take() {
            output.remove_bar(&bar);
        }
        output.wipe_bars();
    }

    /// Draws again what was drawn too soon after something else to be shown.
    pub(super) fn refresh(&self) {
        for bar in self.clients.values().chain(&self.total) {
            bar.tick();
        }
    }
}

/// The end of an id tells clients apart better than its beginning.
fn shortened(id: &str) -> String {
    let count = id.chars().count();
    match count > 20 {
        true => format!("…{}", id.chars().skip(count - 19).collect::<String>()),
        false => id.to_owned(),
    }
}
