//! Arbitrary archives with arbitrary edits, through the public face: patches are exact, and damage stays within the limits.

use delta::checksum::sha256;
use delta::{ApplyLimits, Format, Options, apply, create, create_best, verify};
use fixtures::archive::{Archive, DESCRIPTOR_FLAG, Descriptor, Entry};
use fixtures::golden;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{LEVEL, exact_or_not_modelled};

/// Contents of every kind that the format has a way for.
fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 1..200),
        (0..40_u32, 1..4_000_usize).prop_map(|(seed, length)| {
            let text = golden::text(seed);
            text[..length.min(text.len())].to_vec()
        }),
        "[a-z/]{1,30}".prop_map(|name| golden::class(&name)),
        "[a-z/]{1,30}".prop_map(|name| {
            let mut class = golden::class(&name);
            class.truncate(class.len() - name.len());
            class
        }),
        (0..3_u32).prop_map(|seed| {
            let text = Entry::deflated("deep", &golden::text(seed));
            Archive::new(vec![text, Entry::stored("A.class", &golden::class("deep"))]).to_bytes()
        }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let name = select(vec![
        "a.txt",
        "a.class",
        "b.class",
        "dir/b.class",
        "lib-1.0.jar",
        "lib-1.1.jar",
        "c.war",
        "",
    ]);
    let descriptor = select(vec![
        Descriptor::Signed,
        Descriptor::Unsigned,
        Descriptor::SignedZip64,
        Descriptor::UnsignedZip64,
        Descriptor::Missing,
    ]);
    let extras = (
        vec(any::<u8>(), 0..8),
        vec(any::<u8>(), 0..8),
        vec(any::<u8>(), 0..4),
    );
    let flags = prop_oneof![4 => Just(0), 2 => Just(DESCRIPTOR_FLAG), 1 => any::<u16>()];
    let odd = (
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    (name, content(), descriptor, extras, flags, odd).prop_map(
        |(name, content, descriptor, (local_extra, central_extra, gap), flags, odd)| {
            let (deflated, zip64, wrong) = odd;
            let mut entry = match deflated {
                true => Entry::deflated(name, &content),
                false => Entry::stored(name, &content),
            };
            if wrong {
                entry.crc32 ^= 1;
                entry.unpacked_size ^= 1;
            }
            Entry {
                descriptor,
                flags,
                zip64,
                gap,
                local_extra,
                central_extra,
                ..entry
            }
        },
    )
}

fn archive() -> impl Strategy<Value = Archive> {
    let around = (
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..20),
        vec(any::<u8>(), 0..20),
    );
    (vec(entry(), 0..7), around, any::<bool>()).prop_map(
        |(entries, (prefix, gap, comment), zip64)| Archive {
            prefix,
            gap,
            comment,
            zip64,
            ..Archive::new(entries)
        },
    )
}

