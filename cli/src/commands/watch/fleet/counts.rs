//! The numbers of a fleet. Pure.

use std::collections::VecDeque;

use protocol::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::client::{Standing, Way};

/// How many clients stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::commands::watch) struct Counts {
    pub(in crate::commands::watch) waiting: u64,
    pub(in crate::commands::watch) downloading: u64,
    pub(in crate::commands::watch) installing: u64,
    /// Those that run the goal, or something newer.
    pub(in crate::commands::watch) done: u64,
    /// Those whose installation failed and was not made good.
    pub(in crate::commands::watch) failed: u64,
    /// How often a limit was passed.
    pub(in crate::commands::watch) rate_limited: u64,
}

/// Bytes that travelled, by their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::commands::watch) struct Bytes {
    full: u64,
    compressed: u64,
    delta: u64,
}

/// When clients ended lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    ends: VecDeque<Timestamp>,
}

impl Counts {
    /// Clients that should run the goal.
    pub(in crate::commands::watch) fn eligible(&self) -> u64 {
        self.open() + self.ended()
    }

    /// Those that ended, well or not.
    pub(in crate::commands::watch) fn ended(&self) -> u64 {
        self.done + self.failed
    }

    /// Those that did not end yet.
    pub(in crate::commands::watch) fn open(&self) -> u64 {
        self.waiting + self.downloading + self.installing
    }

    /// A client counts as something else now.
    pub(super) fn move_one(&mut self, from: Standing, to: Standing) {
        if from == to {
            return;
        }
        if let Some(number) = self.of(from) {
            *number = number.saturating_sub(1);
        }
        if let Some(number) = self.of(to) {
            *number += 1;
        }
    }

    fn of(&mut self, standing: Standing) -> Option<&mut u64> {
        match standing {
            Standing::Outside => None,
            Standing::Waiting => Some(&mut self.waiting),
            Standing::Downloading => Some(&mut self.downloading),
            Standing::Installing => Some(&mut self.installing),
            Standing::Done => Some(&mut self.done),
            Standing::Failed => Some(&mut self.failed),
        }
    }
}

impl Bytes {
    pub(super) fn add(&mut self, way: &Way, bytes: u64) {
        let sum = match way {
            Way::Full => &mut self.full,
            Way::Compressed => &mut self.compressed,
            Way::Delta(_) => &mut self.delta,
        };
        *sum = sum.saturating_add(bytes);
    }
}

/// What is longer ago says nothing about what comes.
const WINDOW_MS: i64 = 60_000;

/// Fewer ends than this are no pace.
const ENDS_MIN: usize = 3;

/// More need not be remembered: the pace of a big fleet is known from its last thousand.
const ENDS_MAX: usize = 1000;

impl Pace {
    pub(super) fn note(&mut self, end: Timestamp) {
        if self.ends.len() == ENDS_MAX {
            self.ends.pop_front();
        }
        self.ends.push_back(end);
    }

    /// Seconds until `open` more ended. The clocks of the daemon and of this machine may differ a little; the longer
    /// span of both counts.
    pub(super) fn seconds_left(&self, now: Timestamp, open: u64) -> Option<u64> {
        let newest = self.ends.back()?.unix_ms().max(now.unix_ms());
        let recent = self.ends.iter().map(|end| end.unix_ms());
        let recent: Vec<i64> = recent.filter(|end| newest - end <= WINDOW_MS).collect();
        let first = recent.iter().min()?;
        if recent.len() < ENDS_MIN || open == 0 {
            return None;
        }
        let span_ms = u64::try_from(newest - first).ok()?.max(1);
        let ends = u64::try_from(recent.len()).ok()?;
        Some((open.saturating_mul(span_ms) / ends).div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_of_the_last_minute_tells_how_long_the_rest_takes() {
        let at = |second: i64| Timestamp::from_unix_ms(1_700_000_000_000 + second * 1000);
        let mut pace = Pace::default();
        assert_eq!(pace.seconds_left(at(0), 10), None);
        for second in [-300, 0, 1, 2, 3, 4] {
            pace.note(at(second));
        }
        // Five in five seconds; the one of long ago is forgotten.
        assert_eq!(pace.seconds_left(at(5), 10), Some(10));
        assert_eq!(pace.seconds_left(at(5), 0), None);
        // Nothing for a while: it takes longer than it seemed.
        assert_eq!(pace.seconds_left(at(50), 10), Some(100));
        assert_eq!(pace.seconds_left(at(200), 10), None);
    }

    #[test]
    fn a_clock_that_is_behind_the_daemons_does_no_harm() {
        let at = |second: i64| Timestamp::from_unix_ms(1_700_000_000_000 + second * 1000);
        let mut pace = Pace::default();
        for second in [0, 5, 10] {
            pace.note(at(second));
        }
        assert_eq!(pace.seconds_left(at(-3600), 3), Some(10));
    }
}
