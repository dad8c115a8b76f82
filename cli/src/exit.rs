//! The exit codes: a promise to scripts. README and `relctl help` list them.

use std::process::ExitCode;

use protocol::Code;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Ok,
    /// Anything that has no code of its own.
    Error,
    /// Wrong arguments.
    Usage,
    /// A checksum, a JAR or a delta is not as it should be.
    CheckFailed,
    /// No token, or one that is not enough.
    Auth,
    /// No such version, channel, user or token.
    NotFound,
    /// The version exists with other content, or the state changed meanwhile.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// The daemon cannot be reached, or the connection was lost and did not come back.
    Network,
    /// `watch --fail-over` was crossed.
    RolloutFailed,
    /// `--timeout` passed.
    Timeout,
    /// The configuration cannot be used: an address that is none, a folder that cannot be read.
    Config,
    /// `client check --exit-code` found an update.
    UpdateAvailable,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// As the application ended that `client run` started.
    Application(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    /// What the process ends with.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::CheckFailed => 3,
            Self::Auth => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::RateLimited => 7,
            Self::Network => 8,
            Self::RolloutFailed => 9,
            Self::Timeout => 10,
            Self::Config => 12,
            Self::UpdateAvailable => 100,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Application(code) => code,
        }
    }

    /// The exit code for an error of the daemon.
    pub(crate) fn of(code: Code) -> Self {
        match code {
            Code::Unauthorized | Code::Forbidden | Code::AuthenticationFailed => Self::Auth,
            Code::NotFound | Code::UnknownChannel => Self::NotFound,
            Code::Conflict => Self::Conflict,
            Code::ChecksumMismatch | Code::InvalidArtifact | Code::MalwareDetected => {
                Self::CheckFailed
            }
            Code::RateLimited => Self::RateLimited,
            Code::InvalidRequest | Code::InvalidVersion => Self::Usage,
            Code::ConnectionTimeout | Code::SlowConsumer => Self::Network,
            _ => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [
            (Exit::Ok, 0),
            (Exit::Error, 1),
            (Exit::Usage, 2),
            (Exit::CheckFailed, 3),
            (Exit::Auth, 4),
            (Exit::NotFound, 5),
            (Exit::Conflict, 6),
            (Exit::RateLimited, 7),
            (Exit::Network, 8),
            (Exit::RolloutFailed, 9),
            (Exit::Timeout, 10),
            (Exit::Config, 12),
            (Exit::UpdateAvailable, 100),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code);
        }
    }

    #[test]
    fn what_the_daemon_refuses_ends_as_documented() {
        for (code, exit) in [
            (Code::Unauthorized, Exit::Auth),
            (Code::Forbidden, Exit::Auth),
            (Code::NotFound, Exit::NotFound),
            (Code::Conflict, Exit::Conflict),
            (Code::RateLimited, Exit::RateLimited),
            (Code::InvalidArtifact, Exit::CheckFailed),
            (Code::ServerError, Exit::Error),
        ] {
            assert_eq!(Exit::of(code), exit, "{code}");
        }
    }
}
