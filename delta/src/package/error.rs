//! Why no JAR was made.

use std::io;
use std::path::{Path, PathBuf};

use crate::jar::{JarError, ManifestError, NoVersion};

/// Why no JAR was made. Nothing is left behind, and a JAR that was there before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("{} is a symbolic link; put the file itself there", .0.display())]
    Symlink(PathBuf),
    #[error("{} is neither a file nor a folder; take it away", .0.display())]
    SpecialFile(PathBuf),
    #[error("the name of {} is not UTF-8; rename it", .0.display())]
    NameNotUtf8(PathBuf),
    #[error("cannot read the manifest {}: {source}", path.display())]
    Manifest {
        path: PathBuf,
        source: ManifestError,
    },
    #[error("the manifest attribute {name:?} is not possible: {reason}")]
    Attribute { name: String, reason: &'static str },
    #[error(
        "{0} signs what is to be packed, and with another manifest it would be worth nothing; take the signature away, or hand on the signed JAR as it is"
    )]
    Signed(String),
    #[error("{} begins with a script, which would be lost; hand on the JAR as it is", .0.display())]
    Prefix(PathBuf),
    #[error(transparent)]
    NoVersion(#[from] NoVersion),
    #[error("the JAR is refused: {0}")]
    Jar(#[from] JarError),
    #[error("cannot {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PackageError {
    /// For `map_err`: names the step and the file that failed.
    pub(super) fn file<'a, E: Into<io::Error>>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(E) -> Self + 'a {
        move |source| PackageError::File {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
