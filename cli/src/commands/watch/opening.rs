//! When a fleet is known well enough to be judged. Pure.
//!
//! The clients that are connected come first, without a mark at their end. Judged half-way, a fleet of a thousand
//! would be done with its first client that is.

use std::time::Duration;

use tokio::time::Instant;

/// A pause this long is taken for the end of what was there before us.
const QUIET: Duration = Duration::from_millis(500);

/// A fleet that is never quiet is known by now: thousands of clients are named in a second.
const OPENING_MAX: Duration = Duration::from_secs(5);

/// How far we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The daemon did not take our wish yet.
    Unready,
    Listening {
        since: Instant,
        heard: Instant,
    },
    Over,
}

impl Opening {
    pub(super) fn is_over(self) -> bool {
        self == Self::Over
    }

    /// The daemon has taken our wish, and tells what is there.
    pub(super) fn ready(&mut self, now: Instant) {
        if *self == Self::Unready {
            *self = Self::Listening {
                since: now,
                heard: now,
            };
        }
    }

    /// Something was heard. Where no past was asked for, all but the naming of clients is news.
    pub(super) fn hear(&mut self, now: Instant, is_news: bool) {
        match self {
            Self::Listening { .. } if is_news => *self = Self::Over,
            Self::Listening { heard, .. } => *heard = now,
            Self::Unready | Self::Over => {}
        }
    }

    pub(super) fn end(&mut self) {
        *self = Self::Over;
    }

    /// When it is over if nothing more is heard.
    pub(super) fn ends_at(self) -> Option<Instant> {
        match self {
            Self::Listening { since, heard } => Some((heard + QUIET).min(since + OPENING_MAX)),
            Self::Unready | Self::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_until_it_is_quiet_and_not_for_ever() {
        let start = Instant::now();
        let mut opening = Opening::Unready;
        opening.hear(start, true);
        assert_eq!((opening.ends_at(), opening.is_over()), (None, false));
        opening.ready(start);
        assert_eq!(opening.ends_at(), Some(start + QUIET));
        let later = start + Duration::from_millis(300);
        opening.hear(later, false);
        assert_eq!(opening.ends_at(), Some(later + QUIET));
        opening.hear(start + OPENING_MAX, false);
        assert_eq!(opening.ends_at(), Some(start + OPENING_MAX));
    }

    #[test]
    fn news_end_it() {
        let mut opening = Opening::Unready;
        opening.ready(Instant::now());
        opening.hear(Instant::now(), true);
        assert!(opening.is_over());
    }
}
