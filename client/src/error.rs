//! What can go wrong between an application and its daemon, with the values needed to act on it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::error::Details;
use protocol::{Checksum, Code, Version};

use crate::token::InvalidToken;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the daemon is not one.
    #[error("{url:?} is not the address of a daemon: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token is not one.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// What was given as certificates of authorities is none, or there is nobody to trust.
    #[error("the certificates of authorities cannot be used: {reason}")]
    Authorities {
        /// What is wrong with them.
        reason: String,
    },
    /// The daemon could not be reached.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The daemon's address.
        url: String,
        /// Why, down to the operating system's words.
        reason: String,
    },
    /// The connection broke while something was under way.
    #[error("the connection to {url} broke: {reason}")]
    Interrupted {
        /// The daemon's address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The daemon answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Something answered, but not in the words of a relctl daemon: a proxy, or a sign-in page.
    #[error("{url} did not answer as a relctl daemon does: {reason}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// What is odd about the answer.
        reason: String,
    },
    /// The bytes are not the ones that were announced.
    #[error("{what} has the SHA-256 {actual}, {expected} was announced")]
    Mismatch {
        /// The file.
        what: String,
        /// What was announced.
        expected: Checksum,
        /// What arrived.
        actual: Checksum,
    },
    /// More or fewer bytes than were announced.
    #[error("{what} has {actual} bytes, {expected} were announced")]
    Size {
        /// The file.
        what: String,
        /// What was announced.
        expected: u64,
        /// What the daemon wanted to send.
        actual: u64,
    },
    /// The disk has no room for what is to be written.
    #[error(
        "there is no room in {}: {needed_bytes} bytes are needed, {available_bytes} are free",
        folder.display()
    )]
    NoRoom {
        /// Where.
        folder: PathBuf,
        /// What is needed, with a reserve.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// A key is pinned, and the release is not signed with it.
    #[error("{version} is not taken: {reason}")]
    Signature {
        /// What was offered.
        version: Version,
        /// What is wrong with its signature.
        reason: String,
    },
    /// What was given as a key is none.
    #[error("the key cannot be used: {reason}")]
    Key {
        /// What is wrong with it.
        reason: String,
    },
    /// A delta could not be applied.
    #[error("the delta could not be applied: {0}")]
    Delta(#[from] delta::Error),
    /// The installed file is not the one that a delta was made for.
    #[error("the installed file is not the one that the delta was made for")]
    OtherBase,
    /// The application's folder holds something that this version cannot read.
    #[error("{}: {reason}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The version that runs has no predecessor on disk, or that is damaged.
    #[error("there is no whole version before {0} to go back to")]
    NoWayBack(Version),
    /// The application's JVM could not be started.
    #[error("cannot start {}: {}", program.display(), words(source))]
    Java {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is nothing to start: nothing was installed yet, or it is damaged, and nothing could be fetched.
    #[error("nothing can be started from {}: {reason}", folder.display())]
    NothingToStart {
        /// The application's folder.
        folder: PathBuf,
        /// Why nothing could be fetched either.
        reason: String,
    },
    /// What is asked for would have to be fetched, and this launcher follows no daemon.
    #[error("nothing can be fetched: this launcher follows no daemon")]
    NoDaemon,
    /// The version did not work here, or was left by the user.
    #[error("{version} is held back here: {reason}")]
    HeldBack {
        /// The version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// Another updater works in the same folder.
    #[error(
        "another updater works in {}{}",
        folder.display(),
        process.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    Busy {
        /// Where.
        folder: PathBuf,
        /// Which, where its lock tells.
        process: Option<u32>,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {}", path.display(), words(source))]
    File {
        /// What was tried, as in "cannot … the file".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The live session ended, and trying again would not help.
    #[error("the daemon ended the session: {message}")]
    SessionEnded {
        /// Its reason, for programs.
        code: Code,
        /// Its reason, for people.
        message: String,
    },
    /// The daemon offers nothing that this client can install.
    #[error("{version} cannot be installed from here: {description}")]
    Incompatible {
        /// What cannot be installed.
        version: Version,
        /// Why, and what to do.
        description: String,
    },
    /// Work on another thread did not come back.
    #[error("the work was given up half-way; try again")]
    Abandoned,
}

impl Error {
    /// For `map_err`: names the step and the file that failed.
    pub(crate) fn file<'a>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::File {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::SessionEnded { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same may succeed later without a change by the caller.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Interrupted { .. } => true,
            Self::Refused(refusal) => refusal.code.is_temporary(),
            _ => false,
        }
    }

    /// How long the daemon asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

/// An answer of the daemon that is an error (contract section 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Single fields, or the numbers of a limit.
    pub details: Option<Details>,
    /// The HTTP status; `None` when a live session was refused something.
    pub status: Option<u16>,
    /// Finds the request in the daemon's log.
    pub request_id: Option<String>,
    /// How long to wait before the next try.
    pub retry_after: Option<Duration>,
}

/// The operating system's words without their number: "Connection refused (os error 111)" says no more than its words.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// The innermost cause says most ("Connection refused"); the outer ones only wrap it and repeat the address.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    words(cause)
}

/// Runs blocking work on the pool made for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Abandoned),
    }
}
