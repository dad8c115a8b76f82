//! Which delta is to be built next: a decision over what is published, what the fleet runs and what was given up. Pure.
//!
//! The sources are those that `relctl publish` takes; the numbers that both need are in [`protocol::limits`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use delta::Format;
use protocol::api::ReleaseState;
use protocol::limits::{DELTA_FLEET_BASES, DELTA_LAST_BASES};
use protocol::{DeltaSource, Version};

use crate::config::Channels;
use crate::store::{Catalog, Release};

/// How many releases of a channel get deltas at most. Behind the newest come stepping stones, and what those are offered
/// whom a rollout leaves out; so deep down there is hardly a client.
const RELEASES_MAX: usize = 4;

/// A delta that an offered release should have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MissingDelta {
    pub(super) from: DeltaSource,
    pub(super) to: Version,
    pub(super) format: Format,
}

/// The first delta that is missing; `running` has the number of connected clients by version.
pub(super) fn next(
    catalog: &Catalog,
    channels: &Channels,
    running: &BTreeMap<Version, u64>,
    given_up: &HashSet<MissingDelta>,
) -> Option<MissingDelta> {
    let is_missing = |wanted: &MissingDelta| {
        let there = catalog.delta(&wanted.from, &wanted.to, wanted.format.name());
        there.is_none() && !given_up.contains(wanted)
    };
    let releases = offered(catalog, channels).into_iter();
    let mut wanted = releases.flat_map(|to| wanted_for(catalog, channels, running, to));
    wanted.find(is_missing)
}

/// The releases that some client can be offered: the newest of each channel first, the most stable channel's before others.
fn offered<'a>(catalog: &'a Catalog, channels: &Channels) -> Vec<&'a Arc<Release>> {
    let mut ranked: Vec<(usize, &Arc<Release>)> = Vec::new();
    for channel in channels.as_slice() {
        let received = catalog.releases().iter().filter(|release| {
            release.state == ReleaseState::Active
                && release.rollout_percentage > 0
                && channels.receives(channel, &release.channel)
        });
        for (rank, release) in reachable(received).into_iter().enumerate() {
            if ranked.iter().all(|(_, other)| other.id != release.id) {
                ranked.push((rank, release));
            }
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, release)| release).collect()
}

/// Of releases from the newest to the oldest those that are not hidden behind a newer one for every client.
fn reachable<'a>(newest_first: impl Iterator<Item = &'a Arc<Release>>) -> Vec<&'a Arc<Release>> {
    let mut reachable = Vec::new();
    // Clients from this version on take something newer.
    let mut served_from: Option<&Version> = None;
    for release in newest_first {
        let minimum = &release.minimum_client_version;
        if served_from.is_some_and(|served_from| !served_from.is_newer_than(minimum)) {
            continue;
        }
        reachable.push(release);
        if reachable.len() == RELEASES_MAX {
            break;
        }
        if release.rollout_percentage == 100 && release.platforms.is_empty() {
            served_from = Some(minimum);
        }
    }
    reachable
}

/// All deltas that a release should have, the most useful first.
fn wanted_for(
    catalog: &Catalog,
    channels: &Channels,
    running: &BTreeMap<Version, u64>,
    to: &Release,
) -> Vec<MissingDelta> {
    let wanted = |from: DeltaSource, format: Format| MissingDelta {
        from,
        to: to.version.clone(),
        format,
    };
    let mut all = Vec::new();
    for base in bases(catalog, channels, running, to) {
        for format in Format::ALL {
            all.push(wanted(DeltaSource::Version(base.clone()), *format));
        }
    }
    all.push(wanted(DeltaSource::Nothing, Format::Jar));
    all
}

/// What connected clients run most, filled up with the last releases of the channel.
fn bases<'a>(
    catalog: &'a Catalog,
    channels: &Channels,
    running: &BTreeMap<Version, u64>,
    to: &Release,
) -> Vec<&'a Version> {
    // Withdrawn releases count: their clients need the new one most.
    let suits = |base: &Release| {
        base.state != ReleaseState::Draft
            && to.version.is_newer_than(&base.version)
            && !to.minimum_client_version.is_newer_than(&base.version)
            && channels.receives(&to.channel, &base.channel)
    };
    // From the newest on, so that of two that run equally often the newer one stays first.
    let mut run: Vec<(u64, &Version)> = running
        .iter()
        .rev()
        .filter_map(|(version, clients)| Some((*clients, catalog.by_version(version)?)))
        .filter(|(_, base)| suits(base))
        .map(|(clients, base)| (clients, &base.version))
        .collect();
    run.sort_by_key(|(clients, _)| Reverse(*clients));
    run.truncate(DELTA_FLEET_BASES);
    let mut bases: Vec<&Version> = run.into_iter().map(|(_, version)| version).collect();
    let last = catalog.releases().iter().filter(|base| {
        base.state == ReleaseState::Active && base.channel == to.channel && suits(base)
    });
    for base in last.take(DELTA_LAST_BASES) {
        if bases.len() < DELTA_LAST_BASES && !bases.contains(&&base.version) {
            bases.push(&base.version);
        }
    }
    bases
}

#[cfg(test)]
mod tests;
