//! Whether a disk has room for what is about to be written, asked before a byte is fetched for it.

use std::path::Path;

use crate::Error;
use crate::error::blocking;

/// Left free for everybody else on that disk, and for the small files that an installation writes besides.
const RESERVE_BYTES: u64 = 1024 * 1024;

/// Refuses what does not fit into `folder`'s disk.
///
/// # Errors
/// [`Error::NoRoom`].
pub(crate) async fn ensure(folder: &Path, bytes: u64) -> Result<(), Error> {
    let folder = folder.to_owned();
    blocking(move || {
        // A file system that cannot tell, or tells nothing, is tried: writing to it will say what is wrong.
        let Ok(found) = fs4::statvfs(&folder) else {
            return Ok(());
        };
        if found.total_space() == 0 {
            return Ok(());
        }
        let (needed_bytes, available_bytes) = (bytes + RESERVE_BYTES, found.available_space());
        match bytes == 0 || needed_bytes <= available_bytes {
            true => Ok(()),
            false => Err(Error::NoRoom {
                folder,
                needed_bytes,
                available_bytes,
            }),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let error = ensure(folder.path(), u64::MAX / 2).await.unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&(u64::MAX / 2 + RESERVE_BYTES).to_string()),
            "{message}"
        );
        assert!(message.contains(&folder.path().display().to_string()));
        ensure(folder.path(), 1).await.unwrap();
    }
}
