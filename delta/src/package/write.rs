//! Writes the archive, every field of it fixed.
//!
//! Contents are deflated in pieces, on several threads. A piece is an archive of its own, and the
//! pieces are joined in order, so the number of threads makes no difference to the bytes.

use std::io::{self, Cursor, Seek, Write};
use std::path::Path;

use zip::write::{FullFileOptions, ZipWriter};
use zip::{CompressionMethod, System, ZipArchive};

use super::time::entry_time;
use super::tree::{Content, Item, MANIFEST, META_INF, Reader, Tree};
use super::{PackageError, PackageOptions};
use crate::parallel;

/// The extra field on the first entry by which `file` knows a JAR from a ZIP.
const JAR_MAGIC: u16 = 0xCAFE;

/// From here on the sizes need Zip64 fields, which are otherwise left out.
const LARGE_FILE_BYTES: u64 = u32::MAX as u64;

/// From here on an item is written as it is read, and never held in memory.
const STREAMED_BYTES: u64 = 16 << 20;

/// What is in memory at a time, before it is deflated.
const ROUND_BYTES: u64 = 64 << 20;

/// What a thread takes at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// What an item costs besides its content.
const ITEM_BYTES: u64 = 512;

/// More have too little to do.
const MAX_THREADS: usize = 16;

pub(super) fn jar(
    tree: &Tree,
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

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let readers = (0..threads.min(MAX_THREADS)).map(|_| tree.reader());
    let mut readers = readers.collect::<Result<Vec<Reader>, PackageError>>()?;
    let mut rest = tree.items();
    while let [item, others @ ..] = rest {
        if item.size_bytes >= STREAMED_BYTES {
            add(&mut zip, item, &mut readers[0], options, out)?;
            rest = others;
            continue;
        }
        let (round, after) = rest.split_at(count_within(rest, ROUND_BYTES));
        let pieces = pieces(round);
        let threads = pieces.len().min(readers.len());
        let packed = parallel::map(&mut readers[..threads], &pieces, |reader, piece| {
            pack_piece(piece, reader, options, out)
        });
        for packed in packed {
            let archive = ZipArchive::new(Cursor::new(packed?)).map_err(failed())?;
            zip.merge_archive(archive).map_err(failed())?;
        }
        rest = after;
    }
    zip.finish().map_err(failed())?;
    Ok(())
}

/// How many of the first items fit into so many bytes: one at least, and none that is streamed.
fn count_within(items: &[Item], bytes: u64) -> usize {
    let mut sum_bytes = 0;
    let fits = items.iter().take_while(|item| {
        sum_bytes += item.size_bytes + ITEM_BYTES;
        sum_bytes <= bytes && item.size_bytes < STREAMED_BYTES
    });
    fits.count().max(1)
}

fn pieces(mut items: &[Item]) -> Vec<&[Item]> {
    let mut pieces = Vec::new();
    while !items.is_empty() {
        let (piece, after) = items.split_at(count_within(items, PIECE_BYTES));
        pieces.push(piece);
        items = after;
    }
    pieces
}

fn pack_piece(
    items: &[Item],
    reader: &mut Reader,
    options: &PackageOptions,
    out: &Path,
) -> Result<Vec<u8>, PackageError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for item in items {
        add(&mut zip, item, reader, options, out)?;
    }
    let packed = zip.finish().map_err(PackageError::file("write", out))?;
    Ok(packed.into_inner())
}

fn add<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    item: &Item,
    reader: &mut Reader,
    options: &PackageOptions,
    out: &Path,
) -> Result<(), PackageError> {
    let (mut content, size_bytes) = reader.open(&item.content)?;
    // Class loaders read a JAR within a JAR in place, which works only where it is stored.
    let stored = size_bytes == 0 || item.name.ends_with(".jar");
    let method = match stored {
        true => CompressionMethod::Stored,
        false => deflated(options),
    };
    let entry = entry_options(options, method).large_file(size_bytes >= LARGE_FILE_BYTES);
    zip.start_file(&item.name, entry)
        .map_err(PackageError::file("write", out))?;
    let path = match &item.content {
        Content::File(path) => path.as_path(),
        Content::Folder | Content::Entry(_) => Path::new(&item.name),
    };
    io::copy(&mut content, zip).map_err(PackageError::file("pack", path))?;
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
