//! Sessions that the daemon ends: tokens, silence, mistakes, slow readers, and its own stop.

use std::time::{Duration, Instant};

use daemon::store::Actor;
use futures_util::StreamExt;
use protocol::api::{Role, UserChange};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, Daemon, release, until};

/// What the contract allows between the end of a token and the end of its sessions.
const AT_ONCE: Duration = Duration::from_secs(2);

async fn expect_end_of_token(client: &mut Client) {
    let error = client.expect_error("AUTHENTICATION_FAILED").await;
    assert_eq!(error["message"], "Invalid or expired JWT token");
    assert_eq!(client.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_ends_its_sessions() {
    let daemon = Daemon::start().await;
    let (token, _) = daemon.token_for("user", Role::User, Duration::from_secs(2));
    let mut client = daemon.connect(&token).await;
    let started = Instant::now();
    expect_end_of_token(&mut client).await;
    assert!(started.elapsed() < Duration::from_secs(2) + AT_ONCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_ends_its_sessions_and_no_others() {
    let daemon = Daemon::start().await;
    let (token, id) = daemon.token_for("user", Role::User, Duration::from_secs(60));
    let mut client = daemon.connect(&token).await;
    let mut other = daemon.client("a", "2.0.0").await;
    daemon
        .app()
        .store
        .revoke_token(&Actor::daemon(), &id.to_string())
        .unwrap();
    let started = Instant::now();
    daemon.app().hub.identity_changed();
    expect_end_of_token(&mut client).await;
    assert!(started.elapsed() < AT_ONCE);
    other.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_disabled_loses_its_sessions() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    let change = UserChange {
        role: None,
        enabled: Some(false),
    };
    daemon
        .app()
        .store
        .change_user(&Actor::daemon(), &"user".parse().unwrap(), change)
        .unwrap();
    let started = Instant::now();
    daemon.app().hub.identity_changed();
    expect_end_of_token(&mut client).await;
    assert!(started.elapsed() < AT_ONCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_which_nothing_is_heard_is_ended() {
    let daemon = Daemon::start_with(|config| {
        config.websocket.connection_timeout = Duration::from_millis(300);
    })
    .await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client.expect_error("CONNECTION_TIMEOUT").await;
    assert_eq!(client.closed().await, 1001);
}

#[tokio::test(flavor = "multi_thread")]
async fn pongs_keep_a_session_alive() {
    let daemon = Daemon::start_with(|config| {
        config.websocket.connection_timeout = Duration::from_millis(600);
        config.websocket.heartbeat_interval = Duration::from_millis(100);
    })
    .await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    // Two time-outs long it says nothing but the pongs that its library sends.
    for _ in 0..12 {
        client.expect("HEARTBEAT").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_mistakes_within_a_minute_end_the_session() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    for _ in 0..9 {
        client.say_text("nonsense").await;
        client.expect_error("INVALID_MESSAGE").await;
    }
    client.expect_nothing().await;
    client.say_text("nonsense").await;
    client.expect_error("INVALID_MESSAGE").await;
    assert_eq!(client.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_to_every_session() {
    let daemon = Daemon::start().await;
    let mut first = daemon.client("a", "2.0.0").await;
    let mut second = daemon.client("b", "2.0.0").await;
    let stopping = tokio::spawn(daemon.stop());
    assert_eq!(first.closed().await, 1001);
    assert_eq!(second.closed().await, 1001);
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_read_is_ended_and_delays_nobody() {
    let daemon = Daemon::start().await;
    let mut stalled = daemon.client("a", "2.0.0").await;
    let mut reporter = daemon.client("a", "2.0.0").await;
    let mut other = daemon.client("a", "2.0.0").await;
    // The kernel alone takes more than 4 MB before a send has to wait.
    let message = "x".repeat(1000);
    for n in 0..9000 {
        reporter
            .say(json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": false, "message": message}}))
            .await;
        other.expect("INSTALLATION_COMPLETED").await;
        if n % 1000 == 0 {
            reporter.expect_nothing().await;
        }
    }
    until("the stalled one is gone", || {
        daemon.app().hub.connected_sessions() == 2
    })
    .await;
    // What was on the way can still be read, and behind it why it ends.
    let mut is_told_why = false;
    let code = loop {
        match stalled.stream.next().await {
            Some(Ok(Message::Text(text))) => is_told_why |= text.contains("SLOW_CONSUMER"),
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => {}
            other => panic!("expected the close, not {other:?}"),
        }
    };
    assert_eq!((is_told_why, code), (true, 1013));
    daemon.publish(release("2.1.0"));
    other.expect("NEW_VERSION_AVAILABLE").await;
}
