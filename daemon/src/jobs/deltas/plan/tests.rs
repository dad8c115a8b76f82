//! What is built, in which order, and what is not.

use protocol::{Channel, Checksum, ReleaseId, Timestamp};

use super::*;
use crate::store::{BlobRef, Delta};

const BLOB: BlobRef = BlobRef {
    checksum: Checksum::from_bytes([0; 32]),
    size_bytes: 1,
};

/// An ordinary release; `edit` changes what matters to the test.
fn release(version: &str, edit: impl FnOnce(&mut Release)) -> Arc<Release> {
    let now = Timestamp::from_unix_ms(0);
    let mut release = Release {
        id: ReleaseId::generate(),
        version: version.parse().unwrap(),
        channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: false,
        release_notes: "".into(),
        minimum_client_version: Version::ZERO,
        file_name: "app.jar".into(),
        blob: BLOB,
        rollout_percentage: 100,
        platforms: Vec::new(),
        signature: None,
        created_by: "admin".parse().unwrap(),
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    edit(&mut release);
    Arc::new(release)
}

fn plain(version: &str) -> Arc<Release> {
    release(version, |_| ())
}

fn on(version: &str, channel: &str) -> Arc<Release> {
    release(version, |release| {
        release.channel = channel.parse().unwrap();
    })
}

fn delta(from: &str, to: &str, format: Format) -> Arc<Delta> {
    Arc::new(Delta {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        format: format.name().into(),
        blob: BLOB,
        source_checksum: BLOB.checksum,
        target_checksum: BLOB.checksum,
        created_at: Timestamp::from_unix_ms(0),
    })
}

fn fleet(versions: &[(&str, u64)]) -> BTreeMap<Version, u64> {
    let versions = versions.iter();
    versions
        .map(|(version, clients)| (version.parse().unwrap(), *clients))
        .collect()
}

/// All that is built, one after the other, as `FROM>TO FORMAT`.
fn built(
    releases: Vec<Arc<Release>>,
    deltas: Vec<Arc<Delta>>,
    running: &[(&str, u64)],
) -> Vec<String> {
    let catalog = Catalog::new(releases, deltas, 1);
    // Whatever is built counts as given up here; the effect on what comes next is the same.
    let (mut done, mut order) = (HashSet::new(), Vec::new());
    while let Some(wanted) = next(&catalog, &Channels::default(), &fleet(running), &done) {
        order.push(format!("{}>{} {}", wanted.from, wanted.to, wanted.format));
        assert!(done.insert(wanted), "the same again: {order:?}");
    }
    order
}

/// The same without formats and without what starts from nothing.
fn pairs(releases: Vec<Arc<Release>>, running: &[(&str, u64)]) -> Vec<String> {
    let jar = |line: String| line.strip_suffix(" jar").map(str::to_owned);
    let built = built(releases, Vec::new(), running).into_iter();
    built
        .filter_map(jar)
        .filter(|pair| !pair.starts_with("none>"))
        .collect()
}

#[test]
fn a_release_gets_each_format_from_each_source_and_then_the_compressed_file() {
    let releases = vec![plain("1.0.0"), plain("1.1.0")];
    let all = ["1.0.0>1.1.0 jar", "1.0.0>1.1.0 zstd", "none>1.1.0 jar"];
    assert_eq!(built(releases.clone(), Vec::new(), &[]), all);
    let there = vec![
        delta("1.0.0", "1.1.0", Format::Jar),
        delta("none", "1.1.0", Format::Jar),
    ];
    assert_eq!(built(releases, there, &[]), ["1.0.0>1.1.0 zstd"]);
    assert_eq!(
        built(vec![plain("1.0.0")], Vec::new(), &[]),
        ["none>1.0.0 jar"]
    );
    assert!(built(Vec::new(), Vec::new(), &[]).is_empty());
}

#[test]
fn what_most_clients_run_comes_first_and_the_last_releases_fill_up() {
    let releases = || {
        let versions = [
            "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0",
        ];
        versions.map(plain).to_vec()
    };
    assert_eq!(
        pairs(releases(), &[]),
        ["1.5.0>1.6.0", "1.4.0>1.6.0", "1.3.0>1.6.0"]
    );
    assert_eq!(
        pairs(
            releases(),
            &[("1.0.0", 9), ("1.6.0", 50), ("7.0.0", 50), ("1.1.0", 9)]
        ),
        ["1.1.0>1.6.0", "1.0.0>1.6.0", "1.5.0>1.6.0"]
    );
    let large: Vec<(&str, u64)> = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0"]
        .into_iter()
        .zip(1..)
        .collect();
    assert_eq!(pairs(releases(), &large).len(), DELTA_FLEET_BASES);
}

#[test]
fn no_source_is_one_that_cannot_take_the_release_or_that_its_followers_cannot_have() {
    let newest = release("2.0.0", |release| {
        release.minimum_client_version = "1.5.0".parse().unwrap();
    });
    let draft = release("1.8.0", |release| release.state = ReleaseState::Draft);
    let recalled = release("1.7.0", |release| release.state = ReleaseState::Recalled);
    let releases = vec![
        newest,
        draft,
        recalled,
        on("1.6.0", "beta"),
        release("1.5.0", |release| release.state = ReleaseState::Inactive),
        release("1.4.0", |release| release.state = ReleaseState::Inactive),
    ];
    let running = [
        ("1.8.0", 1),
        ("1.7.0", 1),
        ("1.6.0", 1),
        ("1.5.0", 1),
        ("1.4.0", 1),
    ];
    let to_newest = |pairs: Vec<String>| -> Vec<String> {
        let pairs = pairs.into_iter();
        pairs.filter(|pair| pair.ends_with(">2.0.0")).collect()
    };
    assert_eq!(
        to_newest(pairs(releases, &running)),
        ["1.7.0>2.0.0", "1.5.0>2.0.0"]
    );
}

#[test]
fn only_what_clients_can_be_offered_gets_deltas_the_newest_of_each_channel_first() {
    let compressed = |releases: Vec<Arc<Release>>| -> Vec<String> {
        let built = built(releases, Vec::new(), &[]).into_iter();
        let from_nothing =
            |line: String| Some(line.strip_prefix("none>")?.strip_suffix(" jar")?.to_owned());
        built.filter_map(from_nothing).collect()
    };
    let with = |version: &str, minimum: &str, rollout: u8| {
        release(version, |release| {
            release.minimum_client_version = minimum.parse().unwrap();
            release.rollout_percentage = rollout;
        })
    };
    // Hidden behind what everybody takes; not active; offered to nobody.
    let off = release("1.3.0", |release| release.state = ReleaseState::Inactive);
    let releases = vec![
        plain("1.0.0"),
        plain("1.1.0"),
        off,
        with("1.4.0", "0.0.0", 0),
    ];
    assert_eq!(compressed(releases), ["1.1.0"]);
    // A beta goes to its followers only; a newer stable one hides it.
    let releases = vec![plain("1.0.0"), on("1.1.0", "beta"), on("1.2.0", "alpha")];
    assert_eq!(compressed(releases), ["1.0.0", "1.1.0", "1.2.0"]);
    assert_eq!(
        compressed(vec![on("1.1.0", "beta"), plain("1.2.0")]),
        ["1.2.0"]
    );
    // Stepping stones, and what a rollout leaves.
    let releases = vec![
        with("1.0.0", "0.0.0", 100),
        with("1.5.0", "1.0.0", 100),
        with("1.8.0", "1.5.0", 100),
        with("1.9.0", "1.5.0", 100),
        with("2.0.0", "1.5.0", 10),
    ];
    assert_eq!(compressed(releases), ["2.0.0", "1.9.0", "1.5.0", "1.0.0"]);
    // Not without end.
    let releases = (0..9).map(|minor| with(&format!("1.{minor}.0"), "0.0.0", 50));
    assert_eq!(compressed(releases.collect()).len(), RELEASES_MAX);
}
