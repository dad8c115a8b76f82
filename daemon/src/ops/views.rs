//! From what is stored to what is sent.

use protocol::api::{
    DeltaAnswer, DeltaOffer, DeltaSummary, ReleaseMetadata, ReleaseState, ReleaseView, paths,
};
use protocol::{DeltaSource, Version};

use crate::store::{Catalog, Delta, Release};

/// Path of a release's bytes.
#[must_use]
pub(super) fn download_url(version: &Version) -> String {
    format!("{}/download/{version}", paths::CLIENT)
}

/// A release as publishers see it.
#[must_use]
pub(super) fn release_view(catalog: &Catalog, release: &Release) -> ReleaseView {
    let deltas = catalog
        .deltas_to(&release.version)
        .iter()
        .map(|delta| delta_summary(delta))
        .collect();
    let compressed = catalog.compressed(&release.version);
    let compressed = compressed.map(|delta| delta_summary(delta));
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
        updated_at,
        revision: _,
    } = release.clone();
    ReleaseView {
        id,
        download_url: download_url(&version),
        version_number: version,
        release_channel: channel,
        state,
        is_active: state == ReleaseState::Active,
        is_mandatory,
        release_notes: release_notes.to_string(),
        minimum_client_version,
        file_name,
        file_size: blob.size_bytes,
        checksum: blob.checksum,
        rollout_percentage,
        platforms,
        signature,
        deltas,
        compressed,
        created_by,
        created_at,
        updated_at,
    }
}

/// A release as clients see it.
#[must_use]
pub(super) fn release_metadata(release: &Release) -> ReleaseMetadata {
    let release = release.clone();
    ReleaseMetadata {
        id: release.id,
        download_url: download_url(&release.version),
        version: release.version.clone(),
        version_number: release.version,
        release_channel: release.channel,
        is_mandatory: release.is_mandatory,
        release_notes: release.release_notes.to_string(),
        minimum_client_version: release.minimum_client_version,
        file_name: release.file_name,
        file_size: release.blob.size_bytes,
        checksum: release.blob.checksum,
        platforms: release.platforms,
        signature: release.signature,
        released_at: release.created_at,
    }
}

/// A delta as a publisher sees it in a release.
#[must_use]
pub(super) fn delta_summary(delta: &Delta) -> DeltaSummary {
    DeltaSummary {
        from_version: delta.from.clone(),
        format: delta.format.clone(),
        size: delta.blob.size_bytes,
        checksum: delta.blob.checksum,
    }
}

/// The deltas to a release from another one or from nothing, best first; `None` when there is none.
#[must_use]
pub(super) fn delta_answer(
    catalog: &Catalog,
    from: &DeltaSource,
    to: &Release,
) -> Option<DeltaAnswer> {
    let full_size = to.blob.size_bytes;
    let deltas = match from {
        DeltaSource::Nothing => catalog
            .compressed(&to.version)
            .cloned()
            .into_iter()
            .collect(),
        DeltaSource::Version(from) => catalog.deltas_between(from, &to.version),
    };
    let offers: Vec<DeltaOffer> = deltas
        .iter()
        .map(|delta| delta_offer(delta, full_size))
        .collect();
    let (best, offer) = (deltas.first()?, offers.first()?.clone());
    Some(DeltaAnswer {
        from_version: best.from.clone(),
        to_version: best.to.clone(),
        source_checksum: best.source_checksum,
        target_checksum: best.target_checksum,
        full_size,
        format: offer.format,
        download_url: offer.download_url,
        size: offer.size,
        checksum: offer.checksum,
        savings_percentage: offer.savings_percentage,
        deltas: offers,
    })
}

fn delta_offer(delta: &Delta, full_size: u64) -> DeltaOffer {
    let saved = full_size.saturating_sub(delta.blob.size_bytes);
    let percentage = saved.saturating_mul(100) / full_size.max(1);
    DeltaOffer {
        format: delta.format.clone(),
        download_url: format!(
            "{}/delta/{}/{}/download?format={}",
            paths::CLIENT,
            delta.from,
            delta.to,
            delta.format
        ),
        size: delta.blob.size_bytes,
        checksum: delta.blob.checksum,
        savings_percentage: u8::try_from(percentage).unwrap_or(100),
    }
}
