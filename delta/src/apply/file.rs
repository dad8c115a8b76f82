//! Applies a patch from file to file, so that the new file appears whole and right, or not at all.

use std::fs;
use std::path::Path;

use super::{Applied, ApplyLimits, apply};
use crate::Error;
use crate::checksum::{Digest, sha256};
use crate::staged::StagedFile;

/// The checksums that the caller trusts, for instance from the daemon's delta description.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// The SHA-256 of the old file; checked before the patch is decoded.
    pub base: Option<Digest>,
    /// The SHA-256 of the new file; checked before it gets its name.
    pub result: Option<Digest>,
}

/// Rebuilds `new` from the files `old` and `patch`; on any failure `new` stays as it was.
///
/// The result is written beside `new`, synced and checked, and then renamed over it, so that
/// neither a crash nor damage leaves a wrong file under that name.
pub fn apply_to_file(
    old: &Path,
    patch: &Path,
    new: &Path,
    expected: &Expected,
    limits: &ApplyLimits,
) -> Result<Applied, Error> {
    // The checksum is taken of the bytes that are then used: a file that changes meanwhile fails.
    let old_bytes = fs::read(old).map_err(Error::file("read the old file", old))?;
    if let Some(expected) = expected.base {
        let actual = sha256(&old_bytes);
        if actual != expected {
            return Err(Error::BaseMismatch { expected, actual });
        }
    }
    let patch_bytes = fs::read(patch).map_err(Error::file("read the patch", patch))?;

    let mut staged = StagedFile::beside(new).map_err(Error::file("create a file beside", new))?;
    let applied =
        apply(&old_bytes, &patch_bytes, limits, &mut staged).map_err(|error| match error {
            Error::Output(source) => Error::file("write", new)(source),
            other => other,
        })?;
    if let Some(expected) = expected.result
        && applied.sha256 != expected
    {
        return Err(Error::ResultMismatch {
            expected,
            actual: applied.sha256,
        });
    }
    staged.publish().map_err(Error::file("put in place", new))?;
    Ok(applied)
}
