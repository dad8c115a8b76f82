//! From which releases deltas are made: those that the fleet runs most, else the last ones of the channel.

use client::http::{ListQuery, NewRelease};
use protocol::api::{ReleaseState, ReleaseView, Statistics};
use protocol::limits::{DELTA_FLEET_BASES, DELTA_LAST_BASES};
use protocol::{Channel, Version};

use crate::args::DeltaFrom;
use crate::commands::publish::link::Link;
use crate::failure::Failure;

/// How many versions of the fleet are looked at to find those.
const FLEET_VERSIONS: usize = 20;

/// The channels that every daemon has, most stable first. A less stable one also receives the more stable ones.
const BUILT_IN: [&str; 3] = ["stable", "beta", "alpha"];

/// The releases to make deltas from.
pub(super) async fn bases(
    link: Link<'_>,
    from: &DeltaFrom,
    release: &NewRelease,
) -> Result<Vec<ReleaseView>, Failure> {
    match from {
        DeltaFrom::None => Ok(Vec::new()),
        DeltaFrom::Versions(versions) => named(link, versions).await,
        DeltaFrom::Auto => {
            let mut bases = run_by_the_fleet(link, release).await?;
            fill_up(&mut bases, last(link, release).await?);
            Ok(bases)
        }
    }
}

async fn named(link: Link<'_>, versions: &[Version]) -> Result<Vec<ReleaseView>, Failure> {
    let mut bases = Vec::new();
    for version in versions {
        let found = link
            .call(|| link.daemon.release(version))
            .await
            .map_err(Failure::from);
        bases.push(
            found.map_err(|failure| failure.while_doing(format!("make a delta from {version}")))?,
        );
    }
    Ok(bases)
}

