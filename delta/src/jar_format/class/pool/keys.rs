//! Which constant of the old pool each one of the new pool is: by what they mean, not by number.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::{
    ClassFile, DYNAMIC, INVOKE_DYNAMIC, METHOD_HANDLE, is_wide, reference_places, u16_at,
};
use super::numbers;

/// For each number of the new pool the old one to copy, or 0.
pub(super) fn sources(old: &ClassFile<'_>, new: &ClassFile<'_>) -> Vec<u16> {
    let (old_keys, new_keys) = (keys(old), keys(new));
    let mut by_key = HashMap::with_capacity(old_keys.len());
    for (number, key) in old_keys.iter().enumerate().rev() {
        if old.constants[number].tag != 0 {
            by_key.insert(*key, number);
        }
    }
    let mut sources = vec![0; new.constants.len()];
    // Equal constants may stand twice in a pool: the one after the last copy comes first.
    let mut expected = 1;
    for (number, key) in new_keys.iter().enumerate() {
        if new.constants[number].tag == 0 {
            continue;
        }
        let follows = old
            .constants
            .get(expected)
            .is_some_and(|constant| constant.tag != 0)
            && old_keys[expected] == *key;
        let source = match follows {
            true => expected,
            false => by_key.get(key).copied().unwrap_or(0),
        };
        if source != 0 {
            sources[number] = source as u16;
            expected = source + 1 + usize::from(is_wide(old.constants[source].tag));
        }
    }
    drop_wrong_copies(old, new, &mut sources);
    sources
}

/// A copy is only good if its references, brought into the new numbering, are the new ones.
fn drop_wrong_copies(old: &ClassFile<'_>, new: &ClassFile<'_>, sources: &mut [u16]) {
    loop {
        let numbers = numbers(sources, old.constants.len());
        let mut changed = false;
        for (number, constant) in new.constants.iter().enumerate() {
            if sources[number] == 0 {
                continue;
            }
            let source = &old.constants[usize::from(sources[number])];
            let right = |&place: &usize| {
                let before = u16_at(old.bytes, source.start + place).unwrap_or(0);
                let after = u16_at(new.bytes, constant.start + place).unwrap_or(0);
                numbers.get(usize::from(before)).copied().unwrap_or(0) == after
            };
            let same_kind = source.tag == constant.tag
                && source.end - source.start == constant.end - constant.start;
            if !same_kind || !reference_places(constant.tag).iter().all(right) {
                sources[number] = 0;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// A hash of each constant's content, with references resolved.
fn keys(class: &ClassFile<'_>) -> Vec<u64> {
    let mut keys = vec![None; class.constants.len()];
    (0..class.constants.len())
        .map(|number| key(class, number, &mut keys, 0))
        .collect()
}

/// References go four deep in a good pool: method handle, method, name and type, text.
const MAX_DEPTH: usize = 8;

fn key(class: &ClassFile<'_>, number: usize, keys: &mut [Option<u64>], depth: usize) -> u64 {
    let Some(constant) = class.constants.get(number) else {
        return 1;
    };
    if let Some(key) = keys[number] {
        return key;
    }
    if depth > MAX_DEPTH {
        return 1;
    }
    let bytes = &class.bytes[constant.start..constant.end];
    let mut hasher = DefaultHasher::new();
    constant.tag.hash(&mut hasher);
    match constant.tag {
        METHOD_HANDLE => bytes[1].hash(&mut hasher),
        // The bootstrap index is left out: it shifts as numbers do.
        DYNAMIC | INVOKE_DYNAMIC => {}
        tag if reference_places(tag).is_empty() => bytes.hash(&mut hasher),
        _ => {}
    }
    for &place in reference_places(constant.tag) {
        let reference = usize::from(u16_at(bytes, place).unwrap_or(0));
        key(class, reference, keys, depth + 1).hash(&mut hasher);
    }
    let key = hasher.finish();
    keys[number] = Some(key);
    key
}
