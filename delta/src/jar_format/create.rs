//! Makes patches. Each is applied here before it is handed out.

use super::apply::{COPIES_OF_LARGEST, measure};
use super::columns::write_plan;
use super::contents::{self, Compared};
use super::header::{MAX_FILE_BYTES, PatchHeader, max_plain_bytes};
use super::image::Image;
use super::memory_bytes;
use super::payload;
use super::plan::make::{Base, Job, Planner};
use super::sections;
use super::streams::{Stream, StreamWriter};
use super::tree::Tree;
use crate::Error;
use crate::checksum::sha256;
use crate::deadline::Deadline;
use crate::parallel;

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
    let Draft {
        mut header,
        streams,
        image,
    } = draft(old, new, level)?;
    if header.plain_bytes > max_plain_bytes(header.result_bytes) {
        return Err(NotModelled::TooLarge);
    }
    // Known before anything is compressed, which takes most of the time.
    let max_memory_bytes = memory_bytes(old.len() as u64, new.len() as u64);
    if header.largest_bytes.saturating_mul(COPIES_OF_LARGEST) > max_memory_bytes {
        return Err(NotModelled::TooLarge);
    }
    let mut body = Vec::new();
    sections::put(&streams, level, &mut body, |raw| {
        payload::pack(raw, image.bytes(), level)
    })?;
    drop((image, streams));
    let measured = measure(old, &header, &body).map_err(|_| NotModelled::NotExact)?;
    if measured.sha256 != header.result {
        return Err(NotModelled::NotExact);
    }
    header.memory_bytes = measured.memory_bytes;
    if header.memory_bytes > max_memory_bytes {
        return Err(NotModelled::TooLarge);
    }
    let mut patch = Vec::with_capacity(body.len() + 128);
    header.put(&mut patch);
    patch.extend_from_slice(&body);
    Ok(patch)
}

/// A patch before it is packed; its memory is not known yet.
struct Draft {
    header: PatchHeader,
    streams: StreamWriter,
    image: Image,
}

fn draft(old: &[u8], new: &[u8], level: i32) -> Result<Draft, NotModelled> {
    if old.len().max(new.len()) as u64 > MAX_FILE_BYTES {
        return Err(NotModelled::TooLarge);
    }
    let mut old_tree = Tree::open(old);
    let mut new_tree = Tree::open(new).ok_or(NotModelled::Structure)?;
    let old_node = old_tree.as_ref().map(|_| 0);
    let mut planner = Planner::new(max_plain_bytes(new.len() as u64));
    let plan = planner.plan(&mut new_tree, 0, &mut old_tree, old_node);

    let mut streams = StreamWriter::default();
    write_plan(&plan, old_tree.as_ref(), old_node, &mut streams);
    let compared_bytes = put_contents(old_tree.as_ref(), &planner.jobs, level, &mut streams);
    let max_image_bytes = match streams.get(Stream::Payload).is_empty() {
        true => 0,
        false => max_image_bytes(old.len(), new.len()),
    };
    let image = Image::build(
        &plan,
        old_tree.as_ref(),
        old_node,
        max_image_bytes,
        &Deadline::none(),
    )?;
    let header = PatchHeader {
        base: sha256(old),
        result: sha256(new),
        base_bytes: old.len() as u64,
        result_bytes: new.len() as u64,
        plain_bytes: planner.plain_bytes,
        largest_bytes: planner.largest_bytes.max(compared_bytes),
        image_bytes: image.bytes().len() as u64,
        memory_bytes: u64::MAX,
    };
    Ok(Draft {
        header,
        streams,
        image,
    })
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
        let compared = match (&job.base, old) {
            (&Base::Entry(node, entry), Some(old)) => old
                .plain_within(node, entry, contents::MAX_COMPARED_BYTES)
                .map_or(Compared::Nothing, Compared::InImage),
            (Base::Bytes(bytes), _) => Compared::Apart(bytes),
            (Base::Entry(..), None) | (Base::Nothing, _) => Compared::Nothing,
        };
        contents::encode(&compared, &job.content, level)
    });
    let mut largest_bytes = 0;
    for (encoded, job) in encoded.iter().zip(jobs) {
        if let (true, Some(old), &Base::Entry(node, entry)) = (encoded.compared, old, &job.base) {
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

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::ApplyLimits;
    use crate::jar_format::apply;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Damage behind the compression: well-formed frames of wrong values.
        #[test]
        fn wrong_values_in_any_stream_are_damage_and_no_panic(
            changes in vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..4),
            largest in prop::option::of(0..100_000_u64),
        ) {
            let (old, new) = fixtures::golden::pair();
            let Draft { mut header, mut streams, image } = draft(&old, &new, 1).unwrap();
            let used: Vec<Stream> = Stream::ALL
                .into_iter()
                .filter(|&stream| !streams.get(stream).is_empty())
                .collect();
            for (which, place, value) in changes {
                let stream = used[which.index(used.len())];
                let mut bytes = streams.take(stream);
                let place = place.index(bytes.len());
                bytes[place] = value;
                streams.bytes(stream, &bytes);
            }
            let mut body = Vec::new();
            sections::put(&streams, 1, &mut body, |raw| payload::pack(raw, image.bytes(), 1)).unwrap();
            header.memory_bytes = 64 << 20;
            header.largest_bytes = largest.unwrap_or(header.largest_bytes);
            let mut patch = Vec::new();
            header.put(&mut patch);
            patch.extend_from_slice(&body);
            let limits = ApplyLimits { max_output_bytes: 1 << 20, max_memory_bytes: 64 << 20, max_duration: None };
            let mut out = Vec::new();
            let applied = crate::apply(&old, &patch, &limits, &mut out);
            prop_assert!(out.len() as u64 <= header.result_bytes);
            prop_assert!(applied.is_err() || out == new);
            let _ = apply(&old, &patch, &limits, &Deadline::none(), &mut io::sink());
        }
    }
}
