//! What stands in a patch's header, for people who want to look at it.

use super::header::PatchHeader;
use crate::Error;
use crate::inspect::Stated;

/// Reads the header and nothing else.
pub(crate) fn stated(patch: &[u8]) -> Result<Stated, Error> {
    let mut rest = patch;
    let header = PatchHeader::take(&mut rest)?;
    Ok(Stated {
        base: header.base,
        result: header.result,
        base_bytes: header.base_bytes,
        result_bytes: header.result_bytes,
        plain_bytes: header.plain_bytes,
        image_bytes: header.image_bytes,
        memory_bytes: header.memory_bytes,
    })
}
