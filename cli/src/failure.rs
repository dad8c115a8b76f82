//! A command that did not succeed: what, why, what to do, and how the process ends.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

use client::{Error, Refusal};
use protocol::Code;
use protocol::error::Details;

use crate::exit::Exit;
use crate::units::format_duration;

/// Everything that the last words of a failed command need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// For programs: a code of the daemon, or one of ours in the same style.
    pub(crate) code: &'static str,
    /// What and why, in one line.
    pub(crate) message: String,
    /// More about why, line by line.
    pub(crate) reasons: Vec<String>,
    /// What to do, each a thing to try.
    pub(crate) help: Vec<String>,
    /// Where the daemon said so.
    pub(crate) answer: Option<Box<Answer>>,
}

/// What surrounds an error of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    /// Finds the request in the daemon's log.
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
            reasons: Vec::new(),
            help: Vec::new(),
            answer: None,
        }
    }

    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(Exit::Error, "ERROR", message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "USAGE", message)
    }

    pub(crate) fn check(message: impl Into<String>) -> Self {
        Self::new(Exit::CheckFailed, "CHECK_FAILED", message)
    }

    /// The reader of our standard output has gone, as `head` does.
    pub(crate) fn closed_pipe() -> Self {
        Self::new(Exit::Ok, CLOSED_PIPE, "nobody reads the output any more")
    }

    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.code == CLOSED_PIPE
    }

    /// A file of the user's that cannot be used.
    pub(crate) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(
            Exit::Error,
            "FILE",
            format!("cannot {doing} {}: {}", path.display(), plain(error)),
        );
        match error.kind() {
            io::ErrorKind::NotFound => Self {
                exit: Exit::Usage,
                ..failure.help("check the path; nothing was changed")
            },
            io::ErrorKind::PermissionDenied => {
                failure.help("check who owns the file and what its mode is")
            }
            io::ErrorKind::StorageFull => failure.help("make room on that disk and try again"),
            _ => failure,
        }
    }

    pub(crate) fn reason(mut self, line: impl Into<String>) -> Self {
        self.reasons.push(line.into());
        self
    }

    pub(crate) fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// Says in front what the command was about to do.
    pub(crate) fn while_doing(mut self, doing: impl Display) -> Self {
        self.message = format!("cannot {doing}: {}", self.message);
        self
    }
}

const CLOSED_PIPE: &str = "CLOSED_PIPE";

/// The operating system's words without "(os error 2)".
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Refused(refusal) => from_refusal(*refusal),
            Error::Unreachable { .. } => Self::new(Exit::Network, "UNREACHABLE", message)
                .help("is the daemon up?  relctld serve")
                .help("another daemon?    --url or RELCTL_URL; relctl config show --origin")
                .help("step by step:       relctl doctor"),
            Error::Interrupted { .. } => Self::new(Exit::Network, "CONNECTION_LOST", message)
                .help("run the same command again: it goes on where it stopped"),
            Error::Unreadable { .. } => Self::new(Exit::Network, "NOT_A_DAEMON", message)
                .help("check --url and RELCTL_URL: a proxy or a sign-in page may stand in between"),
            Error::Url { .. } => Self::new(Exit::Usage, "INVALID_URL", message)
                .help("give an address such as http://127.0.0.1:8081 with --url or RELCTL_URL"),
            Error::Token(_) => Self::new(Exit::Auth, "INVALID_TOKEN", message)
                .help("a token is one line, as `relctl token create` prints it"),
            Error::Mismatch { .. } => Self::new(Exit::CheckFailed, "CHECKSUM_MISMATCH", message)
                .help("nothing was kept of it; try again, and ask the publisher if it stays so"),
            Error::Size { .. } => Self::new(Exit::CheckFailed, "SIZE_MISMATCH", message)
                .help("nothing was kept of it; a proxy or a sign-in page may stand in between"),
            Error::NoRoom { .. } => Self::new(Exit::Error, "NO_ROOM", message)
                .help("make room on that disk and run it again: it goes on where it stopped"),
            Error::Signature { .. } => Self::new(Exit::CheckFailed, "SIGNATURE", message)
                .help("nothing was fetched; the pinned key decides, whatever the daemon offers"),
            Error::Key { .. } => Self::new(Exit::Config, "INVALID_KEY", message),
            Error::Authorities { .. } => Self::new(Exit::Config, "INVALID_CA_CERT", message)
                .help("give a PEM file with --ca-cert or RELCTL_CA_CERT"),
            Error::Delta(_) | Error::OtherBase => Self::check(message),
            Error::Layout { .. } => Self::new(Exit::Config, "DAMAGED_FOLDER", message),
            Error::NoWayBack(_) => Self::new(Exit::NotFound, "NO_WAY_BACK", message)
                .help("any version of the daemon:  relctl client rollback --to V"),
            Error::HeldBack { .. } => Self::new(Exit::Conflict, "HELD_BACK", message)
                .help("install it all the same:  relctl client install V --force"),
            Error::Java { .. } => Self::new(Exit::Config, "NO_JAVA", message)
                .help("install a Java runtime, set JAVA_HOME, or name one with --java PATH"),
            Error::NothingToStart { .. } => Self::new(Exit::NotFound, "NOTHING_TO_START", message)
                .help("publish a version, or check --channel:  relctl versions list"),
            Error::Busy { .. } => {
                Self::new(Exit::Conflict, "BUSY", message).help("wait until it is done, or stop it")
            }
            Error::File {
                ref path,
                ref source,
                doing,
            } => Self::file(doing, path, source),
            Error::SessionEnded { code, .. } => Self::new(Exit::of(code), code.as_str(), message)
                .help("ask an administrator for a new token:  relctl token create --user NAME"),
            Error::Incompatible { .. } => Self::new(Exit::Incompatible, "INCOMPATIBLE", message),
            _ => Self::error(message),
        }
    }
}

