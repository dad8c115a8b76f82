//! The checks themselves.

use rawzip::{ReaderAt, ZipArchive};

use super::{JarError, JarLimits, JarSummary, Manifest};

pub(super) fn check<R: ReaderAt>(
    archive: &ZipArchive<R>,
    _file_bytes: u64,
    buffer: &mut [u8],
    _limits: &JarLimits,
) -> Result<JarSummary, JarError> {
    let mut entries = archive.entries(buffer);
    let mut count = 0;
    while entries.next_entry().map_err(JarError::not_a_zip)?.is_some() {
        count += 1;
    }
    Ok(JarSummary {
        entries: count,
        unpacked_bytes: 0,
        manifest: Manifest::default(),
        pom_properties: Vec::new(),
        signature_files: Vec::new(),
        prefix_bytes: 0,
        class_file_release: None,
        warnings: Vec::new(),
    })
}
