use protocol::message::Register;

use super::*;
use crate::store::Catalog;

fn hub() -> (Hub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap().store;
    (
        Hub::new(store, Channels::default(), Timestamp::from_unix_ms(1)),
        folder,
    )
}

fn join(hub: &Hub, user: &str) -> Joined {
    hub.join(SessionId::generate(), user.parse().unwrap())
}

fn register(hub: &Hub, joined: &Joined, client_id: &str, platform: &str) {
    let register = Register {
        client_version: Version::new(2, 0, 0),
        client_id: client_id.parse().unwrap(),
        platform: platform.parse().unwrap(),
        architecture: "x64".parse().unwrap(),
        capabilities: Vec::new(),
    };
    joined
        .seat()
        .follower()
        .register(register, Timestamp::from_unix_ms(1));
    hub.registered(joined.seat(), Timestamp::from_unix_ms(1));
}

fn sole_client(hub: &Hub, user: &str) -> Option<String> {
    let client = hub.sole_client_of(&user.parse().unwrap());
    client.map(|client| client.to_string())
}

#[test]
fn a_user_with_one_client_needs_not_name_it() {
    let (hub, _folder) = hub();
    let first = join(&hub, "ada");
    assert_eq!(sole_client(&hub, "ada"), None);
    register(&hub, &first, "a", "linux");
    assert_eq!(sole_client(&hub, "ada").as_deref(), Some("a"));
    assert_eq!(sole_client(&hub, "bob"), None);

    // A session that is no client, as a watcher's, and another one of the same client make no difference.
    let _watcher = join(&hub, "ada");
    let second = join(&hub, "ada");
    register(&hub, &second, "a", "linux");
    assert_eq!(sole_client(&hub, "ada").as_deref(), Some("a"));

    register(&hub, &second, "b", "linux");
    assert_eq!(sole_client(&hub, "ada"), None);
    drop(first);
    assert_eq!(sole_client(&hub, "ada").as_deref(), Some("b"));
    drop(second);
    assert_eq!(sole_client(&hub, "ada"), None);
}

#[test]
fn the_summary_counts_sessions_by_what_they_are() {
    let (hub, _folder) = hub();
    let first = join(&hub, "ada");
    let second = join(&hub, "ada");
    let third = join(&hub, "ada");
    register(&hub, &first, "a", "linux");
    register(&hub, &second, "a", "linux");
    register(&hub, &third, "b", "windows");
    third.seat().follower().subscribe(
        "beta".parse().unwrap(),
        &Catalog::default(),
        &Channels::default(),
    );
    let _watching = hub.watch(join(&hub, "root").seat(), event::Filter::default(), None);
    let summary = hub.summary();
    assert_eq!(
        (summary.sessions, summary.clients, summary.watchers),
        (3, 2, 0),
        "the watcher has left"
    );
    assert_eq!(
        summary.by_platform,
        BTreeMap::from([("linux".into(), 2), ("windows".into(), 1)])
    );
    assert_eq!(
        summary.by_channel,
        BTreeMap::from([("beta".into(), 1), ("stable".into(), 3)])
    );
    assert_eq!(
        summary.by_version,
        BTreeMap::from([(Version::new(2, 0, 0), 3)])
    );
}

#[test]
fn a_session_that_leaves_leaves_nothing_behind() {
    let (hub, _folder) = hub();
    for n in 0..10 {
        let joined = join(&hub, "ada");
        register(&hub, &joined, &format!("client-{n}"), "linux");
        register(&hub, &joined, &format!("other-{n}"), "linux");
    }
    assert_eq!(hub.connected_sessions(), 0);
    assert_eq!(hub.summary(), HubSummary::default());
    assert!(!hub.is_followed(&"client-1".parse().unwrap()));
    assert_eq!(hub.version_of(&"other-1".parse().unwrap()), None);
}

#[test]
fn progress_is_for_the_client_and_once_somebody_watched_for_everybody() {
    let (hub, _folder) = hub();
    let client = join(&hub, "ada");
    register(&hub, &client, "a", "linux");
    assert!(hub.is_followed(&"a".parse().unwrap()));
    assert!(!hub.is_followed(&"b".parse().unwrap()));
    let watcher = join(&hub, "root");
    let _watching = hub.watch(watcher.seat(), event::Filter::default(), None);
    drop(watcher);
    // It may come back and ask for what it missed.
    assert!(hub.is_followed(&"b".parse().unwrap()));
}

#[test]
fn an_announcement_is_written_once_for_all_who_send_it_at_the_same_moment() {
    let (hub, _folder) = hub();
    let now = Timestamp::from_unix_ms(1_700_000_000_000);
    let release = |version: &str| {
        Arc::new(Release {
            id: protocol::ReleaseId::generate(),
            version: version.parse().unwrap(),
            channel: protocol::Channel::stable(),
            state: protocol::api::ReleaseState::Active,
            is_mandatory: false,
            release_notes: "".into(),
            minimum_client_version: Version::ZERO,
            file_name: "app.jar".into(),
            blob: crate::store::BlobRef {
                checksum: protocol::Checksum::from_bytes([0; 32]),
                size_bytes: 1,
            },
            rollout_percentage: 100,
            platforms: Vec::new(),
            signature: None,
            created_by: "admin".parse().unwrap(),
            created_at: now,
            updated_at: now,
            revision: 1,
        })
    };
    let (one, two) = (release("2.1.0"), release("2.2.0"));
    let text = hub.announcement(&one, None, now);
    let again = hub.announcement(&one, None, Timestamp::from_unix_ms(now.unix_ms() + 999));
    assert_eq!(text.as_ptr(), again.as_ptr());
    let later = hub.announcement(&one, None, Timestamp::from_unix_ms(now.unix_ms() + 1000));
    assert_ne!(text, later, "its timestamp is when it was sent");
    assert!(hub.announcement(&two, None, now).contains("2.2.0"));
    assert!(
        hub.announcement(&two, Some(true), now)
            .contains("isRollback")
    );
    assert!(!hub.announcement(&two, None, now).contains("isRollback"));
}
