//! Writes the archive, every field of it fixed.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;

use zip::write::{FullFileOptions, ZipWriter};
use zip::{CompressionMethod, System};

use super::time::entry_time;
use super::tree::{Item, MANIFEST, META_INF};
use super::{PackageError, PackageOptions};

/// The extra field on the first entry by which `file` knows a JAR from a ZIP.
const JAR_MAGIC: u16 = 0xCAFE;

/// From here on the sizes need Zip64 fields, which are otherwise left out.
const LARGE_FILE_BYTES: u64 = u32::MAX as u64;

pub(super) fn jar(
    items: &[Item],
    manifest: &[u8],
    options: &PackageOptions,
    target: impl Write + Seek,
    out: &Path,
) -> Result<(), PackageError> {
    let failed = || PackageError::file("write", out);
    let mut zip = ZipWriter::new(target);

    let mut first = entry_options(options, CompressionMethod::Stored);
    first
        .add_extra_field(JAR_MAGIC, [], false)
        .map_err(PackageError::file("write", out))?;
    zip.start_file(META_INF, first).map_err(failed())?;
    zip.start_file(MANIFEST, entry_options(options, deflated(options)))
        .map_err(failed())?;
    zip.write_all(manifest)
        .map_err(PackageError::file("write", out))?;

    for item in items {
        if item.is_folder() {
            let entry = entry_options(options, CompressionMethod::Stored);
            zip.start_file(&item.name, entry).map_err(failed())?;
        } else {
            add_file(&mut zip, item, options, out)?;
        }
    }
    zip.finish().map_err(failed())?;
    Ok(())
}

fn add_file<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    item: &Item,
    options: &PackageOptions,
    out: &Path,
) -> Result<(), PackageError> {
    let unreadable = || PackageError::file("read", &item.path);
    let mut file = File::open(&item.path).map_err(unreadable())?;
    let size_bytes = file.metadata().map_err(unreadable())?.len();
    // Class loaders read a JAR within a JAR in place, which works only where it is stored.
    let stored = size_bytes == 0 || item.name.ends_with(".jar");
    let method = match stored {
        true => CompressionMethod::Stored,
        false => deflated(options),
    };
    let entry = entry_options(options, method).large_file(size_bytes >= LARGE_FILE_BYTES);
    zip.start_file(&item.name, entry)
        .map_err(PackageError::file("write", out))?;
    io::copy(&mut file, zip).map_err(PackageError::file("pack", &item.path))?;
    Ok(())
}

fn deflated(options: &PackageOptions) -> CompressionMethod {
    match options.level {
        0 => CompressionMethod::Stored,
        _ => CompressionMethod::Deflated,
    }
}

/// What all entries share. Unix modes would differ between machines, and `jarsigner` warns of them.
fn entry_options(
    options: &PackageOptions,
    method: CompressionMethod,
) -> FullFileOptions<'static, 'static> {
    let level = (method == CompressionMethod::Deflated).then(|| i64::from(options.level.min(9)));
    FullFileOptions::default()
        .compression_method(method)
        .compression_level(level)
        .last_modified_time(entry_time(options.epoch_seconds))
        .system(System::Dos)
        .external_attributes(0)
}
