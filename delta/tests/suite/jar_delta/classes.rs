//! Class files: of every Java release that the JDK makes, whole and spoilt, and files that only look like some.

use delta::{Format, Options, create};
use fixtures::golden::text;

use super::super::compiled::{Files, jar_of, java_pair, java_pairs};
use super::{all_ways, round_trip};

#[test]
fn classes_of_each_java_release_come_back_small() {
    let pairs = java_pairs();
    assert!(pairs.len() >= 10, "{} releases", pairs.len());
    for (release, [old, new]) in pairs {
        // A class file's major version is the release's number and 44.
        let plain = content(&old, "Plain.class");
        assert_eq!(plain[6..8], (release as u16 + 44).to_be_bytes());
        let (old, new) = (jar_of(&old), jar_of(&new));
        all_ways(&old, &new);
        let patch = create(Format::Jar, &old, &new, Options { level: Some(19) }).unwrap();
        assert!(patch.len() < 1_200, "{release}: {}", patch.len());
    }
}

#[test]
fn truncated_and_spoilt_classes_come_back() {
    let [classes, _] = java_pair("17");
    for name in ["Sample.class", "Modern$Circle.class"] {
        let whole = content(&classes, name);
        let spoilt: Files = (0..whole.len())
            .step_by(whole.len() / 60)
            .flat_map(|at| {
                let mut changed = whole.to_vec();
                changed[at] ^= 0x81;
                let cut = whole[..at].to_vec();
                [
                    (format!("Cut{at}.class"), cut),
                    (format!("Spoilt{at}.class"), changed),
                ]
            })
            .collect();
        let good = spoilt
            .iter()
            .map(|(name, _)| (name.clone(), whole.to_vec()));
        let (good, spoilt) = (jar_of(&good.collect()), jar_of(&spoilt));
        round_trip(&good, &spoilt);
        round_trip(&spoilt, &good);
    }
}

#[test]
fn what_only_begins_as_a_class_does_comes_back() {
    let magic = b"\xCA\xFE\xBA\xBE";
    let junk = |seed: u32| -> Files {
        let text = text(seed);
        let full_pool = [&magic[..], &[0, 0, 0, 61, 0xFF, 0xFF], &[1, 0, 0].repeat(9)].concat();
        let endless_text = [&magic[..], &[0, 0, 0, 61, 0, 2, 1, 0xFF, 0xFF], &text].concat();
        // Behind a fat Mach-O file's magic, which is the same, the number of architectures follows.
        let mach_o = [&magic[..], &[0, 0, 0, 2, 1, 0, 0, 7], &text].concat();
        let no_constants = [&magic[..], &[0, 0, 0, 52, 0, 0], &text].concat();
        [
            ("Empty.class", Vec::new()),
            ("Magic.class", magic.to_vec()),
            ("Twice.class", [&magic[..], magic].concat()),
            ("Text.class", [&magic[..], &text].concat()),
            ("NoMagic.class", text.clone()),
            ("FullPool.class", full_pool),
            ("EndlessText.class", endless_text),
            ("NoConstants.class", no_constants),
            ("tool.dylib", mach_o),
        ]
        .map(|(name, content)| (name.to_owned(), content))
        .into()
    };
    let [real, _] = java_pair("8");
    let real = content(&real, "Plain.class");
    let as_real = junk(7).into_iter().map(|(name, _)| (name, real.to_vec()));
    let (old, new, real) = (
        jar_of(&junk(7)),
        jar_of(&junk(8)),
        jar_of(&as_real.collect()),
    );
    all_ways(&old, &new);
    all_ways(&real, &new);
}

fn content<'a>(files: &'a Files, wanted: &str) -> &'a [u8] {
    let found = files.iter().find(|(name, _)| name == wanted);
    &found.unwrap_or_else(|| panic!("{wanted} is missing")).1
}
