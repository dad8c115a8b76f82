//! The bytes that a plain writer makes of headers: the prediction.
//!
//! Sizes and offsets over 32 bits come out cut off. Such a header then differs from the file's and
//! is carried verbatim.

use super::{Descriptor, Header};

/// The local header. With a descriptor to follow, its CRC-32 and sizes are zero.
pub(crate) fn local_header(header: &Header) -> Vec<u8> {
    let later = header.versions.flags & 8 != 0;
    let known = |value: u32| if later { 0 } else { value };
    let mut out = Vec::with_capacity(30 + header.name.len() + header.local_extra.len());
    out.extend_from_slice(b"PK\x03\x04");
    put_u16(&mut out, header.versions.needed);
    put_u16(&mut out, header.versions.flags);
    put_u16(&mut out, header.versions.method);
    put_u32(&mut out, header.time);
    put_u32(&mut out, known(header.crc32));
    put_u32(&mut out, known(header.packed_bytes as u32));
    put_u32(&mut out, known(header.plain_bytes as u32));
    put_u16(&mut out, header.name.len() as u16);
    put_u16(&mut out, header.local_extra.len() as u16);
    out.extend_from_slice(&header.name);
    out.extend_from_slice(&header.local_extra);
    out
}

/// The record in the central directory, for a local header at `offset`.
pub(crate) fn central_header(header: &Header, offset: u32) -> Vec<u8> {
    let variable = header.name.len() + header.central_extra.len() + header.comment.len();
    let mut out = Vec::with_capacity(46 + variable);
    out.extend_from_slice(b"PK\x01\x02");
    put_u16(&mut out, header.versions.made_by);
    put_u16(&mut out, header.versions.needed);
    put_u16(&mut out, header.versions.flags);
    put_u16(&mut out, header.versions.method);
    put_u32(&mut out, header.time);
    put_u32(&mut out, header.crc32);
    put_u32(&mut out, header.packed_bytes as u32);
    put_u32(&mut out, header.plain_bytes as u32);
    put_u16(&mut out, header.name.len() as u16);
    put_u16(&mut out, header.central_extra.len() as u16);
    put_u16(&mut out, header.comment.len() as u16);
    put_u16(&mut out, header.attributes.disk);
    put_u16(&mut out, header.attributes.internal);
    put_u32(&mut out, header.attributes.external);
    put_u32(&mut out, offset);
    out.extend_from_slice(&header.name);
    out.extend_from_slice(&header.central_extra);
    out.extend_from_slice(&header.comment);
    out
}

/// The data descriptor of the kind that `descriptor` names.
pub(crate) fn descriptor(descriptor: Descriptor, header: &Header) -> Vec<u8> {
    let (signed, wide) = match descriptor {
        Descriptor::None => return Vec::new(),
        Descriptor::Signed => (true, false),
        Descriptor::Unsigned => (false, false),
        Descriptor::SignedZip64 => (true, true),
        Descriptor::UnsignedZip64 => (false, true),
    };
    let mut out = Vec::with_capacity(24);
    if signed {
        out.extend_from_slice(b"PK\x07\x08");
    }
    put_u32(&mut out, header.crc32);
    for size in [header.packed_bytes, header.plain_bytes] {
        match wide {
            true => out.extend_from_slice(&size.to_le_bytes()),
            false => put_u32(&mut out, size as u32),
        }
    }
    out
}

/// The end of the file: one record without a comment, with zip64 records before it where a number
/// needs them. `start` is where the directory begins, `shift` what offsets leave out.
pub(crate) fn end_record(
    entries: usize,
    directory_bytes: usize,
    start: usize,
    shift: usize,
) -> Vec<u8> {
    let offset = (start - shift.min(start)) as u64;
    let (count, size) = (entries as u64, directory_bytes as u64);
    let mut out = Vec::with_capacity(98);
    if count > 0xFFFF || size >= 0xFFFF_FFFF || offset >= 0xFFFF_FFFF {
        out.extend_from_slice(b"PK\x06\x06");
        out.extend_from_slice(&44_u64.to_le_bytes());
        put_u16(&mut out, 45);
        put_u16(&mut out, 45);
        put_u32(&mut out, 0);
        put_u32(&mut out, 0);
        for value in [count, count, size, offset] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x06\x07");
        put_u32(&mut out, 0);
        out.extend_from_slice(&(offset + size).to_le_bytes());
        put_u32(&mut out, 1);
    }
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    put_u16(&mut out, count.min(0xFFFF) as u16);
    put_u16(&mut out, count.min(0xFFFF) as u16);
    put_u32(&mut out, size.min(0xFFFF_FFFF) as u32);
    put_u32(&mut out, offset.min(0xFFFF_FFFF) as u32);
    put_u16(&mut out, 0);
    out
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}
