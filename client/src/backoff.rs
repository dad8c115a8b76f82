//! How long to wait before the next try: full jitter, so that a fleet does not come back in one wave.

use std::time::Duration;

use crate::Error;

/// The longest wait that a daemon, or whoever answers in its place, can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Waits that grow with every failure, each drawn evenly between nothing and its bound.
///
/// ```
/// use std::time::Duration;
/// use client::Backoff;
///
/// let mut backoff = Backoff::seeded(7);
/// assert!(backoff.next_wait() <= Duration::from_secs(1));
/// assert!(backoff.next_wait() <= Duration::from_secs(2));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first_bound: Duration,
    last_bound: Duration,
    failures: u32,
    random: fastrand::Rng,
}

impl Backoff {
    /// One second at first, one minute at most, from a random seed.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(fastrand::u64(..))
    }

    /// The same from a given seed, so that a test can repeat it.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            first_bound: Duration::from_secs(1),
            last_bound: Duration::from_secs(60),
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_bounds(mut self, first: Duration, last: Duration) -> Self {
        self.first_bound = first;
        self.last_bound = last;
        self
    }

    /// How many waits were drawn since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure.
    pub fn next_wait(&mut self) -> Duration {
        let bound = self
            .first_bound
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(self.last_bound);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(self.random.f64())
    }

    /// The wait when the daemon named one: never shorter, and spread beyond it; but no peer sends us away for longer
    /// than an hour.
    pub fn next_wait_after(&mut self, asked: Duration) -> Duration {
        asked.min(LONGEST_ASKED) + self.next_wait()
    }

    /// The wait after a failure: the daemon's where it named one.
    pub(crate) fn next_wait_for(&mut self, error: &Error) -> Duration {
        match error.retry_after() {
            Some(asked) => self.next_wait_after(asked),
            None => self.next_wait(),
        }
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_under_a_bound_that_doubles_up_to_a_minute() {
        for seed in 0..50 {
            let mut backoff = Backoff::seeded(seed);
            for bound in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
                assert!(backoff.next_wait() <= Duration::from_secs(bound));
            }
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let waits: Vec<Duration> = (0..200)
            .map(|seed| Backoff::seeded(seed).next_wait())
            .collect();
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(100)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(900)));
    }

    #[test]
    fn it_never_gives_up_and_never_overflows() {
        let mut backoff = Backoff::seeded(1);
        for _ in 0..10_000 {
            assert!(backoff.next_wait() <= Duration::from_secs(60));
        }
    }

    #[test]
    fn the_daemon_is_never_asked_sooner_than_it_wants() {
        let asked = Duration::from_secs(30);
        for seed in 0..50 {
            let wait = Backoff::seeded(seed).next_wait_after(asked);
            assert!(wait >= asked && wait <= asked + Duration::from_secs(1));
        }
    }

    #[test]
    fn nobody_sends_us_away_for_ever() {
        let wait = Backoff::seeded(1).next_wait_after(Duration::MAX);
        assert!(wait <= LONGEST_ASKED + Duration::from_secs(1));
    }

    #[test]
    fn a_seed_repeats_its_waits() {
        let waits = |seed| {
            let mut backoff = Backoff::seeded(seed);
            [
                backoff.next_wait(),
                backoff.next_wait(),
                backoff.next_wait(),
            ]
        };
        assert_eq!(waits(3), waits(3));
        assert_ne!(waits(3), waits(4));
    }
}
