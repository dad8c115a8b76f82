//! The JARs that the suite publishes: the same version gives the same bytes, another version gives others.

use fixtures::archive::{Archive, Entry};
use fixtures::jars;

/// About a kilobyte.
pub(crate) fn small_jar(version: &str) -> Vec<u8> {
    jars::tiny_jar(version)
}

/// Six megabytes that do not shrink and are all the same but for the version: an upload takes a while, a delta is small.
pub(crate) fn large_jar(version: &str) -> Vec<u8> {
    let mut noise = vec![0; 6_000_000];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    let mut entries = jars::tiny_entries(version);
    entries.push(Entry::stored("app/pictures.bin", &noise));
    Archive::new(entries).to_bytes()
}
