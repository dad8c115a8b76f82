//! All releases and deltas at one moment, in memory.
//!
//! What every check, announcement and download asks for. A catalog never changes: the store makes a new one at each
//! change and swaps it in, so a reader sees either all of a change or nothing of it, and never waits for a disk.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::{DeltaSource, ReleaseId, Version};

use super::records::{Delta, Release};

/// An immutable snapshot of the releases and deltas.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Highest precedence first. A few hundred in a lifetime, so copying the handles at each change costs nothing.
    releases: Vec<Arc<Release>>,
    by_id: HashMap<ReleaseId, Arc<Release>>,
    deltas_to: HashMap<Version, Vec<Arc<Delta>>>,
    /// The deltas from nothing, by what they rebuild; apart, so that nobody takes one for a delta from a version.
    compressed: HashMap<Version, Arc<Delta>>,
    sequence: u64,
}

impl Catalog {
    /// A catalog of these releases and deltas, as of the journal record `sequence`.
    pub fn new(
        releases: impl IntoIterator<Item = Arc<Release>>,
        deltas: impl IntoIterator<Item = Arc<Delta>>,
        sequence: u64,
    ) -> Self {
        let mut catalog = Self {
            sequence,
            ..Self::default()
        };
        for release in releases {
            catalog.put_release(release);
        }
        for delta in deltas {
            catalog.put_delta(delta);
        }
        catalog
    }

    /// All releases, highest precedence first.
    #[must_use]
    pub fn releases(&self) -> &[Arc<Release>] {
        &self.releases
    }

    /// The release with this id.
    #[must_use]
    pub fn by_id(&self, id: ReleaseId) -> Option<&Arc<Release>> {
        self.by_id.get(&id)
    }

    /// The release with exactly this version number, build metadata included.
    #[must_use]
    pub fn by_version(&self, version: &Version) -> Option<&Arc<Release>> {
        let place = self.place_of(version).ok()?;
        self.releases.get(place)
    }

    /// The release that is neither older nor newer than this version; it may differ in build metadata.
    #[must_use]
    pub fn same_precedence(&self, version: &Version) -> Option<&Arc<Release>> {
        let found = self
            .releases
            .binary_search_by(|r| version.cmp_precedence(&r.version));
        self.releases.get(found.ok()?)
    }

    /// The deltas that rebuild this version from another one, from the newest source to the oldest, smallest first among
    /// those of one source.
    #[must_use]
    pub fn deltas_to(&self, version: &Version) -> &[Arc<Delta>] {
        self.deltas_to.get(version).map_or(&[], Vec::as_slice)
    }

    /// The deltas from one version to another, smallest first.
    #[must_use]
    pub fn deltas_between(&self, from: &Version, to: &Version) -> Vec<Arc<Delta>> {
        let all = self.deltas_to(to).iter();
        let is_wanted = |delta: &&Arc<Delta>| matches!(&delta.from, DeltaSource::Version(source) if source == from);
        all.filter(is_wanted).cloned().collect()
    }

    /// This version's whole file, compressed: the delta that rebuilds it from nothing.
    #[must_use]
    pub fn compressed(&self, version: &Version) -> Option<&Arc<Delta>> {
        self.compressed.get(version)
    }

    /// The one delta with these ends and this format.
    #[must_use]
    pub fn delta(&self, from: &DeltaSource, to: &Version, format: &str) -> Option<&Arc<Delta>> {
        let mut all = self.deltas_to(to).iter().chain(self.compressed(to));
        all.find(|delta| delta.from == *from && delta.format == format)
    }

    /// All deltas, those from nothing included, in no particular order.
    pub fn deltas(&self) -> impl Iterator<Item = &Arc<Delta>> {
        let from_versions = self.deltas_to.values().flatten();
        from_versions.chain(self.compressed.values())
    }

    /// The journal record that this catalog includes as its last.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// Adds a release, or takes the place of the one with the same id.
    pub(super) fn put_release(&mut self, release: Arc<Release>) {
        match self.place_of(&release.version) {
            Ok(place) => self.releases[place] = Arc::clone(&release),
            Err(place) => self.releases.insert(place, Arc::clone(&release)),
        }
        self.by_id.insert(release.id, release);
    }

    pub(super) fn put_delta(&mut self, delta: Arc<Delta>) {
        if delta.from.is_nothing() {
            self.compressed.insert(delta.to.clone(), delta);
            return;
        }
        let deltas = self.deltas_to.entry(delta.to.clone()).or_default();
        deltas.push(delta);
        deltas.sort_by(|a, b| {
            let newest_source_first = b.from.cmp(&a.from);
            newest_source_first.then_with(|| a.blob.size_bytes.cmp(&b.blob.size_bytes))
        });
    }

    /// Where a version stands in `releases`, or where it would. `Version`'s order is precedence first, then build metadata.
    fn place_of(&self, version: &Version) -> Result<usize, usize> {
        self.releases.binary_search_by(|r| version.cmp(&r.version))
    }
}
