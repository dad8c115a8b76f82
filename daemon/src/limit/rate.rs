//! A rate of bytes, as a timeline: each piece takes the time that it lasts at the rate, behind the one before it.
//!
//! Pure, with `now` as an argument. Who takes a piece is told when it may go; those who share a rate get their turns in the
//! order of asking, each with one piece at a time, so all of them move and none overtakes.

use std::time::{Duration, Instant};

/// Turns of each client in a second, about: often enough to be smooth, seldom enough that waking up costs nothing.
const TURNS_PER_SECOND: u64 = 10;

/// Time that was not used and may be made up for: timers are late by a few milliseconds.
const CREDIT: Duration = Duration::from_millis(100);

/// What one client sends at a turn is not less, however many share a rate; smaller pieces would be mostly headers.
const TURN_BYTES: u64 = 1024;

/// A piece is not smaller, however many downloads a client has: it must not make us wake up for single bytes.
const PIECE_BYTES: u64 = 256;

/// One rate.
#[derive(Debug)]
pub(super) struct Rate {
    /// Never 0.
    bytes_per_second: u64,
    /// When all that was taken has gone.
    free_at: Option<Instant>,
}

impl Rate {
    /// A rate; 0 is none.
    pub(super) fn new(bytes_per_second: u64) -> Option<Self> {
        (bytes_per_second > 0).then_some(Self {
            bytes_per_second,
            free_at: None,
        })
    }

    /// How much one download may take at a time, when so many clients share the rate and it is one of so many of its
    /// client: clients get equal shares, and divide them among their downloads.
    pub(super) fn piece(&self, clients: u64, downloads: u64) -> u64 {
        let turn = self.bytes_per_second / TURNS_PER_SECOND / clients.max(1);
        (turn.max(TURN_BYTES) / downloads.max(1)).max(PIECE_BYTES)
    }

    /// Takes bytes; when they may go.
    pub(super) fn take(&mut self, bytes: u64, now: Instant) -> Instant {
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let begins_at = self.free_at.map_or(now, |free_at| free_at.max(earliest));
        self.free_at = Some(begins_at + self.lasting(bytes));
        begins_at
    }

    /// Whether forgetting what was taken would change nothing.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|free_at| free_at <= now)
    }

    fn lasting(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    fn rate(bytes_per_second: u64) -> Rate {
        Rate::new(bytes_per_second).unwrap()
    }

    #[test]
    fn zero_is_no_rate() {
        assert!(Rate::new(0).is_none());
    }

    #[test]
    fn the_first_bytes_go_at_once_and_each_piece_waits_for_those_before_it() {
        let mut rate = rate(MEGABYTE);
        let start = Instant::now();
        for tenth in 0..50 {
            let due = start + Duration::from_millis(100 * tenth);
            assert_eq!(rate.take(MEGABYTE / 10, start), due);
        }
    }

    #[test]
    fn who_is_a_little_late_catches_up_and_who_slept_does_not() {
        let mut rate = rate(MEGABYTE);
        let start = Instant::now();
        let mut now = start;
        let mut bytes = 0;
        // Each timer is 7 ms late.
        while now < start + Duration::from_secs(10) {
            let piece = rate.piece(1, 1);
            now = now.max(rate.take(piece, now)) + Duration::from_millis(7);
            bytes += piece;
        }
        assert!(
            (99 * MEGABYTE / 10..=102 * MEGABYTE / 10).contains(&bytes),
            "{bytes}"
        );

        let hour = now + Duration::from_secs(3600);
        let at_once = (0..100).filter(|_| rate.take(MEGABYTE / 10, hour) <= hour);
        assert_eq!(at_once.count(), 2, "a piece, and 100 ms made up for");
    }

    #[test]
    fn clients_share_alike_and_divide_their_share_among_their_downloads() {
        let rate = rate(MEGABYTE);
        assert_eq!(rate.piece(1, 1), 100_000);
        assert_eq!(rate.piece(4, 1), 25_000);
        assert_eq!(rate.piece(4, 5) * 5, rate.piece(4, 1));
        // However many come, pieces are worth being sent.
        assert_eq!(rate.piece(u64::MAX, 1), TURN_BYTES);
        assert_eq!(rate.piece(1, u64::MAX), PIECE_BYTES);
        assert!(rate.piece(0, 0) > 0);
    }

    #[test]
    fn a_rate_is_idle_when_all_that_was_taken_has_gone() {
        let mut rate = rate(MEGABYTE);
        let start = Instant::now();
        assert!(rate.is_idle(start));
        let _ = rate.take(MEGABYTE, start);
        assert!(!rate.is_idle(start + Duration::from_millis(999)));
        assert!(rate.is_idle(start + Duration::from_secs(1)));
    }
}
