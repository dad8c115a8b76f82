use protocol::message::Register;

use super::*;
use crate::store::Catalog;

fn hub() -> (Hub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap().store;
    let started_at = Timestamp::from_unix_ms(1);
    let hub = Hub::open(store, Channels::default(), folder.path(), started_at);
    (hub, folder)
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

/// The hub of a daemon that starts on the same folder.
fn hub_again(folder: &tempfile::TempDir) -> Hub {
    let store = Store::open(folder.path()).unwrap().store;
    let started_at = Timestamp::from_unix_ms(2);
    Hub::open(store, Channels::default(), folder.path(), started_at)
}

fn report(hub: &Hub, client_id: &str) {
    let completed = event::tests::completed(client_id);
    let client_id = client_id.parse().unwrap();
    let version = Version::new(2, 1, 0);
    hub.relay(completed.message().clone(), &client_id, &version, None);
}

/// How many events a watcher gets that has seen everything up to a position.
fn events_after(hub: &Hub, since: u64) -> usize {
    let watcher = join(hub, "ada");
    let mut watching = hub.watch(watcher.seat(), event::Filter::default(), Some(since));
    assert!(watching.oldest_seq <= since + 1, "nothing is missing");
    let mut events = 0;
    loop {
        match hub.read_watch(&mut watching).unwrap().len() {
            0 => return events,
            page => events += page,
        }
    }
}

#[test]
fn a_hub_that_starts_again_goes_on_where_the_one_before_was() {
    let (hub, folder) = hub();
    let watcher = join(&hub, "ada");
    let since = hub
        .watch(watcher.seat(), event::Filter::default(), None)
        .seq;
    drop(watcher);
    report(&hub, "a");
    drop(hub); // Without a word, as one that is killed.
    let hub = hub_again(&folder);
    assert!(hub.is_followed(&"a".parse().unwrap()), "somebody watched");
    report(&hub, "b");
    assert_eq!(events_after(&hub, since), 2);
    hub.stop_events().unwrap();
    drop(hub);
    assert_eq!(events_after(&hub_again(&folder), since), 2);
}

#[test]
fn the_file_of_events_stays_as_small_as_what_is_kept() {
    let (hub, folder) = hub();
    let lines = || {
        let text = std::fs::read_to_string(folder.path().join("events.log"));
        text.unwrap().lines().count()
    };
    for n in 0..25_000 {
        report(&hub, &format!("client-{n}"));
    }
    assert_eq!(lines(), 25_001);
    hub.tend_events().unwrap();
    assert!((9_000..=10_001).contains(&lines()), "{}", lines());
    report(&hub, "last");
    let position_and_count = |hub: &Hub| {
        let stream = hub.stream();
        (stream.log.oldest_seq(), stream.log.events().count())
    };
    let before = position_and_count(&hub);
    drop(hub);
    let hub = hub_again(&folder);
    assert_eq!(position_and_count(&hub), before);
    let (oldest, count) = before;
    assert_eq!(events_after(&hub, oldest - 1), count);
}

#[test]
fn after_a_write_that_failed_the_file_is_made_again() {
    let (hub, folder) = hub();
    report(&hub, "a");
    hub.stream()
        .file
        .give_up(&std::io::Error::other("the disk is full"));
    let since = hub.stream().log.oldest_seq() - 1;
    report(&hub, "b");
    hub.tend_events().unwrap();
    report(&hub, "c");
    drop(hub);
    assert_eq!(events_after(&hub_again(&folder), since), 3);
}
