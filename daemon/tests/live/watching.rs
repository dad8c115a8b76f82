//! Following the fleet: filters, order, and what is kept for who comes back.

use daemon::limit::{LimitKey, rate_limited};
use protocol::Timestamp;
use protocol::api::Role;
use protocol::error::RateLimitDetails;
use protocol::message::{DownloadProgress, ViolationType};
use serde_json::{Value, json};

use crate::harness::{Client, Daemon, NewRelease, keys, release, until};

fn measured(client_id: &str, percentage: u8) -> DownloadProgress {
    DownloadProgress {
        client_id: client_id.parse().unwrap(),
        version: "2.1.0".parse().unwrap(),
        bytes_downloaded: u64::from(percentage),
        total_bytes: 100,
        progress_percentage: percentage,
        download_speed: 10,
        estimated_time_remaining: 3,
        timestamp: Timestamp::now(),
        format: Some("zstd".into()),
        seq: None,
    }
}

async fn expect_all(watcher: &mut Client, kinds: &[&str]) -> Vec<u64> {
    let mut seqs = Vec::new();
    for kind in kinds {
        let data = watcher.expect(kind).await;
        seqs.push(data["seq"].as_u64().unwrap());
    }
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_may_not_watch() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut session = daemon.connect(&token).await;
    session
        .say(json!({"type": "WATCH", "data": {}, "id": "w"}))
        .await;
    assert_eq!(session.expect_error("FORBIDDEN").await["id"], "w");
    let admin = daemon.token("root", Role::Admin);
    daemon.connect(&admin).await.watch(json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_the_life_of_a_client_in_order() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let mut client = daemon.client("a", "2.0.0").await;
    daemon.publish(NewRelease {
        minimum: "2.0.5",
        ..release("2.1.0")
    });
    client.expect("COMPATIBILITY_ISSUE").await;
    daemon.app().hub.download_progress(measured("a", 50));
    client.expect("DOWNLOAD_PROGRESS").await;
    client
        .ask(json!({"type": "INSTALLATION_PROGRESS", "data": {"version": "2.1.0", "phase": "x", "progressPercentage": 1}}))
        .await;
    client.ask(json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": true}})).await;
    client.stream.close(None).await.unwrap();
    expect_all(
        &mut watcher,
        &[
            "CLIENT_CONNECTED",
            "RELEASE_CHANGED",
            "COMPATIBILITY_ISSUE",
            "DOWNLOAD_PROGRESS",
            "INSTALLATION_PROGRESS",
            "INSTALLATION_COMPLETED",
            "CLIENT_DISCONNECTED",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_the_fields_of_the_protocol() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let client = daemon.client("a", "2.0.0").await;
    let connected = watcher.expect("CLIENT_CONNECTED").await;
    let expected = [
        "architecture",
        "channels",
        "clientId",
        "clientVersion",
        "platform",
        "seq",
        "sessionId",
        "timestamp",
    ];
    assert_eq!(keys(&connected), expected.into());
    assert_eq!(connected["channels"], json!(["stable"]));

    daemon.publish(release("2.1.0"));
    let changed = watcher.expect("RELEASE_CHANGED").await;
    let expected = [
        "announcedTo",
        "isMandatory",
        "releaseChannel",
        "rolloutPercentage",
        "seq",
        "state",
        "timestamp",
        "version",
    ];
    assert_eq!(keys(&changed), expected.into());
    assert_eq!(
        (&changed["announcedTo"], &changed["state"]),
        (&json!(1), &json!("ACTIVE"))
    );

    daemon.app().hub.download_progress(measured("a", 50));
    let progress = watcher.expect("DOWNLOAD_PROGRESS").await;
    assert_eq!(progress["format"], "zstd");

    drop(client);
    let disconnected = watcher.expect("CLIENT_DISCONNECTED").await;
    assert_eq!(
        keys(&disconnected),
        ["clientId", "seq", "sessionId", "timestamp"].into()
    );
    assert_eq!(disconnected["sessionId"], connected["sessionId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_limit_is_an_event() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let details = RateLimitDetails {
        retry_after: 60,
        violation_type: ViolationType::DownloadLimit,
        current_count: 4,
        max_allowed: 3,
        window_minutes: 1,
    };
    let client_id = "a".parse().unwrap();
    let key = LimitKey::new(
        &"user".parse().unwrap(),
        Some(&client_id),
        [127, 0, 0, 1].into(),
    );
    daemon.app().hub.rate_limited(
        Some(&client_id),
        rate_limited(&key, &details, Timestamp::now()),
    );
    let data = watcher.expect("RATE_LIMITED").await;
    assert_eq!(
        (&data["clientId"], &data["currentCount"]),
        (&json!("a"), &json!(4))
    );
    assert!(data["seq"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_that_are_connected_are_named_first_in_the_order_in_which_they_came() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut clients = Vec::new();
    // More than one page of them.
    for n in 0..150 {
        let mut client = daemon.connect(&token).await;
        client.register(&format!("client-{n}"), "2.0.0").await;
        clients.push(client);
    }
    drop(clients.remove(3));
    until("one is gone", || {
        daemon.app().hub.connected_sessions() == 149
    })
    .await;
    let admin = daemon.token("root", Role::Admin);
    let mut watcher = daemon.connect(&admin).await;
    let ack = watcher.watch(json!({})).await;
    let mut last = 0;
    for n in (0..150).filter(|n| *n != 3) {
        let data = watcher.expect("CLIENT_CONNECTED").await;
        assert_eq!(data["clientId"], format!("client-{n}"));
        let seq = data["seq"].as_u64().unwrap();
        assert!(seq > last && seq <= ack["seq"].as_u64().unwrap());
        last = seq;
    }
    daemon.publish(release("2.1.0"));
    let changed = watcher.expect("RELEASE_CHANGED").await;
    assert_eq!(
        changed["seq"].as_u64(),
        ack["seq"].as_u64().map(|seq| seq + 1),
        "{ack}"
    );
    assert_eq!(changed["announcedTo"], 149);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_let_only_through_what_matches_all_of_them() {
    let daemon = Daemon::start().await;
    let mut by_client = daemon.watcher(json!({"clientId": "a"})).await;
    let mut by_version = daemon.watcher(json!({"version": "2.1.0"})).await;
    let mut by_channel = daemon.watcher(json!({"channel": "beta"})).await;
    let mut by_two = daemon
        .watcher(json!({"channel": "stable", "version": "2.1.0"}))
        .await;

    let _a = daemon.client("a", "2.0.0").await;
    let _b = daemon.client("b", "2.0.0").await;
    daemon.publish(release("2.1.0"));
    daemon.publish(NewRelease {
        channel: "beta",
        ..release("2.2.0-beta.1")
    });
    daemon.app().hub.download_progress(measured("a", 50));
    daemon.app().hub.download_progress(measured("b", 60));

    expect_all(&mut by_client, &["CLIENT_CONNECTED", "DOWNLOAD_PROGRESS"]).await;
    expect_all(
        &mut by_version,
        &["RELEASE_CHANGED", "DOWNLOAD_PROGRESS", "DOWNLOAD_PROGRESS"],
    )
    .await;
    assert_eq!(
        by_channel.expect("RELEASE_CHANGED").await["version"],
        "2.2.0-beta.1"
    );
    expect_all(
        &mut by_two,
        &["RELEASE_CHANGED", "DOWNLOAD_PROGRESS", "DOWNLOAD_PROGRESS"],
    )
    .await;
    for watcher in [
        &mut by_client,
        &mut by_version,
        &mut by_channel,
        &mut by_two,
    ] {
        watcher.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_told_what_it_missed() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    daemon.publish(release("2.1.0"));
    let last = watcher.expect("RELEASE_CHANGED").await["seq"]
        .as_u64()
        .unwrap();
    watcher.stream.close(None).await.unwrap();

    let _client = daemon.client("a", "2.1.0").await;
    daemon.publish(release("2.2.0"));

    let token = daemon.token("watcher", Role::Publisher);
    let mut watcher = daemon.connect(&token).await;
    let ack = watcher.watch(json!({"since": last})).await;
    assert_eq!(keys(&ack), ["id", "oldestSeq", "seq"].into());
    assert!(
        ack["oldestSeq"].as_u64().unwrap() <= last + 1,
        "nothing was lost"
    );
    let seqs = expect_all(&mut watcher, &["CLIENT_CONNECTED", "RELEASE_CHANGED"]).await;
    assert_eq!(seqs, [last + 1, last + 2]);
    assert_eq!(ack["seq"], last + 2);
    watcher.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_gone_can_tell_from_the_answer() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let ack = watcher.watch(json!({"since": 5})).await;
    assert!(ack["oldestSeq"].as_u64().unwrap() > 6);
    let far = ack["seq"].as_u64().unwrap() + 1_000_000;
    watcher.watch(json!({"since": far})).await;
    daemon.publish(release("2.1.0"));
    watcher.expect("RELEASE_CHANGED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_not_there_yet_goes_on_live() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.0.0"));
    let _client = daemon.client("a", "2.0.0").await;
    let token = daemon.token("watcher", Role::Publisher);
    let mut watcher = daemon.connect(&token).await;
    watcher
        .watch(json!({"since": protocol::limits::SAFE_INTEGER}))
        .await;
    watcher.expect_nothing().await;
    for version in ["2.1.0", "2.2.0"] {
        daemon.publish(release(version));
        assert_eq!(watcher.expect("RELEASE_CHANGED").await["version"], version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unwatch_ends_it() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    assert_eq!(daemon.app().hub.summary().watchers, 1);
    watcher.ask(json!({"type": "UNWATCH", "data": {}})).await;
    daemon.publish(release("2.1.0"));
    watcher.expect_nothing().await;
    assert_eq!(daemon.app().hub.summary().watchers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_is_also_the_client_hears_everything_once() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    watcher.register("a", "2.0.0").await;
    watcher.expect("CLIENT_CONNECTED").await;
    daemon.app().hub.download_progress(measured("a", 50));
    assert!(watcher.expect("DOWNLOAD_PROGRESS").await["seq"].is_u64());
    watcher.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_role_ends_the_watch_and_not_the_session() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let change = protocol::api::UserChange {
        role: Some(Role::User),
        enabled: None,
    };
    let actor = daemon::store::Actor::daemon();
    daemon
        .app()
        .store
        .change_user(&actor, &"watcher".parse().unwrap(), change)
        .unwrap();
    daemon.app().hub.identity_changed();
    watcher.expect_error("FORBIDDEN").await;
    daemon.publish(release("2.1.0"));
    watcher.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_keeps_up_sees_every_step() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    for percentage in 0..=50 {
        daemon
            .app()
            .hub
            .download_progress(measured("a", percentage));
    }
    let seen: Vec<Value> = watcher.drain().await;
    assert_eq!(seen.len(), 51);
}
