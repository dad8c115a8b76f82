//! A constant pool as an edit of another: runs of copies, and literals between them.
//!
//! A copied constant's references follow the constants that they name, so only its place is sent.
//! Literals' texts go into the payload, where the compressor sees the old contents; everything
//! else has streams of its own.

mod keys;

use super::super::damaged;
use super::super::streams::{Stream, StreamReader, StreamWriter};
use super::{
    ClassFile, DYNAMIC, INVOKE_DYNAMIC, METHOD_HANDLE, UTF8, is_wide, put_u16, reference_places,
    u16_at,
};
use crate::Error;

/// How a pool came from the old one.
#[derive(Debug)]
pub(crate) struct PoolEdit {
    /// For each number of the old pool the new one, or 0.
    pub(crate) numbers: Vec<u16>,
}

/// Writes `new`'s pool as an edit of `old`'s; gives the texts of new constants, one after another.
pub(crate) fn encode_pool(
    old: &ClassFile<'_>,
    new: &ClassFile<'_>,
    streams: &mut StreamWriter,
) -> (PoolEdit, Vec<u8>) {
    let mut texts = Vec::new();
    let sources = keys::sources(old, new);
    put_runs(new, &sources, streams);
    let mut shift = 0;
    for (number, constant) in new.constants.iter().enumerate() {
        let bytes = &new.bytes[constant.start..constant.end];
        let dynamic = || i64::from(u16_at(bytes, 1).unwrap_or(0));
        if sources[number] != 0 {
            if matches!(constant.tag, DYNAMIC | INVOKE_DYNAMIC) {
                let source = &old.constants[usize::from(sources[number])];
                let before = i64::from(u16_at(old.bytes, source.start + 1).unwrap_or(0));
                let difference = dynamic() - before;
                streams.signed(Stream::PoolDynamic, difference - shift);
                shift = difference;
            }
            continue;
        }
        if constant.tag == 0 {
            continue;
        }
        streams.byte(Stream::PoolTags, constant.tag);
        match constant.tag {
            UTF8 => {
                streams.number(Stream::PoolTextLengths, bytes.len() as u64 - 3);
                texts.extend_from_slice(&bytes[3..]);
            }
            METHOD_HANDLE => streams.byte(Stream::PoolNumbers, bytes[1]),
            DYNAMIC | INVOKE_DYNAMIC => streams.signed(Stream::PoolDynamic, dynamic()),
            tag if reference_places(tag).is_empty() => {
                streams.bytes(Stream::PoolNumbers, &bytes[1..])
            }
            _ => {}
        }
        for &place in reference_places(constant.tag) {
            let reference = i64::from(u16_at(bytes, place).unwrap_or(0));
            streams.signed(Stream::PoolReferences, reference - number as i64);
        }
    }
    let numbers = numbers(&sources, old.constants.len());
    (PoolEdit { numbers }, texts)
}

/// The texts of the old constants that are not copied, one after another: new texts are often
/// changed ones.
pub(crate) fn gone_texts(old: &ClassFile<'_>, edit: &PoolEdit) -> Vec<u8> {
    let mut texts = Vec::new();
    for (constant, &number) in old.constants.iter().zip(&edit.numbers) {
        if constant.tag == UTF8 && number == 0 {
            texts.extend_from_slice(&old.bytes[constant.start + 3..constant.end]);
        }
    }
    texts
}

/// The count, then pairs of runs: so many literals, so many copies, from where.
fn put_runs(new: &ClassFile<'_>, sources: &[u16], streams: &mut StreamWriter) {
    let count = sources.len();
    streams.number(Stream::PoolRuns, count as u64);
    let (mut number, mut expected) = (1, 1);
    while number < count {
        let literals = number;
        while number < count && sources[number] == 0 {
            number += 1;
        }
        streams.number(Stream::PoolRuns, (number - literals) as u64);
        let copies = number;
        let first = sources.get(number).map_or(0, |&source| usize::from(source));
        let mut source = first;
        while number < count && source != 0 && usize::from(sources[number]) == source {
            let slots = 1 + usize::from(is_wide(new.constants[number].tag));
            number += slots;
            source += slots;
        }
        streams.number(Stream::PoolRuns, (number - copies) as u64);
        if number > copies {
            streams.signed(Stream::PoolRuns, first as i64 - expected);
            expected = source as i64;
        }
    }
}

