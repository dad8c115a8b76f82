use protocol::{Checksum, ReleaseId};

use super::*;
use crate::store::BlobRef;

/// A release; `edit` changes what matters to the test.
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
        blob: BlobRef {
            checksum: Checksum::from_bytes([0; 32]),
            size_bytes: 1,
        },
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

fn in_state(version: &str, state: ReleaseState) -> Arc<Release> {
    release(version, |release| release.state = state)
}

fn with_minimum(version: &str, minimum: &str) -> Arc<Release> {
    release(version, |release| {
        release.minimum_client_version = minimum.parse().unwrap();
    })
}

fn on_channel(version: &str, channel: &str) -> Arc<Release> {
    release(version, |release| {
        release.channel = channel.parse().unwrap()
    })
}

fn for_platforms(version: &str, platforms: &[&str]) -> Arc<Release> {
    release(version, |release| {
        release.platforms = platforms.iter().map(|name| name.parse().unwrap()).collect();
    })
}

/// A client; it follows `stable` and runs on Linux unless the test says otherwise.
struct Asking {
    version: &'static str,
    channels: &'static [&'static str],
    client_id: Option<&'static str>,
    platform: Option<&'static str>,
}

fn client(version: &'static str) -> Asking {
    Asking {
        version,
        channels: &["stable"],
        client_id: Some("client-4170"),
        platform: Some("linux"),
    }
}

impl Asking {
    fn of(&self, releases: &[Arc<Release>]) -> Offer {
        let catalog = Catalog::new(releases.iter().cloned(), [], 1);
        let channels: Vec<Channel> = self
            .channels
            .iter()
            .map(|name| name.parse().unwrap())
            .collect();
        let client_id: Option<ClientId> = self.client_id.map(|id| id.parse().unwrap());
        let platform: Option<Platform> = self.platform.map(|name| name.parse().unwrap());
        let query = Query {
            current_version: &self.version.parse().unwrap(),
            channels: &channels,
            client_id: client_id.as_ref(),
            platform: platform.as_ref(),
        };
        offer(
            &catalog,
            &Channels::default(),
            &query,
            Timestamp::from_unix_ms(0),
        )
    }

    /// The version to install; there must be no obstacle.
    fn gets(&self, releases: &[Arc<Release>]) -> Option<String> {
        let offer = self.of(releases);
        assert_eq!((&offer.newest, &offer.issue), (&None, &None));
        installs(&offer)
    }
}

fn installs(offer: &Offer) -> Option<String> {
    offer
        .install
        .as_ref()
        .map(|release| release.version.to_string())
}

fn resolution(offer: &Offer) -> &str {
    &offer.issue.as_ref().unwrap().resolution
}

#[test]
fn the_newest_newer_release_is_offered() {
    let releases = [plain("2.9.0"), plain("2.10.0"), plain("1.0.0")];
    assert_eq!(client("2.0.0").gets(&releases).as_deref(), Some("2.10.0"));
    assert_eq!(client("2.10.0").gets(&releases), None);
    assert_eq!(client("2.10.0+local").gets(&releases), None);
    assert_eq!(client("3.0.0").gets(&releases), None);
    assert_eq!(client("2.0.0").gets(&[]), None);
}

#[test]
fn a_release_follows_its_own_pre_releases() {
    let releases = [on_channel("2.1.0-rc.1", "beta"), plain("2.1.0")];
    assert_eq!(
        client("2.1.0-rc.1").gets(&releases).as_deref(),
        Some("2.1.0")
    );
}

#[test]
fn only_active_releases_are_offered() {
    let releases = [
        plain("2.1.0"),
        in_state("2.2.0", ReleaseState::Draft),
        in_state("2.3.0", ReleaseState::Inactive),
        in_state("2.4.0", ReleaseState::Recalled),
    ];
    assert_eq!(client("2.0.0").gets(&releases).as_deref(), Some("2.1.0"));
}

#[test]
fn a_channel_receives_what_the_more_stable_ones_publish_and_nothing_less_stable() {
    let releases = [
        plain("2.1.0"),
        on_channel("2.2.0", "beta"),
        on_channel("2.3.0", "alpha"),
    ];
    let on = |channels| Asking {
        channels,
        ..client("2.0.0")
    };
    assert_eq!(on(&["stable"]).gets(&releases).as_deref(), Some("2.1.0"));
    assert_eq!(on(&["beta"]).gets(&releases).as_deref(), Some("2.2.0"));
    assert_eq!(
        on(&["stable", "alpha"]).gets(&releases).as_deref(),
        Some("2.3.0")
    );
    assert_eq!(on(&[]).gets(&releases), None);
    assert_eq!(on(&["unheard-of"]).gets(&releases), None);
}

#[test]
fn who_is_not_in_the_rollout_gets_the_release_before_it() {
    let partial = release("2.1.0", |release| release.rollout_percentage = 25);
    let releases = [plain("2.0.5"), partial];
    let named = |client_id| Asking {
        client_id,
        ..client("2.0.0")
    };
    // Places 2499 and 2500 of 10000.
    assert_eq!(
        named(Some("client-4170")).gets(&releases).as_deref(),
        Some("2.1.0")
    );
    assert_eq!(
        named(Some("client-484")).gets(&releases).as_deref(),
        Some("2.0.5")
    );
    assert_eq!(named(None).gets(&releases).as_deref(), Some("2.0.5"));
}

