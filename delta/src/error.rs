//! What can go wrong with a delta. Each message says what to do where we know it.

use std::io;
use std::path::{Path, PathBuf};

use crate::Digest;

/// Why a delta could not be made, applied or accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the patch is empty; download it again")]
    EmptyPatch,
    #[error("this is not a delta: it begins with {begins}, no format that is known here")]
    UnknownFormat { begins: String },
    #[error("the patch begins with a skippable frame; a delta is one zstd frame and nothing else")]
    SkippableFrame,
    #[error("the patch ends too early; download it again")]
    Truncated,
    #[error("{bytes} bytes follow the end of the patch; a delta is one frame and nothing else")]
    TrailingBytes { bytes: u64 },
    #[error("the patch asks for a zstd dictionary; a delta has only the old file as its prefix")]
    Dictionary,
    #[error("the patch is damaged, or made for another old file: {reason}")]
    Damaged { reason: String },
    #[error("the patch makes {bytes} bytes or more, over the limit of {limit}")]
    OutputTooLarge { bytes: u64, limit: u64 },
    #[error("applying the patch takes more than {seconds} s; take the full download")]
    TooSlow { seconds: f64 },
    #[error("applying the patch needs {bytes} bytes of memory, over the limit of {limit}")]
    MemoryTooLarge { bytes: u64, limit: u64 },
    #[error("the {which} file has {bytes} bytes; the zstd format ends at {limit}")]
    InputTooLarge {
        which: &'static str,
        bytes: u64,
        limit: u64,
    },
    #[error(
        "the old file is not the one this patch was made for: its SHA-256 is {}, {} is wanted; take the full download",
        hex::encode(.actual), hex::encode(.expected)
    )]
    BaseMismatch { expected: Digest, actual: Digest },
    #[error(
        "the patch does not rebuild its target: the result has the SHA-256 {}, {} is wanted; take the full download",
        hex::encode(.actual), hex::encode(.expected)
    )]
    ResultMismatch { expected: Digest, actual: Digest },
    #[error("{reason}")]
    NotModelled { reason: String },
    #[error("zstd could not make the patch: {reason}")]
    Compress { reason: String },
    #[error("the rebuilt bytes could not be handed on")]
    Output(#[source] io::Error),
    #[error("cannot {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: names the step and the file that failed.
    pub(crate) fn file<'a>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Error::File {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}
