//! Applying a delta to see what comes out: within bounds that follow from the sizes of both files, and keeping nothing.

use std::io::{self, Read};

use delta::ApplyLimits;
use protocol::Code;

use crate::blobs::{Blobs, Staged};
use crate::error::ApiError;
use crate::store::BlobRef;

/// A patch is never this much larger than the file that it makes: both formats pack what they cannot refer to.
const PATCH_OVERHEAD_BYTES: u64 = 1 << 20;

/// The bytes that a delta starts from.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_source(blobs: &Blobs, source: Option<BlobRef>) -> Result<Vec<u8>, ApiError> {
    source.map_or_else(|| Ok(Vec::new()), |blob| read_blob(blobs, &blob))
}

/// All bytes of a release or delta.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_blob(blobs: &Blobs, blob: &BlobRef) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut file = blobs.open_blob(blob)?;
    file.read_to_end(&mut bytes)
        .map_err(|error| ApiError::server_error(&error))?;
    Ok(bytes)
}

/// Applies a patch within limits, and compares what comes out with the target. Nothing of it is kept.
///
/// # Errors
/// It is damaged, made for another file, makes another file, or costs too much.
pub(crate) fn check_rebuilds(
    old: &[u8],
    patch: &[u8],
    target: &BlobRef,
    limits: &ApplyLimits,
) -> Result<(), delta::Error> {
    let applied = delta::apply(old, patch, limits, &mut io::sink())?;
    let expected = *target.checksum.as_bytes();
    if applied.sha256 != expected {
        let actual = applied.sha256;
        return Err(delta::Error::ResultMismatch { expected, actual });
    }
    Ok(())
}

/// The bytes of an uploaded delta, unless there are more of them than it can need.
///
/// # Errors
/// `INVALID_ARTIFACT`, or the file cannot be read.
pub(super) fn read_patch(staged: &Staged, target: &BlobRef) -> Result<Vec<u8>, ApiError> {
    let (size, full) = (staged.size_bytes(), target.size_bytes);
    if size > full.saturating_add(PATCH_OVERHEAD_BYTES) {
        let message =
            format!("this delta has {size} bytes, the file that it is to make only {full}");
        return Err(ApiError::new(Code::InvalidArtifact, message));
    }
    std::fs::read(staged.path()).map_err(|error| ApiError::server_error(&error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use delta::Format;
    use protocol::Checksum;

    use super::*;

    #[test]
    fn what_a_check_may_cost_is_bounded_in_memory_in_output_and_in_time() {
        let (old, new) = fixtures::jars::jar_pair(1, 100_000);
        let target = BlobRef {
            checksum: Checksum::from_bytes(delta::checksum::sha256(&new)),
            size_bytes: new.len() as u64,
        };
        let limits = ApplyLimits::for_sizes(old.len() as u64, new.len() as u64);
        assert!(limits.max_duration.is_some(), "a check would have no end");
        for format in Format::ALL {
            let patch = delta::create(*format, &old, &new, delta::Options::default()).unwrap();
            let check = |limits: ApplyLimits| check_rebuilds(&old, &patch, &target, &limits);
            check(limits).unwrap();
            let no_memory = check(ApplyLimits {
                max_memory_bytes: 1000,
                ..limits
            });
            assert!(matches!(
                no_memory,
                Err(delta::Error::MemoryTooLarge { .. })
            ));
            let no_output = check(ApplyLimits {
                max_output_bytes: 1000,
                ..limits
            });
            assert!(matches!(
                no_output,
                Err(delta::Error::OutputTooLarge { .. })
            ));
            let no_time = check(ApplyLimits {
                max_duration: Some(Duration::ZERO),
                ..limits
            });
            assert!(matches!(no_time, Err(delta::Error::TooSlow { .. })));
            let other = BlobRef {
                checksum: Checksum::from_bytes([0; 32]),
                ..target
            };
            let mismatch = check_rebuilds(&old, &patch, &other, &limits);
            assert!(matches!(mismatch, Err(delta::Error::ResultMismatch { .. })));
        }
    }
}
