//! Who is told of which release, when, and how often.

use daemon::store::{Actor, ReleaseUpdate};
use protocol::api::{ReleaseState, Role};
use serde_json::{Value, json};

use crate::harness::{Daemon, NewRelease, keys, release};

fn on(channel: &'static str, version: &'static str) -> NewRelease {
    NewRelease {
        channel,
        ..release(version)
    }
}

fn versions(messages: &[Value]) -> Vec<&str> {
    let offers = messages
        .iter()
        .filter(|message| message["type"] == "NEW_VERSION_AVAILABLE");
    offers
        .map(|message| message["data"]["version"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_is_told_when_it_registers() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    daemon.publish(release("2.2.0"));
    let mut client = daemon.client("a", "2.0.0").await;
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.2.0"
    );
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_registers_follows_the_stable_channel() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("desktop-client-9f0c", "2.0.0").await;
    daemon.publish(on("beta", "2.1.0-beta.1"));
    daemon.publish(release("2.1.0"));
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0"
    );
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_less_stable_channel_also_hears_the_more_stable_ones() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut beta = daemon.connect(&token).await;
    beta.subscribe("beta").await;
    beta.register("b", "2.0.0").await;
    let mut stable = daemon.client("s", "2.0.0").await;

    daemon.publish(on("beta", "2.1.0-beta.1"));
    assert_eq!(
        beta.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0-beta.1"
    );
    daemon.publish(release("2.1.0"));
    assert_eq!(
        beta.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0"
    );
    daemon.publish(on("alpha", "3.0.0-alpha.1"));
    beta.expect_nothing().await;
    assert_eq!(versions(&stable.drain().await), ["2.1.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_and_subscribing_at_once_tells_once() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    let mut client = daemon.client("a", "2.0.0").await;
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": "stable"}}))
        .await;
    assert_eq!(versions(&client.drain().await), ["2.1.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_to_more_catches_up_on_it() {
    let daemon = Daemon::start().await;
    daemon.publish(on("beta", "2.1.0-beta.1"));
    let mut client = daemon.client("a", "2.0.0").await;
    client.expect_nothing().await;
    client.subscribe("beta").await;
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0-beta.1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_was_left_is_not_heard_any_more() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    client
        .ask(json!({"type": "UNSUBSCRIBE", "data": {"channel": "stable"}}))
        .await;
    daemon.publish(release("2.1.0"));
    client.expect_nothing().await;
    client.register("a", "2.0.0").await;
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn toggling_a_release_off_and_on_announces_it_to_nobody_twice() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    daemon.publish(release("2.1.0"));
    client.expect("NEW_VERSION_AVAILABLE").await;
    for state in [ReleaseState::Inactive, ReleaseState::Active] {
        let state = Some(state);
        daemon.change(
            "2.1.0",
            ReleaseUpdate {
                state,
                ..ReleaseUpdate::default()
            },
        );
    }
    client.expect_nothing().await;
    let mut other = daemon.client("b", "2.0.0").await;
    other.expect("NEW_VERSION_AVAILABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_announced_when_it_becomes_active() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    let draft = daemon.add(release("2.1.0"), ReleaseState::Draft);
    daemon.app().hub.release_changed(&draft);
    client.expect_nothing().await;
    let state = Some(ReleaseState::Active);
    daemon.change(
        "2.1.0",
        ReleaseUpdate {
            state,
            ..ReleaseUpdate::default()
        },
    );
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn raising_a_rollout_tells_those_who_come_in_and_nobody_twice() {
    let daemon = Daemon::start().await;
    // Places in the rollout of 2.1.0: 2499 and 2500 of 10000.
    let mut early = daemon.client("client-4170", "2.0.0").await;
    let mut late = daemon.client("client-484", "2.0.0").await;
    daemon.publish(NewRelease {
        rollout: 25,
        ..release("2.1.0")
    });
    early.expect("NEW_VERSION_AVAILABLE").await;
    late.expect_nothing().await;
    let rollout_percentage = Some(26);
    daemon.change(
        "2.1.0",
        ReleaseUpdate {
            rollout_percentage,
            ..ReleaseUpdate::default()
        },
    );
    late.expect("NEW_VERSION_AVAILABLE").await;
    early.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_too_old_is_told_so_and_offered_a_stepping_stone() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.0.5"));
    daemon.publish(NewRelease {
        minimum: "2.0.5",
        ..release("2.1.0")
    });
    let mut client = daemon.client("desktop-client-123", "2.0.0").await;
    let issue = client.expect("COMPATIBILITY_ISSUE").await;
    assert_eq!(
        issue,
        json!({
            "clientId": "desktop-client-123",
            "version": "2.1.0",
            "issueType": "MINIMUM_VERSION",
            "description": "Client version too old for this update",
            "resolution": "Please update to version 2.0.5 first",
            "timestamp": issue["timestamp"],
        })
    );
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.0.5"
    );
    client.expect_nothing().await;

    // Once it stands on the stone, the next step is within reach.
    let result = json!({"version": "2.0.5", "success": true});
    client
        .say(json!({"type": "INSTALLATION_COMPLETED", "data": result}))
        .await;
    assert_eq!(
        client.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_not_listed_is_told_so_in_place_of_the_announcement() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut linux = daemon.connect(&token).await;
    linux.register_as("l", "2.0.0", "linux", json!([])).await;
    let mut windows = daemon.client("w", "2.0.0").await;
    daemon.publish(NewRelease {
        platforms: &["Windows"],
        ..release("2.1.0")
    });
    let issue = linux.expect("COMPATIBILITY_ISSUE").await;
    assert_eq!(issue["issueType"], "UNSUPPORTED_PLATFORM");
    linux.expect_nothing().await;
    windows.expect("NEW_VERSION_AVAILABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_on_a_recalled_release_is_offered_the_way_back() {
    let daemon = Daemon::start().await;
    let old = daemon.publish(release("2.0.0"));
    let bad = daemon.publish(release("2.1.0"));
    let token = daemon.token("user", Role::User);
    let mut plain = daemon.client("plain", "2.1.0").await;
    let mut extended = daemon.connect(&token).await;
    extended
        .register_as("extended", "2.1.0", "linux", json!(["extended"]))
        .await;

    let app = daemon.app();
    app.store
        .roll_back_channel(&Actor::daemon(), &old.channel, old.id, &[bad.id])
        .unwrap();
    let recalled = app.store.catalog().by_id(bad.id).unwrap().clone();
    app.hub.release_changed(&recalled);

    let back = plain.expect("NEW_VERSION_AVAILABLE").await;
    assert_eq!(back["version"], "2.0.0");
    assert!(!keys(&back).contains("isRollback"));
    let back = extended.expect("NEW_VERSION_AVAILABLE").await;
    assert_eq!(
        (&back["version"], &back["isRollback"]),
        (&json!("2.0.0"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_again_replaces_what_was_said() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.1.0").await;
    daemon.publish(release("2.1.0"));
    client.expect_nothing().await;
    client.register("b", "2.0.0").await;
    client.expect("NEW_VERSION_AVAILABLE").await;
    let summary = daemon.app().hub.summary();
    assert_eq!((summary.sessions, summary.clients), (1, 1));
    assert_eq!(
        daemon.app().hub.sole_client_of(&"user".parse().unwrap()),
        Some("b".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_up_to_date_client_and_one_ahead_of_everything_are_left_alone() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    daemon.client("a", "2.1.0").await.expect_nothing().await;
    daemon
        .client("b", "2.1.0+local")
        .await
        .expect_nothing()
        .await;
    daemon.client("c", "9.0.0").await.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_subscribes_hears_of_what_is_published_from_then_on() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.0.0"));
    let mut watcher = daemon.watcher(json!({})).await;
    let token = daemon.token("user", Role::User);
    let mut listener = daemon.connect(&token).await;
    let mut silent = daemon.connect(&token).await;
    listener.subscribe("stable").await;
    listener.expect_nothing().await;
    daemon.publish(NewRelease {
        rollout: 99,
        ..release("2.2.0")
    });
    listener.expect_nothing().await;
    assert_eq!(watcher.expect("RELEASE_CHANGED").await["announcedTo"], 0);

    daemon.publish(release("2.1.0"));
    assert_eq!(
        listener.expect("NEW_VERSION_AVAILABLE").await["version"],
        "2.1.0"
    );
    assert_eq!(watcher.expect("RELEASE_CHANGED").await["announcedTo"], 1);
    silent.expect_nothing().await;
    listener.register("a", "2.0.0").await;
    assert!(!versions(&listener.drain().await).contains(&"2.1.0"));
}