/// Turns "new number to old" into "old number to new": the lowest new one counts.
fn numbers(sources: &[u16], old_count: usize) -> Vec<u16> {
    let mut numbers = vec![0; old_count];
    for (number, &source) in sources.iter().enumerate().rev() {
        if source != 0 {
            numbers[usize::from(source)] = number as u16;
        }
    }
    numbers
}

/// Gives the texts of new constants, given those that are gone and how long the new ones are.
type Texts<'a> = dyn FnMut(&mut StreamReader, &[u8], usize) -> Result<Vec<u8>, Error> + 'a;

/// What one slot of the new pool is made of.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// Number 0, or the second slot of a wide constant.
    Unused,
    Literal(u8),
    Copy(u16),
}

/// Undoes [`encode_pool`]: the pool with its count, at most `max_bytes` long, and the numbers.
pub(crate) fn decode_pool(
    old: &ClassFile<'_>,
    streams: &mut StreamReader,
    texts: &mut Texts<'_>,
    max_bytes: usize,
) -> Result<(Vec<u8>, PoolEdit), Error> {
    let slots = take_runs(old, streams)?;
    let sources: Vec<u16> = slots
        .iter()
        .map(|slot| match slot {
            Slot::Copy(source) => *source,
            Slot::Unused | Slot::Literal(_) => 0,
        })
        .collect();
    let numbers = numbers(&sources, old.constants.len());
    let edit = PoolEdit { numbers };
    let mut lengths = Vec::new();
    for slot in &slots {
        if matches!(slot, Slot::Literal(UTF8)) {
            let length = streams.length(Stream::PoolTextLengths)?;
            lengths.push(u16::try_from(length).map_err(|_| damaged("a text is too long"))?);
        }
    }
    let total = lengths.iter().map(|&length| usize::from(length)).sum();
    if total > max_bytes {
        return Err(too_large());
    }
    let texts = texts(streams, &gone_texts(old, &edit), total)?;
    if texts.len() != total {
        return Err(damaged("texts have another length than is stated"));
    }
    let mut text = (&texts[..], lengths.iter());
    let mut pool = (slots.len() as u16).to_be_bytes().to_vec();
    let mut shift = 0;
    for (number, slot) in slots.iter().enumerate() {
        match *slot {
            Slot::Unused => {}
            Slot::Copy(source) => {
                copy_constant(old, source, &edit.numbers, streams, &mut shift, &mut pool)?
            }
            Slot::Literal(tag) => take_literal(tag, number, streams, &mut text, &mut pool)?,
        }
        if pool.len() > max_bytes {
            return Err(too_large());
        }
    }
    Ok((pool, edit))
}

fn too_large() -> Error {
    damaged("a constant pool is larger than the patch states")
}

