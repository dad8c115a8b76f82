//! How an application ends, and what that says about its version. Pure.

use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// A signal that asks a launcher to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal was closed.
    HangUp,
    /// Ctrl-C.
    Interrupt,
    /// From the system or a service manager.
    Terminate,
}

/// Signals that ask for an end, by their numbers on every Unix.
const HANGUP: i32 = 1;
const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;

impl Ending {
    /// Whether it counts against the version. Who closes an application, by its window or by a signal, finds no fault in it.
    #[must_use]
    pub fn is_crash(self) -> bool {
        match self {
            Self::Code(0) => false,
            // A JVM catches these signals, and ends with their number and 128.
            Self::Code(code) => ![HANGUP, INTERRUPT, TERMINATE].contains(&(code - 128)),
            Self::Signal(signal) => ![HANGUP, INTERRUPT, TERMINATE].contains(&signal),
        }
    }

    /// As a shell would tell it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        let code = match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        };
        // Only Windows has codes that do not fit; none of them may look like success.
        u8::try_from(code).unwrap_or(1)
    }
}

impl From<Signal> for Ending {
    /// What ends by a signal that it does not handle.
    fn from(signal: Signal) -> Self {
        Self::Signal(match signal {
            Signal::HangUp => HANGUP,
            Signal::Interrupt => INTERRUPT,
            Signal::Terminate => TERMINATE,
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}
