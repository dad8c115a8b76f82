//! When a fleet is an answer: what `--until` and `--fail-over` make of its numbers. Pure.

use std::num::NonZeroU64;

use super::fleet::Counts;
use crate::args::Target;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    pub(super) until: Option<Target>,
    pub(super) fail_over: Option<u8>,
    /// Shares of fewer clients that ended say nothing.
    pub(super) min_sample: NonZeroU64,
}

/// What the fleet answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Reached,
    Failed,
}

impl Gate {
    /// Whether anything was asked for at all.
    pub(super) fn is_set(&self) -> bool {
        self.until.is_some() || self.fail_over.is_some()
    }

    /// The answer, once there is one.
    pub(super) fn judge(&self, counts: &Counts) -> Option<Verdict> {
        let is_sample = counts.ended() >= self.min_sample.get();
        let fails = |limit: u8| counts.failed * 100 > counts.eligible() * u64::from(limit);
        if is_sample && self.fail_over.is_some_and(fails) {
            return Some(Verdict::Failed);
        }
        match self.until? {
            Target::Share(percent) => {
                let is_reached = counts.done * 100 >= counts.eligible() * u64::from(percent);
                (is_sample && is_reached).then_some(Verdict::Reached)
            }
            Target::Clients(number) => (counts.done >= number.get()).then_some(Verdict::Reached),
            Target::Done if !is_sample || counts.open() > 0 => None,
            // Nobody is left who could make a failure good.
            Target::Done if fails(self.fail_over.unwrap_or(0)) => Some(Verdict::Failed),
            Target::Done => Some(Verdict::Reached),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(waiting: u64, done: u64, failed: u64) -> Counts {
        Counts {
            waiting,
            done,
            failed,
            ..Counts::default()
        }
    }

    fn gate(until: &str, fail_over: Option<u8>, min_sample: u64) -> Gate {
        Gate {
            until: Some(until.parse().unwrap()),
            fail_over,
            min_sample: NonZeroU64::new(min_sample).unwrap(),
        }
    }

    #[test]
    fn a_share_is_reached_exactly() {
        let gate = gate("95%", None, 1);
        assert_eq!(gate.judge(&counts(6, 94, 0)), None);
        assert_eq!(gate.judge(&counts(5, 95, 0)), Some(Verdict::Reached));
    }

    #[test]
    fn failures_are_over_their_limit_and_not_at_it() {
        let gate = gate("95%", Some(2), 1);
        assert_eq!(gate.judge(&counts(98, 0, 2)), None);
        assert_eq!(gate.judge(&counts(97, 0, 3)), Some(Verdict::Failed));
        // Also where the target was reached at the same moment.
        assert_eq!(gate.judge(&counts(0, 97, 3)), Some(Verdict::Failed));
    }

    #[test]
    fn shares_of_too_few_clients_say_nothing() {
        let gate = gate("50%", Some(10), 5);
        assert_eq!(gate.judge(&counts(2, 2, 1)), None);
        assert_eq!(gate.judge(&counts(2, 3, 0)), None);
        assert_eq!(gate.judge(&counts(0, 5, 0)), Some(Verdict::Reached));
        assert_eq!(gate.judge(&counts(0, 4, 1)), Some(Verdict::Failed));
    }

    #[test]
    fn nobody_is_not_everybody() {
        for until in ["0%", "100%", "done", "1"] {
            assert_eq!(gate(until, Some(0), 1).judge(&counts(0, 0, 0)), None);
        }
    }

    #[test]
    fn done_waits_for_the_last_and_allows_what_fail_over_allows() {
        assert_eq!(gate("done", None, 1).judge(&counts(1, 9, 0)), None);
        let at_the_end = [(None, 0), (None, 1), (Some(10), 1), (Some(9), 1)]
            .map(|(limit, failed)| gate("done", limit, 1).judge(&counts(0, 10 - failed, failed)));
        assert_eq!(
            at_the_end,
            [
                Some(Verdict::Reached),
                Some(Verdict::Failed),
                Some(Verdict::Reached),
                Some(Verdict::Failed)
            ]
        );
    }

    #[test]
    fn so_many_clients_are_enough_however_big_the_fleet_is() {
        let gate = gate("40", None, 100);
        assert_eq!(gate.judge(&counts(1000, 39, 0)), None);
        assert_eq!(gate.judge(&counts(1000, 40, 0)), Some(Verdict::Reached));
    }
}