fn take_runs(old: &ClassFile<'_>, streams: &mut StreamReader) -> Result<Vec<Slot>, Error> {
    let count = streams.length(Stream::PoolRuns)?;
    if count > usize::from(u16::MAX) {
        return Err(damaged("a constant pool has too many constants"));
    }
    let too_long = || damaged("a run of constants is too long");
    let mut slots = Vec::with_capacity(count + 1);
    slots.push(Slot::Unused);
    let mut expected = 1;
    while slots.len() < count {
        let literals = streams.length(Stream::PoolRuns)?;
        let end = slots
            .len()
            .checked_add(literals)
            .filter(|&end| end <= count)
            .ok_or_else(too_long)?;
        while slots.len() < end {
            let tag = streams.byte(Stream::PoolTags)?;
            slots.push(Slot::Literal(tag));
            if is_wide(tag) {
                slots.push(Slot::Unused);
            }
        }
        let copies = streams.length(Stream::PoolRuns)?;
        let end = slots
            .len()
            .checked_add(copies)
            .filter(|&end| end <= count)
            .ok_or_else(too_long)?;
        if copies > 0 {
            let first = streams
                .signed(Stream::PoolRuns)?
                .checked_add(expected)
                .ok_or_else(too_long)?;
            let mut source = usize::try_from(first).map_err(|_| too_long())?;
            while slots.len() < end {
                let constant = old
                    .constants
                    .get(source)
                    .filter(|constant| constant.tag != 0);
                let constant =
                    constant.ok_or_else(|| damaged("a copied constant does not exist"))?;
                slots.push(Slot::Copy(source as u16));
                source += 1;
                if is_wide(constant.tag) {
                    slots.push(Slot::Unused);
                    source += 1;
                }
            }
            expected = source as i64;
        } else if literals == 0 {
            return Err(damaged("an empty run of constants"));
        }
    }
    // A wide constant may have pushed one slot too many.
    match slots.len() == count.max(1) {
        true => Ok(slots),
        false => Err(too_long()),
    }
}

fn copy_constant(
    old: &ClassFile<'_>,
    source: u16,
    numbers: &[u16],
    streams: &mut StreamReader,
    shift: &mut i64,
    pool: &mut Vec<u8>,
) -> Result<(), Error> {
    let constant = &old.constants[usize::from(source)];
    let bytes = &old.bytes[constant.start..constant.end];
    let start = pool.len();
    pool.extend_from_slice(bytes);
    for &place in reference_places(constant.tag) {
        let reference = u16_at(bytes, place).unwrap_or(0);
        let number = numbers.get(usize::from(reference)).copied().unwrap_or(0);
        put_u16(pool, start + place, number);
    }
    if matches!(constant.tag, DYNAMIC | INVOKE_DYNAMIC) {
        *shift = shift.wrapping_add(streams.signed(Stream::PoolDynamic)?);
        let before = i64::from(u16_at(bytes, 1).unwrap_or(0));
        put_u16(pool, start + 1, before.wrapping_add(*shift) as u16);
    }
    Ok(())
}

fn take_literal(
    tag: u8,
    number: usize,
    streams: &mut StreamReader,
    texts: &mut (&[u8], std::slice::Iter<'_, u16>),
    pool: &mut Vec<u8>,
) -> Result<(), Error> {
    pool.push(tag);
    match tag {
        UTF8 => {
            // As many lengths were taken as there are texts.
            let length = texts.1.next().copied().unwrap_or(0);
            let (text, rest) = texts.0.split_at(usize::from(length).min(texts.0.len()));
            texts.0 = rest;
            pool.extend_from_slice(&length.to_be_bytes());
            pool.extend_from_slice(text);
        }
        3 | 4 => pool.extend_from_slice(streams.bytes(Stream::PoolNumbers, 4)?),
        5 | 6 => pool.extend_from_slice(streams.bytes(Stream::PoolNumbers, 8)?),
        METHOD_HANDLE => pool.push(streams.byte(Stream::PoolNumbers)?),
        DYNAMIC | INVOKE_DYNAMIC => {
            let index = streams.signed(Stream::PoolDynamic)?;
            pool.extend_from_slice(&(index as u16).to_be_bytes());
        }
        tag if reference_places(tag).is_empty() => {
            return Err(damaged("an unknown kind of constant"));
        }
        _ => {}
    }
    for _ in reference_places(tag) {
        let reference = streams
            .signed(Stream::PoolReferences)?
            .wrapping_add(number as i64);
        pool.extend_from_slice(&(reference as u16).to_be_bytes());
    }
    Ok(())
}
