//! Changes of releases and deltas.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::api::ReleaseState;
use protocol::{Channel, DeltaSource, ReleaseId, Version};

use super::change::{AddedDelta, Change, CreatedRelease, ReleaseName};
use super::records::{Actor, Delta, Release, ReleaseUpdate};
use super::{Store, StoreError};

impl Store {
    /// Makes a release. Refused when there is one of the same precedence, also if it differs in build metadata.
    ///
    /// `revision` and `updated_at` are set here, whatever they were.
    pub fn create_release(&self, by: &Actor, release: Release) -> Result<Arc<Release>, StoreError> {
        let writer = self.writer()?;
        let catalog = self.catalog();
        if let Some(there) = catalog.same_precedence(&release.version) {
            return Err(StoreError::exists(format!("version {}", there.version)));
        }
        if catalog.by_id(release.id).is_some() {
            return Err(StoreError::exists(format!("release {}", release.id)));
        }
        let id = release.id;
        let created = Box::new(created(release));
        writer.record(by, Change::ReleaseCreated(created))?;
        self.existing_release(id)
    }

    /// Changes a release, if it is still at the revision that the caller saw. A change that changes nothing leaves no record.
    pub fn change_release(
        &self,
        by: &Actor,
        id: ReleaseId,
        expected_revision: u64,
        change: ReleaseUpdate,
    ) -> Result<Arc<Release>, StoreError> {
        let writer = self.writer()?;
        let release = self.existing_release(id)?;
        if release.revision != expected_revision {
            return Err(StoreError::stale(format!("release {}", release.version)));
        }
        let ReleaseUpdate {
            state,
            rollout_percentage,
        } = change;
        let state = state.filter(|state| *state != release.state);
        let rollout_percentage =
            rollout_percentage.filter(|percentage| *percentage != release.rollout_percentage);
        if state.is_none() && rollout_percentage.is_none() {
            return Ok(release);
        }
        let change = Change::ReleaseChanged {
            release: name(&release),
            state,
            rollout_percentage,
        };
        writer.record(by, change)?;
        self.existing_release(id)
    }

    /// Makes `to` ACTIVE, if it is not, and `recalled` RECALLED, in one record.
    ///
    /// `recalled` must be the channel's ACTIVE releases that are newer than `to`. If it is not, the channel changed since
    /// the caller looked, and nothing is done.
    pub fn roll_back_channel(
        &self,
        by: &Actor,
        channel: &Channel,
        to: ReleaseId,
        recalled: &[ReleaseId],
    ) -> Result<(), StoreError> {
        let writer = self.writer()?;
        let to = self.existing_release(to)?;
        if to.channel != *channel {
            let what = format!("release {} in channel {channel}", to.version);
            return Err(StoreError::not_found(what));
        }
        let catalog = self.catalog();
        let newer: Vec<_> = catalog
            .releases()
            .iter()
            .filter(|release| release.channel == *channel)
            .filter(|release| release.state == ReleaseState::Active)
            .filter(|release| release.version.is_newer_than(&to.version))
            .collect();
        let newer_ids: BTreeSet<_> = newer.iter().map(|release| release.id).collect();
        if newer_ids != recalled.iter().copied().collect() {
            return Err(StoreError::stale(format!("channel {channel}")));
        }
        if newer.is_empty() && to.state == ReleaseState::Active {
            return Ok(());
        }
        let change = Change::ChannelRolledBack {
            channel: channel.clone(),
            to: name(&to),
            recalled: newer.into_iter().map(|release| name(release)).collect(),
        };
        writer.record(by, change)
    }

    /// Adds a delta to a release. One that is there already with the same bytes is fine and leaves no record; with other
    /// bytes it is refused.
    pub fn add_delta(&self, by: &Actor, delta: Delta) -> Result<Arc<Delta>, StoreError> {
        let writer = self.writer()?;
        let catalog = self.catalog();
        let Some(release) = catalog.by_version(&delta.to) else {
            return Err(StoreError::not_found(format!("version {}", delta.to)));
        };
        if let Some(there) = catalog.delta(&delta.from, &delta.to, &delta.format) {
            if there.blob == delta.blob {
                return Ok(Arc::clone(there));
            }
            let (from, to, format) = (&delta.from, &delta.to, &delta.format);
            let what = format!("a {format} delta from {from} to {to} with other bytes");
            return Err(StoreError::exists(what));
        }
        let added = Box::new(added(release.id, &delta));
        writer.record(by, Change::DeltaAdded(added))?;
        let catalog = self.catalog();
        let there = catalog.delta(&delta.from, &delta.to, &delta.format);
        there
            .cloned()
            .ok_or_else(|| StoreError::not_found(format!("a delta to {}", delta.to)))
    }

    fn existing_release(&self, id: ReleaseId) -> Result<Arc<Release>, StoreError> {
        let catalog = self.catalog();
        let release = catalog.by_id(id).cloned();
        release.ok_or_else(|| StoreError::not_found(format!("release {id}")))
    }
}

fn name(release: &Release) -> ReleaseName {
    ReleaseName {
        id: release.id,
        version: release.version.clone(),
    }
}

fn created(release: Release) -> CreatedRelease {
    let Release {
        id,
        version,
        channel,
        state,
        is_mandatory,
        release_notes,
        minimum_client_version,
        file_name,
        blob,
        rollout_percentage,
        platforms,
        signature,
        created_by,
        created_at,
        // Both follow from the record.
        updated_at: _,
        revision: _,
    } = release;
    CreatedRelease {
        id,
        version,
        channel,
        state,
        is_mandatory,
        release_notes,
        minimum_client_version,
        file_name,
        checksum: blob.checksum,
        size_bytes: blob.size_bytes,
        rollout_percentage,
        platforms,
        signature,
        created_by,
        created_at,
    }
}

fn added(release_id: ReleaseId, delta: &Delta) -> AddedDelta {
    AddedDelta {
        release_id,
        from: match &delta.from {
            DeltaSource::Nothing => Version::ZERO,
            DeltaSource::Version(from) => from.clone(),
        },
        from_nothing: delta.from.is_nothing(),
        to: delta.to.clone(),
        format: delta.format.clone(),
        checksum: delta.blob.checksum,
        size_bytes: delta.blob.size_bytes,
        source_checksum: delta.source_checksum,
        target_checksum: delta.target_checksum,
        created_at: delta.created_at,
    }
}
