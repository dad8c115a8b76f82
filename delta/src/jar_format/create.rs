//! Makes patches. Each is applied here before it is handed out.

use super::apply::measure;
use super::columns::write_plan;
use super::contents;
use super::header::{MAX_FILE_BYTES, PatchHeader, max_plain_bytes};
use super::image::Image;
use super::payload;
use super::plan::make::{Job, Planner};
use super::sections;
use super::streams::{Stream, StreamWriter};
use super::tree::Tree;
use super::{memory_bytes, parallel};
use crate::Error;
use crate::checksum::sha256;

/// Why a patch in this format cannot be had; another format can.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotModelled {
    #[error("the new file is not a JAR whose structure is understood; use the format zstd")]
    Structure,
    #[error("the files unpack to more than the format allows; use the format zstd")]
    TooLarge,
    #[error("the patch did not rebuild the new file; use the format zstd")]
    NotExact,
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Makes the patch that turns `old`, which may be empty, into `new`.
pub(crate) fn create(old: &[u8], new: &[u8], level: i32) -> Result<Vec<u8>, NotModelled> {
    if old.len().max(new.len()) as u64 > MAX_FILE_BYTES {
        return Err(NotModelled::TooLarge);
    }
    let mut old_tree = Tree::open(old);
    let mut new_tree = Tree::open(new).ok_or(NotModelled::Structure)?;
    let old_node = old_tree.as_ref().map(|_| 0);
    let mut planner = Planner::default();
    let plan = planner.plan(&mut new_tree, 0, &mut old_tree, old_node);
    let plain_bytes = planner.plain_bytes;
    if plain_bytes > max_plain_bytes(new.len() as u64) {
        return Err(NotModelled::TooLarge);
    }

    let mut streams = StreamWriter::default();
    write_plan(&plan, old_tree.as_ref(), old_node, &mut streams);
    let compared_bytes = put_contents(old_tree.as_ref(), &planner.jobs, level, &mut streams);
    let largest_bytes = planner.largest_bytes.max(compared_bytes);
    drop(planner);
    let image = match streams.get(Stream::Payload).is_empty() {
        true => Image::default(),
        false => Image::build(
            &plan,
            old_tree.as_ref(),
            old_node,
            max_image_bytes(old.len(), new.len()),
        ),
    };

    let mut body = Vec::new();
    sections::put(&streams, level, &mut body, |raw| {
        payload::pack(raw, image.bytes(), level)
    })?;
    let mut header = PatchHeader {
        base: sha256(old),
        result: sha256(new),
        base_bytes: old.len() as u64,
        result_bytes: new.len() as u64,
        plain_bytes,
        largest_bytes,
        image_bytes: image.bytes().len() as u64,
        memory_bytes: u64::MAX,
    };
    drop((image, streams, plan, old_tree, new_tree));
    let measured = measure(old, &header, &body).map_err(|_| NotModelled::NotExact)?;
    if measured.sha256 != header.result {
        return Err(NotModelled::NotExact);
    }
    header.memory_bytes = measured.memory_bytes;
    if header.memory_bytes > memory_bytes(old.len() as u64, new.len() as u64) {
        return Err(NotModelled::TooLarge);
    }
    let mut patch = Vec::with_capacity(body.len() + 128);
    header.put(&mut patch);
    patch.extend_from_slice(&body);
    Ok(patch)
}

/// Writes all contents down, in the order of the jobs; gives the size of the largest old content
/// that an applier has to hold.
fn put_contents(
    old: Option<&Tree<'_>>,
    jobs: &[Job],
    level: i32,
    streams: &mut StreamWriter,
) -> u64 {
    let encoded = parallel::map(&mut [(), ()], jobs, |(), job| {
        let plain = old
            .zip(job.old)
            .map(|(old, (node, entry))| old.plain(node, entry));
        contents::encode(plain.as_deref(), &job.plain, level)
    });
    let mut largest_bytes = 0;
    for (encoded, job) in encoded.iter().zip(jobs) {
        if let (true, Some(old), Some((node, entry))) = (encoded.compared, old, job.old) {
            largest_bytes = largest_bytes.max(old.plain_bytes(node, entry) as u64);
        }
        streams.append(&encoded.streams);
    }
    contents::finish(streams);
    largest_bytes
}

/// Old contents over this are left out of the payload's reach, so that applying fits its memory.
fn max_image_bytes(old_bytes: usize, new_bytes: usize) -> usize {
    (32 << 20) + old_bytes / 2 + new_bytes / 2
}