#[test]
fn a_client_below_the_minimum_is_led_over_the_newest_stepping_stone() {
    let releases = [
        plain("2.0.4"),
        plain("2.0.5"),
        with_minimum("2.0.9", "2.0.5"),
        with_minimum("2.1.0", "2.0.5"),
    ];
    let offer = client("2.0.0").of(&releases);
    assert_eq!(installs(&offer).as_deref(), Some("2.0.5"));
    assert_eq!(
        offer.newest.as_ref().unwrap().version,
        Version::new(2, 1, 0)
    );
    let issue = offer.issue.unwrap();
    assert_eq!(issue.issue_type, IssueType::MinimumVersion);
    assert_eq!(issue.version, Version::new(2, 1, 0));
    assert_eq!(issue.description, "Client version too old for this update");
    assert_eq!(issue.resolution, "Please update to version 2.0.5 first");
    assert_eq!(issue.client_id.unwrap().as_str(), "client-4170");

    assert_eq!(client("2.0.5").gets(&releases).as_deref(), Some("2.1.0"));
}

#[test]
fn without_a_stepping_stone_the_user_is_told_what_to_do() {
    let offer = client("1.0.0").of(&[plain("0.9.0"), with_minimum("2.1.0", "2.0.0")]);
    assert_eq!(installs(&offer), None);
    assert!(resolution(&offer).starts_with("Please install version 2.0.0 or newer by hand"));
}

#[test]
fn a_platform_that_is_not_listed_is_led_to_the_newest_release_that_runs_there() {
    let releases = [
        plain("2.0.5"),
        for_platforms("2.0.7", &["macos", "linux"]),
        for_platforms("2.1.0", &["Windows", "macos"]),
    ];
    let offer = client("2.0.0").of(&releases);
    assert_eq!(installs(&offer).as_deref(), Some("2.0.7"));
    let issue = offer.issue.as_ref().unwrap();
    assert_eq!(issue.issue_type, IssueType::UnsupportedPlatform);
    assert_eq!(
        issue.description,
        "Version 2.1.0 does not support the platform linux"
    );
    assert!(issue.resolution.contains("2.0.7"));

    let on = |platform| Asking {
        platform,
        ..client("2.0.0")
    };
    assert_eq!(
        on(Some("WINDOWS")).gets(&releases).as_deref(),
        Some("2.1.0")
    );
    assert_eq!(on(None).gets(&releases).as_deref(), Some("2.1.0"));

    let offer = client("2.0.7").of(&releases);
    assert_eq!(installs(&offer), None);
    assert_eq!(
        resolution(&offer),
        "Please stay on version 2.0.7: version 2.1.0 supports Windows, macos only"
    );
}

#[test]
fn the_platform_is_named_first_since_no_other_update_helps_against_it() {
    let blocked = release("2.1.0", |release| {
        release.minimum_client_version = Version::new(2, 0, 5);
        release.platforms = vec!["windows".parse().unwrap()];
    });
    let offer = client("2.0.0").of(&[plain("2.0.5"), blocked]);
    assert_eq!(
        offer.issue.as_ref().unwrap().issue_type,
        IssueType::UnsupportedPlatform
    );
    assert_eq!(installs(&offer).as_deref(), Some("2.0.5"));
}

#[test]
fn a_client_on_a_recalled_release_is_offered_the_newest_older_one() {
    let recalled = |version| in_state(version, ReleaseState::Recalled);
    let releases = [
        plain("2.0.0"),
        plain("2.0.5"),
        in_state("2.0.6", ReleaseState::Inactive),
        on_channel("2.0.7-beta.1", "beta"),
        recalled("2.0.9"),
        recalled("2.1.0"),
    ];
    let offer = client("2.1.0").of(&releases);
    assert_eq!(installs(&offer).as_deref(), Some("2.0.5"));
    assert!(offer.is_rollback);
    assert!(client("2.0.9").of(&releases).is_rollback);
    // Who was toggled off, or runs something that nobody here published, is left where it is.
    assert_eq!(client("2.0.6").of(&releases), Offer::default());
    assert_eq!(client("2.0.8").of(&releases), Offer::default());
    assert_eq!(client("2.0.5").of(&releases), Offer::default());
}

#[test]
fn a_repaired_release_is_better_than_the_way_back() {
    let releases = [
        plain("2.0.5"),
        in_state("2.1.0", ReleaseState::Recalled),
        plain("2.1.1"),
    ];
    let offer = client("2.1.0").of(&releases);
    assert_eq!(
        (installs(&offer).as_deref(), offer.is_rollback),
        (Some("2.1.1"), false)
    );
}

#[test]
fn the_way_back_leads_only_to_what_the_client_can_run() {
    let recalled = in_state("2.1.0", ReleaseState::Recalled);
    let releases = [
        plain("1.0.0"),
        for_platforms("2.0.5", &["windows"]),
        recalled.clone(),
    ];
    assert_eq!(
        installs(&client("2.1.0").of(&releases)).as_deref(),
        Some("1.0.0")
    );
    let offer = client("2.1.0").of(&[recalled]);
    assert_eq!(offer, Offer::default());
}

#[test]
fn a_recalled_client_whose_way_forward_is_blocked_is_told_both() {
    let releases = [
        plain("2.0.5"),
        in_state("2.1.0", ReleaseState::Recalled),
        with_minimum("3.0.0", "2.5.0"),
    ];
    let offer = client("2.1.0").of(&releases);
    assert_eq!(
        (installs(&offer).as_deref(), offer.is_rollback),
        (Some("2.0.5"), true)
    );
    assert!(resolution(&offer).starts_with("Please install version 2.5.0 or newer by hand"));
}
