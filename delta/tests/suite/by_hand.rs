//! Writes patches of the format `jar` that no creator makes. `docs/delta-format.md` has the layout.

use delta::checksum::sha256;

/// What a patch states of its sizes.
pub(crate) struct Sizes {
    pub(crate) result: u64,
    pub(crate) plain: u64,
    pub(crate) largest: u64,
    pub(crate) image: u64,
    pub(crate) memory: u64,
}

/// Streams of this length or more have a section of their own, as the payload always has.
const ALONE_BYTES: usize = 512;
pub(crate) const PAYLOAD: u32 = 39;

/// A patch whose streams, given by number and in order, are not compressed. Its result's checksum is wrong.
pub(crate) fn patch(old: &[u8], sizes: &Sizes, streams: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut patch = b"RJD1".to_vec();
    patch.extend_from_slice(&sha256(old));
    patch.extend_from_slice(&[0; 32]);
    for size in [
        old.len() as u64,
        sizes.result,
        sizes.plain,
        sizes.largest,
        sizes.image,
        sizes.memory,
    ] {
        patch.extend(number(size));
    }
    let present = streams.iter().map(|(stream, _)| 1 << stream).sum();
    patch.extend(number(present));
    // No streams of new classes.
    patch.extend(number(0));
    let (mut sections, mut joined) = (Vec::new(), Vec::new());
    for (stream, bytes) in streams {
        patch.extend(number(bytes.len() as u64));
        match *stream == PAYLOAD || bytes.len() >= ALONE_BYTES {
            true => sections.push(bytes.clone()),
            false => joined.extend_from_slice(bytes),
        }
    }
    if !joined.is_empty() {
        sections.push(joined);
    }
    for section in &sections {
        patch.push(0);
        patch.extend(number(section.len() as u64));
    }
    patch.extend(sections.concat());
    patch
}

/// A number of the format: seven bits a byte, the lowest first.
pub(crate) fn number(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