fn from_refusal(refusal: Refusal) -> Failure {
    let Refusal {
        code,
        message,
        details,
        status,
        request_id,
        retry_after,
    } = refusal;
    let mut failure = Failure::new(Exit::of(code), code.as_str(), message);
    failure.answer = Some(Box::new(Answer {
        status,
        request_id,
        retry_after,
    }));
    match details {
        Some(Details::Fields(fields)) => {
            for field in fields {
                // The daemon's message often is the problem of its only field.
                if !failure.message.contains(&field.problem) {
                    failure = failure.reason(format!("{}: {}", field.field, field.problem));
                }
            }
        }
        Some(Details::RateLimit(limit)) => {
            failure = failure.reason(format!(
                "{} of {} in {} min",
                limit.current_count, limit.max_allowed, limit.window_minutes
            ));
        }
        None => {}
    }
    match code {
        Code::Unauthorized => failure
            .help("give a token that counts: RELCTL_TOKEN or --token-file FILE, or relctl login")
            .help("where is this one from?  relctl config show --origin"),
        Code::Forbidden => failure
            .help("who am I?  relctl whoami")
            .help("ask an administrator for a token with the role that this needs"),
        Code::NotFound => failure.help("what is there?  relctl versions list"),
        Code::RateLimited | Code::Unavailable => match retry_after {
            Some(wait) => failure.help(format!("try again in {}", format_duration(wait))),
            None => failure.help("try again in a minute"),
        },
        Code::InsufficientStorage => {
            failure.help("make room on the daemon's disk; nothing half-written remains")
        }
        Code::ServerError => failure.help("the daemon's log has the cause under the request id"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_the_users_mistake_and_named_without_jargon() {
        let error = io::Error::from_raw_os_error(2);
        let failure = Failure::file("read", Path::new("app.jar"), &error);
        assert_eq!(
            failure.message,
            "cannot read app.jar: no such file or directory"
        );
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn a_refusal_keeps_what_finds_it_in_the_daemons_log() {
        let failure = Failure::from(Error::Refused(Box::new(Refusal {
            code: Code::NotFound,
            message: "version 9.9.9 does not exist".into(),
            details: None,
            status: Some(404),
            request_id: Some("01J".into()),
            retry_after: None,
        })));
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(failure.code, "NOT_FOUND");
        let answer = failure.answer.unwrap();
        assert_eq!(
            (answer.status, answer.request_id.as_deref()),
            (Some(404), Some("01J"))
        );
    }

    #[test]
    fn an_unreachable_daemon_is_the_network() {
        let failure = Failure::from(Error::Unreachable {
            url: "http://127.0.0.1:1".into(),
            reason: "connection refused".into(),
        });
        assert_eq!(failure.exit, Exit::Network);
        assert!(!failure.help.is_empty());
    }
}