/// What most clients run now, most first.
async fn run_by_the_fleet(
    link: Link<'_>,
    release: &NewRelease,
) -> Result<Vec<ReleaseView>, Failure> {
    let statistics = link.call(|| link.daemon.statistics()).await?;
    let mut bases = Vec::new();
    for version in most_run(&statistics, release) {
        if bases.len() == DELTA_FLEET_BASES {
            break;
        }
        match link.call(|| link.daemon.release(&version)).await {
            Ok(base) if suits(&base, release) => bases.push(base),
            Ok(_) => {}
            // A client may run what was never published here.
            Err(error) if error.code() == Some(protocol::Code::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bases)
}

fn most_run(statistics: &Statistics, release: &NewRelease) -> Vec<Version> {
    let mut running: Vec<(u64, Version)> = statistics
        .versions
        .iter()
        .filter(|version| version.connected_clients > 0)
        .filter_map(|version| Some((version.connected_clients, version.version.parse().ok()?)))
        .filter(|(_, version)| can_take(version, release))
        .collect();
    // Stable: of two that run equally often, the newer one stays first.
    running.sort_by_key(|(clients, _)| std::cmp::Reverse(*clients));
    running.truncate(FLEET_VERSIONS);
    running.into_iter().map(|(_, version)| version).collect()
}

/// The channel's active releases, newest first.
async fn last(link: Link<'_>, release: &NewRelease) -> Result<Vec<ReleaseView>, Failure> {
    let query = ListQuery {
        size: 100,
        channel: Some(release.channel.clone()),
        state: Some(ReleaseState::Active),
        ..ListQuery::default()
    };
    let page = link.call(|| link.daemon.releases(&query)).await?;
    let older = page.content.into_iter();
    Ok(older
        .filter(|base| can_take(&base.version_number, release))
        .take(DELTA_LAST_BASES)
        .collect())
}

/// Adds the last releases while there are too few.
fn fill_up(bases: &mut Vec<ReleaseView>, last: Vec<ReleaseView>) {
    for base in last {
        let is_there = bases
            .iter()
            .any(|other| other.version_number == base.version_number);
        if bases.len() < DELTA_LAST_BASES && !is_there {
            bases.push(base);
        }
    }
}

/// Whether clients of a version can take the release. Those below its minimum cannot, by delta or otherwise.
fn can_take(version: &Version, release: &NewRelease) -> bool {
    let minimum = release.minimum_client_version.as_ref();
    release.version.is_newer_than(version)
        && minimum.is_none_or(|minimum| !minimum.is_newer_than(version))
}

/// Whether clients that follow the channel of the release can have come by this one. Withdrawn releases count: their
/// clients need the new one most.
fn suits(base: &ReleaseView, release: &NewRelease) -> bool {
    base.state != ReleaseState::Draft && receives(&release.channel, &base.release_channel)
}

/// As the daemon sees it, as far as is known here: an operator's own channels come last, in an order of the operator's.
pub(in crate::commands::publish) fn receives(subscribed: &Channel, published: &Channel) -> bool {
    let position = |channel: &Channel| BUILT_IN.iter().position(|name| *name == channel.as_str());
    match (position(subscribed), position(published)) {
        (Some(subscribed), Some(published)) => published <= subscribed,
        (None, Some(_)) => true,
        (_, None) => subscribed == published,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Checksum;

    use super::*;
    use crate::commands::publish::deltas::samples::{release, statistics};

    fn base(version: &str, channel: &str, state: &str) -> ReleaseView {
        serde_json::from_value(serde_json::json!({
            "id": "019376f4-0000-7000-8000-000000000000", "versionNumber": version, "releaseChannel": channel,
            "state": state, "isActive": state == "ACTIVE", "isMandatory": false, "releaseNotes": "",
            "minimumClientVersion": "0.0.0", "fileName": "app.jar", "fileSize": 1,
            "checksum": Checksum::from_bytes([0; 32]), "downloadUrl": "/x", "rolloutPercentage": 100,
            "createdBy": "ci", "createdAt": "2026-01-15T10:30:00Z", "updatedAt": "2026-01-15T10:30:00Z"
        }))
        .unwrap()
    }

    fn shown(versions: &[Version]) -> Vec<String> {
        versions.iter().map(Version::to_string).collect()
    }

    #[test]
    fn what_most_clients_run_comes_first_and_what_cannot_take_the_release_not_at_all() {
        let fleet = statistics(&[
            ("2.2.0", 9),
            ("2.1.0", 8),
            ("2.0.1", 3),
            ("2.0.0", 3),
            ("1.9.0", 5),
            ("1.8.0", 0),
            ("1.0.0", 7),
            ("unversioned", 7),
        ]);
        let running = most_run(&fleet, &release("2.1.0", Some("1.5.0")));
        assert_eq!(shown(&running), ["1.9.0", "2.0.1", "2.0.0"]);
    }

    #[test]
    fn a_base_is_one_that_followers_of_the_channel_can_have() {
        let mut beta = release("2.1.0", None);
        beta.channel = "beta".parse().unwrap();
        assert!(suits(&base("2.0.0", "beta", "ACTIVE"), &beta));
        assert!(suits(&base("2.0.0", "stable", "RECALLED"), &beta));
        assert!(!suits(&base("2.0.0", "alpha", "ACTIVE"), &beta));
        assert!(!suits(&base("2.0.0", "beta", "DRAFT"), &beta));
        let mut own = release("2.1.0", None);
        own.channel = "nightly".parse().unwrap();
        assert!(suits(&base("2.0.0", "nightly", "ACTIVE"), &own));
        assert!(suits(&base("2.0.0", "alpha", "ACTIVE"), &own));
        assert!(!suits(&base("2.0.0", "nightly", "ACTIVE"), &beta));
    }

    #[test]
    fn a_small_fleet_is_filled_up_with_the_last_releases() {
        let last = || ["2.0.2", "2.0.1", "2.0.0"].map(|version| base(version, "stable", "ACTIVE"));
        let filled = |fleet: &[&str]| {
            let mut bases: Vec<ReleaseView> = fleet
                .iter()
                .map(|version| base(version, "stable", "ACTIVE"))
                .collect();
            fill_up(&mut bases, last().to_vec());
            let versions: Vec<Version> =
                bases.into_iter().map(|base| base.version_number).collect();
            shown(&versions)
        };
        assert_eq!(filled(&[]), ["2.0.2", "2.0.1", "2.0.0"]);
        assert_eq!(filled(&["2.0.1"]), ["2.0.1", "2.0.2", "2.0.0"]);
        assert_eq!(filled(&["1.3.0", "1.2.0", "1.1.0", "1.0.0"]).len(), 4);
    }
}
