//! How long applying a patch may still take.
//!
//! A hostile patch can be small and stay within its memory, and yet deflate for hours: at level 9
//! zlib takes 0.4 MB/s on contents made for it. So the work looks at the clock now and then.

use std::time::{Duration, Instant};

use crate::Error;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Option<(Instant, Duration)>,
}

impl Deadline {
    /// Starts counting; without a limit there is no end.
    pub(crate) fn start(limit: Option<Duration>) -> Deadline {
        let end = limit.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit)));
        Deadline { end }
    }

    /// For work whose time is not limited.
    pub(crate) fn none() -> Deadline {
        Deadline { end: None }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.end {
            Some((end, limit)) if Instant::now() > end => Err(Error::TooSlow {
                seconds: limit.as_secs_f64(),
            }),
            _ => Ok(()),
        }
    }
}
