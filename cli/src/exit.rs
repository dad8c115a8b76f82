//! The exit codes: a promise to scripts. docs/cli.md and `relctl help exit-codes` list them.

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
    /// `watch --fail-over` was crossed, or what it waits for was withdrawn.
    RolloutFailed,
    /// `--timeout` passed.
    Timeout,
    /// A release that this client cannot take.
    Incompatible,
    /// The configuration cannot be used: an address that is none, a folder that cannot be read.
    Config,
    /// `client check --exit-code` found an update.
    UpdateAvailable,
    /// A panic: our mistake.
    Bug,
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
            Self::Incompatible => 11,
            Self::Config => 12,
            Self::UpdateAvailable => 100,
            Self::Bug => 101,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Application(code) => code,
        }
    }

    /// Every code with its name and when it is given: what `relctl help exit-codes` and docs/cli.md say.
    pub(crate) const TABLE: [(Self, &'static str, &'static str); 17] = [
        (
            Self::Ok,
            "ok",
            "done, or nothing to do; also when the reader of the output went away",
        ),
        (
            Self::Error,
            "error",
            "anything without a code of its own: a full disk, a daemon that failed",
        ),
        (
            Self::Usage,
            "usage",
            "wrong arguments, a missing file, a question without a terminal",
        ),
        (
            Self::CheckFailed,
            "check failed",
            "a checksum, signature, JAR or delta is not as it should be",
        ),
        (
            Self::Auth,
            "auth",
            "no token, or one that is expired, revoked or not enough",
        ),
        (
            Self::NotFound,
            "not found",
            "no such version, channel, user, token or setting",
        ),
        (
            Self::Conflict,
            "conflict",
            "the version exists with other content, or the state changed meanwhile",
        ),
        (
            Self::RateLimited,
            "rate limited",
            "too many requests; the error says when to try again",
        ),
        (
            Self::Network,
            "network",
            "no such host, refused, TLS, or a connection that was lost and did not come back",
        ),
        (
            Self::RolloutFailed,
            "rollout failed",
            "more clients failed than --fail-over allows, or the version was withdrawn",
        ),
        (Self::Timeout, "timeout", "--timeout passed"),
        (
            Self::Incompatible,
            "incompatible",
            "a release that this client cannot take: its version is too old, or its platform another one",
        ),
        (
            Self::Config,
            "config",
            "a configuration that cannot be read or used",
        ),
        (
            Self::UpdateAvailable,
            "update available",
            "only of `client check --exit-code`",
        ),
        (
            Self::Bug,
            "bug",
            "a mistake in relctl itself; please report it",
        ),
        (Self::Interrupted, "interrupted", "Ctrl-C"),
        (Self::Terminated, "terminated", "SIGTERM"),
    ];

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
            (Exit::Incompatible, 11),
            (Exit::Config, 12),
            (Exit::UpdateAvailable, 100),
            (Exit::Bug, 101),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code);
        }
        let documented = include_str!("../../docs/cli.md");
        for (exit, name, meaning) in Exit::TABLE {
            let row = format!("| {} | {name} | {meaning} |", exit.code());
            assert!(documented.contains(&row), "docs/cli.md lacks: {row}");
        }
        assert_eq!(
            codes.map(|(exit, _)| exit),
            Exit::TABLE.map(|(exit, ..)| exit)
        );
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
