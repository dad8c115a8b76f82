//! Makes seeds that take the fuzzer past the front: good patches with streams that are not compressed, JARs that are stored.

use delta::{Format, Options, create};
use fixtures::archive::{Archive, Entry};
use fixtures::jars::{tiny_entries, tiny_jar};
use fixtures::{broken, deflaters, golden};

use super::super::by_hand::{PAYLOAD, number};
use super::super::compiled::java_pair;

/// Targets, names and inputs.
pub(super) fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let (old, new) = golden::pair();
    let patch = |format, old: &[u8], new: &[u8]| {
        create(format, old, new, Options { level: Some(1) }).unwrap()
    };
    let mut seeds = Vec::new();
    let mut seed = |target, name: &str, bytes| seeds.push((target, name.to_owned(), bytes));

    let nothing = Archive::default().to_bytes();
    let repacked = repacked(&golden::text(2));
    for (name, target) in [
        ("forwards", &new),
        ("same", &old),
        ("repacked", &repacked),
        ("to-nothing", &nothing),
    ] {
        let jar = patch(Format::Jar, &old, target);
        let opened = open(&jar);
        // So small that nothing was compressed.
        if opened != jar {
            seed("apply_jar", &format!("{name}-open"), opened);
        }
        seed("apply_jar", name, jar);
        seed("apply_zstd", name, patch(Format::Zstd, &old, target));
    }
    let other = patch(Format::Jar, &old, &tiny_jar("1.0.0"));
    seed("apply_jar", "other-open", open(&other));
    seed(
        "apply_zstd",
        "rle",
        b"\x28\xB5\x2F\xFD\x00\x40\x03\x00\x10x".to_vec(),
    );

    for (name, old, new) in pairs() {
        let length = u16::try_from(old.len()).unwrap();
        let input = [&length.to_le_bytes()[..], &old, &new].concat();
        seed("create_and_apply", name, input);
    }

    seed("inspect_jar", "tiny", tiny_jar("1.0.0"));
    seed("inspect_jar", "golden", old);
    for (name, jar) in broken::all() {
        if name != "bomb" {
            seed("inspect_jar", &name.replace(' ', "-"), jar);
        }
    }
    seeds
}

/// What stands in the base as well, packed by another deflater.
fn repacked(text: &[u8]) -> Vec<u8> {
    let entry =
        |name: &str, content: &[u8]| Entry::packed(name, content, deflaters::miniz(content, 6));
    Archive::new(vec![
        entry("text", &golden::text(3)),
        entry("new-says", text),
    ])
    .to_bytes()
}

/// Stored, so that the fuzzer's edits reach contents without a deflater in between.
fn pairs() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let [old, new] = java_pair("17").map(|classes| {
        let wanted = [
            "Modern$Circle.class",
            "Plain$Color.class",
            "Sample$Marked.class",
        ];
        let few = classes
            .iter()
            .filter(|(name, _)| wanted.contains(&&name[..]));
        let entries = few.map(|(name, content)| Entry::stored(name.as_str(), content));
        Archive::new(entries.collect()).to_bytes()
    });
    let nested = |change: &str| {
        let inner = Archive::new(vec![
            Entry::streamed("text", &golden::text(change.len() as u32)[..400]),
            Entry::stored("A.class", &golden::class(change)),
        ]);
        let mut entries = tiny_entries(change);
        entries.push(Entry::stored("lib-1.jar", &inner.to_bytes()));
        let mut outer = Archive::new(entries);
        outer.prefix = b"#!/bin/sh\n".to_vec();
        outer.to_bytes()
    };
    vec![
        ("classes", old, new),
        ("nested", nested("1.0.0"), nested("1.10.0")),
        ("tiny", tiny_jar("1.0.0"), tiny_jar("1.1.0")),
        ("from-nothing", Vec::new(), tiny_jar("1.1.0")),
        ("new-class", tiny_jar("1.0.0"), with_new_class()),
        (
            "repacked",
            repacked(&golden::text(4)),
            repacked(&golden::text(5)),
        ),
        (
            "texts",
            golden::text(1)[..500].to_vec(),
            golden::text(2)[..600].to_vec(),
        ),
        (
            "empty",
            Archive::default().to_bytes(),
            Archive::default().to_bytes(),
        ),
    ]
}

fn with_new_class() -> Vec<u8> {
    let mut entries = tiny_entries("1.1.0");
    let class = golden::class_with_method("app/New");
    entries.push(Entry::deflated("app/New.class", &class));
    Archive::new(entries).to_bytes()
}

/// A patch of the format `jar` whose streams, but for the payload, are not compressed. `docs/delta-format.md` has the layout.
fn open(patch: &[u8]) -> Vec<u8> {
    let mut rest = &patch[68..];
    for _ in 0..6 {
        take_number(&mut rest);
    }
    let mut opened = patch[..patch.len() - rest.len()].to_vec();
    let table = rest;
    // The streams up to the payload, then those of new classes.
    let present = [take_number(&mut rest), take_number(&mut rest)];
    let usual = (0..=PAYLOAD).filter(|stream| present[0] >> stream & 1 != 0);
    let fresh = (0..64).filter(|bit| present[1] >> bit & 1 != 0);
    let lengths: Vec<(u32, u64)> = usual
        .chain(fresh.map(|bit| PAYLOAD + 1 + bit))
        .map(|stream| (stream, take_number(&mut rest)))
        .collect();
    opened.extend_from_slice(&table[..table.len() - rest.len()]);
    let alone = |&(stream, length): &(u32, u64)| stream == PAYLOAD || length >= 512;
    let joined: u64 = lengths
        .iter()
        .filter(|stream| !alone(stream))
        .map(|stream| stream.1)
        .sum();
    let mut sections: Vec<(u32, u64)> = lengths.into_iter().filter(alone).collect();
    if joined > 0 {
        sections.push((0, joined));
    }
    let packed: Vec<(u32, u64, u8, u64)> = sections
        .into_iter()
        .map(|(stream, length)| {
            let codec = rest[0];
            rest = &rest[1..];
            (stream, length, codec, take_number(&mut rest))
        })
        .collect();
    let mut bodies = Vec::new();
    for (stream, length, codec, packed_bytes) in packed {
        let (body, after) = rest.split_at(packed_bytes as usize);
        rest = after;
        let (codec, body) = match codec {
            1 if stream != PAYLOAD => {
                let frame = [b"\x28\xB5\x2F\xFD", body].concat();
                (0, zstd::bulk::decompress(&frame, length as usize).unwrap())
            }
            codec => (codec, body.to_vec()),
        };
        opened.push(codec);
        opened.extend(number(body.len() as u64));
        bodies.extend_from_slice(&body);
    }
    opened.extend_from_slice(&bodies);
    opened
}

fn take_number(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}