#[derive(Debug, Clone)]
enum Edit {
    Add(Index, Entry),
    Remove(Index),
    Move(Index, Index),
    Rename(Index, &'static str),
    Replace(Index, Vec<u8>),
    /// Some bytes within a content.
    Change(Index, Index, Vec<u8>),
    Comment(Vec<u8>),
    ReverseDirectory,
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let name = select(vec!["renamed", "lib-2.0.jar", "x/b.class"]);
    prop_oneof![
        (at(), entry()).prop_map(|(at, entry)| Edit::Add(at, entry)),
        at().prop_map(Edit::Remove),
        (at(), at()).prop_map(|(from, to)| Edit::Move(from, to)),
        (at(), name).prop_map(|(at, name)| Edit::Rename(at, name)),
        (at(), content()).prop_map(|(at, content)| Edit::Replace(at, content)),
        (at(), at(), vec(any::<u8>(), 1..20))
            .prop_map(|(at, place, bytes)| Edit::Change(at, place, bytes)),
        vec(any::<u8>(), 0..9).prop_map(Edit::Comment),
        Just(Edit::ReverseDirectory),
    ]
}

fn edited(archive: &Archive, edits: Vec<Edit>) -> Archive {
    let mut archive = archive.clone();
    for edit in edits {
        let entries = &mut archive.entries;
        let count = entries.len();
        match edit {
            Edit::Add(at, entry) => entries.insert(at.index(count + 1), entry),
            Edit::Comment(comment) => archive.comment = comment,
            Edit::ReverseDirectory => archive.order = Some((0..count).rev().collect()),
            _ if count == 0 => {}
            Edit::Remove(at) => drop(entries.remove(at.index(count))),
            Edit::Move(from, to) => {
                let entry = entries.remove(from.index(count));
                entries.insert(to.index(count), entry);
            }
            Edit::Rename(at, name) => entries[at.index(count)].name = name.into(),
            Edit::Replace(at, content) => {
                let entry = &mut entries[at.index(count)];
                *entry = Entry::deflated(entry.name.clone(), &content);
            }
            Edit::Change(at, place, bytes) => {
                let packed = &mut entries[at.index(count)].packed;
                let place = place.index(packed.len() + 1);
                let end = packed.len().min(place + bytes.len());
                packed.splice(place..end, bytes);
            }
        }
    }
    // An order of entries that are no longer there would leave some out of the directory.
    let count = archive.entries.len();
    archive.order = archive.order.filter(|order| order.len() == count);
    archive
}

fn archives() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    (archive(), vec(edit(), 0..6))
        .prop_map(|(old, edits)| (old.to_bytes(), edited(&old, edits).to_bytes()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_archive_becomes_any_edited_one((old, new) in archives()) {
        exact_or_not_modelled(&old, &new);
        exact_or_not_modelled(&new, &old);
        exact_or_not_modelled(b"", &new);
    }

    #[test]
    fn the_best_patch_is_exact_whatever_its_format((old, new) in archives(), other in vec(any::<u8>(), 0..300)) {
        for (old, new) in [(&old, &new), (&other, &new), (&old, &other)] {
            let (_, patch) = create_best(old, new, LEVEL).unwrap();
            verify(old, &patch, new).unwrap();
        }
    }

    #[test]
    fn damage_gives_an_error_or_the_right_bytes_and_never_more_than_stated(
        (old, new) in archives(),
        changes in vec((any::<Index>(), any::<u8>()), 1..5),
        cut in prop::option::weighted(0.2, any::<Index>()),
    ) {
        for &format in Format::ALL {
            let Ok(mut patch) = create(format, &old, &new, Options { level: Some(1) }) else { continue };
            for (place, value) in &changes {
                let place = place.index(patch.len());
                patch[place] = *value;
            }
            if let Some(cut) = cut {
                patch.truncate(cut.index(patch.len()));
            }
            let limits = ApplyLimits::for_sizes(old.len() as u64, new.len() as u64);
            let mut out = Vec::new();
            let applied = apply(&old, &patch, &limits, &mut out);
            prop_assert!(out.len() as u64 <= limits.max_output_bytes);
            match (format, applied) {
                (_, Err(_)) => {}
                (Format::Jar, Ok(_)) => prop_assert!(out == new),
                // The format says nothing of its result: the caller's checksum does.
                (Format::Zstd, Ok(applied)) => prop_assert_eq!(applied.sha256, sha256(&out)),
            }
        }
    }

    /// What a patch states decides before anything is spent: one byte less of either is refused.
    #[test]
    fn a_limit_of_what_a_patch_states_is_enough_and_one_less_is_not((old, new) in archives()) {
        let patch = create(Format::Jar, &old, &new, LEVEL);
        // proptest gives up if too many have no model.
        prop_assume!(patch.is_ok());
        let patch = patch.unwrap();
        let stated = delta::inspect(&patch).unwrap().stated.unwrap();
        let limits = ApplyLimits {
            max_output_bytes: stated.result_bytes,
            max_memory_bytes: stated.memory_bytes,
            max_duration: None,
        };
        let mut out = Vec::new();
        apply(&old, &patch, &limits, &mut out).unwrap();
        prop_assert!(out == new);
        let less_memory = ApplyLimits { max_memory_bytes: stated.memory_bytes - 1, ..limits };
        let less_output = ApplyLimits { max_output_bytes: stated.result_bytes.saturating_sub(1), ..limits };
        for limits in [less_memory, less_output] {
            let mut out = Vec::new();
            prop_assert!(apply(&old, &patch, &limits, &mut out).is_err());
            prop_assert!(out.is_empty());
        }
    }
}
