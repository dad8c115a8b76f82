//! Class files, so far as their differences need it.
//!
//! A small change shifts the numbers of constants everywhere in a class. So the constant pool is
//! sent as an edit of the old one ([`pool`]), and the rest of the old class is brought into the
//! new numbering before the two are compared byte by byte. The rest is the first eight bytes and
//! all that follows the pool; in it, tables of places in code are differences from row to row ([`tables`]).
//!
//! What the walk does not understand stays as it is: an odd class costs bytes, never correctness.

mod code;
pub(super) mod fresh;
mod pool;
mod tables;
mod walk;

use crate::Error;

use super::damaged;

pub(super) use pool::{decode_pool, encode_pool, gone_texts};
use tables::Table;
use walk::{Place, walk};

/// The bytes before the constant pool: magic and version.
const HEAD_BYTES: usize = 8;

/// A class file whose constant pool was found.
#[derive(Debug)]
pub(super) struct ClassFile<'a> {
    bytes: &'a [u8],
    /// By number; number 0 and the second slots of wide constants have tag 0.
    constants: Vec<Constant>,
    pool_end: usize,
}

#[derive(Debug, Clone, Copy)]
struct Constant {
    tag: u8,
    start: usize,
    end: usize,
}

const UTF8: u8 = 1;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
const LONG: u8 = 5;
const DOUBLE: u8 = 6;
const METHOD_HANDLE: u8 = 15;
const DYNAMIC: u8 = 17;
const INVOKE_DYNAMIC: u8 = 18;

/// Where a constant with this tag has references to others, counted from the tag.
fn reference_places(tag: u8) -> &'static [usize] {
    match tag {
        // Class, string, method type, module, package.
        7 | 8 | 16 | 19 | 20 => &[1],
        // Field, method, interface method, name and type.
        9..=12 => &[1, 3],
        METHOD_HANDLE => &[2],
        DYNAMIC | INVOKE_DYNAMIC => &[3],
        _ => &[],
    }
}

fn is_wide(tag: u8) -> bool {
    tag == LONG || tag == DOUBLE
}

impl<'a> ClassFile<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<ClassFile<'a>> {
        if !bytes.starts_with(&[0xCA, 0xFE, 0xBA, 0xBE]) {
            return None;
        }
        let count = usize::from(u16_at(bytes, HEAD_BYTES)?);
        let mut position = HEAD_BYTES + 2;
        let unused = Constant {
            tag: 0,
            start: position,
            end: position,
        };
        let mut constants = Vec::with_capacity(count.min(bytes.len()) + 1);
        constants.push(unused);
        while constants.len() < count {
            let tag = *bytes.get(position)?;
            let length = match tag {
                UTF8 => 3 + usize::from(u16_at(bytes, position + 1)?),
                INTEGER | FLOAT | 9..=12 | DYNAMIC | INVOKE_DYNAMIC => 5,
                LONG | DOUBLE => 9,
                7 | 8 | 16 | 19 | 20 => 3,
                METHOD_HANDLE => 4,
                _ => return None,
            };
            let end = position + length;
            bytes.get(position..end)?;
            constants.push(Constant {
                tag,
                start: position,
                end,
            });
            if is_wide(tag) {
                constants.push(unused);
            }
            position = end;
        }
        (constants.len() == count).then_some(ClassFile {
            bytes,
            constants,
            pool_end: position,
        })
    }

    /// The constant pool with its count.
    pub(super) fn pool(&self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..self.pool_end]
    }

    /// Everything but the pool, with tables as differences.
    pub(super) fn body(&self) -> Vec<u8> {
        self.body_with(|_, _| {})
    }

    /// The body with each constant's number replaced by the one that `numbers` has for it; 0 there
    /// means that it has none and stays.
    pub(super) fn renumbered_body(&self, numbers: &[u16]) -> Vec<u8> {
        let skipped = self.pool_end - HEAD_BYTES;
        self.body_with(|place, body| match place {
            Place::Wide(position) => {
                let old = u16_at(self.bytes, position).unwrap_or(0);
                if let Some(&new) = numbers.get(usize::from(old)).filter(|&&new| new != 0) {
                    put_u16(body, position - skipped, new);
                }
            }
            Place::Narrow(position) => {
                let old = self.bytes[position];
                if let Some(&new) = numbers.get(usize::from(old)).filter(|&&new| new != 0) {
                    body[position - skipped] = new as u8;
                }
            }
            Place::Table(_) => {}
        })
    }

    fn body_with(&self, mut change: impl FnMut(Place, &mut [u8])) -> Vec<u8> {
        let skipped = self.pool_end - HEAD_BYTES;
        let mut body = [&self.bytes[..HEAD_BYTES], &self.bytes[self.pool_end..]].concat();
        let mut tables = Vec::new();
        walk(self, &mut |place| match place {
            Place::Table(table) => tables.push(Table {
                position: table.position - skipped,
                ..table
            }),
            Place::Wide(_) | Place::Narrow(_) => change(place, &mut body),
        });
        tables::to_differences(&mut body, &tables);
        body
    }
}

/// Puts a class together from its pool and a body as [`ClassFile::body`] gives it.
pub(super) fn assemble(pool: &[u8], body: &[u8]) -> Result<Vec<u8>, Error> {
    let (head, rest) = body
        .split_at_checked(HEAD_BYTES)
        .ok_or_else(|| damaged("a class ends before its constants"))?;
    let mut bytes = [head, pool, rest].concat();
    let mut tables = Vec::new();
    let class =
        ClassFile::parse(&bytes).ok_or_else(|| damaged("a rebuilt class has no constants"))?;
    walk(&class, &mut |place| {
        if let Place::Table(table) = place {
            tables.push(table);
        }
    });
    tables::from_differences(&mut bytes, &tables);
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
