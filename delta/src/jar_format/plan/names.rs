//! Finds the old entry that a new one came from.

use std::collections::{HashMap, HashSet};

use super::super::container::{Container, Header};

/// The entries of an old container by what they can be found by; of equals the first counts.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Name, CRC-32 and size: tells entries of the same name apart.
    by_all: HashMap<(&'a [u8], u32, u64), usize>,
    by_name: HashMap<&'a [u8], usize>,
    by_content: HashMap<(u32, u64), usize>,
    by_digitless_name: HashMap<Vec<u8>, usize>,
    /// Classes that are gone from the new container, by the name without folders.
    by_simple_name: HashMap<&'a [u8], usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(old: &'a Container, new: &Container) -> Names<'a> {
        let kept: HashSet<&[u8]> = new
            .entries
            .iter()
            .map(|entry| &entry.header.name[..])
            .collect();
        let mut names = Names::default();
        for (index, entry) in old.entries.iter().enumerate() {
            let header = &entry.header;
            let all = (&header.name[..], header.crc32, header.plain_bytes);
            names.by_all.entry(all).or_insert(index);
            names.by_name.entry(&header.name).or_insert(index);
            if header.plain_bytes > 0 {
                let content = (header.crc32, header.plain_bytes);
                names.by_content.entry(content).or_insert(index);
                let gone = !kept.contains(&header.name[..]);
                if gone && header.name.ends_with(b".class") {
                    names
                        .by_simple_name
                        .entry(simple(&header.name))
                        .or_insert(index);
                }
            }
            names
                .by_digitless_name
                .entry(digitless(&header.name))
                .or_insert(index);
        }
        names
    }

    pub(super) fn find(&self, new: &Header) -> Option<usize> {
        let by_content = || match new.plain_bytes {
            0 => None,
            size => self.by_content.get(&(new.crc32, size)),
        };
        self.by_all
            .get(&(&new.name[..], new.crc32, new.plain_bytes))
            .or_else(|| self.by_name.get(&new.name[..]))
            .or_else(by_content)
            .or_else(|| self.by_digitless_name.get(&digitless(&new.name)))
            .or_else(|| self.by_simple_name.get(simple(&new.name)))
            .copied()
    }
}

fn simple(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
}

/// The name with each run of digits, dots and dashes that begins with a digit as one `#`, so that
/// `lib-1.2.jar` and `lib-1.10.jar` are the same.
fn digitless(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut in_number = false;
    for &byte in name {
        in_number = byte.is_ascii_digit() || in_number && matches!(byte, b'.' | b'-');
        match (in_number, out.last()) {
            (true, Some(b'#')) => {}
            (true, _) => out.push(b'#'),
            (false, _) => out.push(byte),
        }
    }
    out
}

/// Whether an entry may be a container, by its name.
pub(super) fn is_archive(name: &[u8]) -> bool {
    [&b".jar"[..], b".zip", b".war", b".ear", b".aar", b".rar"]
        .iter()
        .any(|ending| {
            name.len() > ending.len()
                && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
        })
}
