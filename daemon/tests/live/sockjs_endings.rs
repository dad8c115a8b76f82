//! Sessions over SockJS that the daemon ends: tokens, silence, mistakes, slow readers, and its own stop.

use std::time::Duration;

use daemon::store::Actor;
use futures_util::StreamExt;
use protocol::api::Role;
use serde_json::json;

use crate::harness::{Client, Daemon, PATIENCE, release, until};
use crate::page::{Frame, Page, TRANSPORTS, Transport, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_ends_its_sessions_and_they_hear_why() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let (token, _) = daemon.token_for("user", Role::User, Duration::from_secs(2));
        let mut page = Page::open_with(&daemon, transport, &format!("token={token}")).await;
        page.expect_error("AUTHENTICATION_FAILED").await;
        assert_eq!(page.closed().await, 1008);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_is_good_for_the_goodbye_and_nothing_else() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let (token, id) = daemon.token_for("user", Role::User, Duration::from_secs(60));
        let query = format!("token={token}");
        let mut page = Page::open_with(&daemon, transport, &query).await;
        let mut other = Page::open(&daemon, transport).await;
        page.ask_ahead().await;
        daemon
            .app()
            .store
            .revoke_token(&Actor::daemon(), &id.to_string())
            .unwrap();
        // The session lives until the daemon has looked; a new request is refused already.
        assert_eq!(send(page.post("xhr_send").body("[]")).await.status(), 401);
        daemon.app().hub.identity_changed();
        page.expect_error("AUTHENTICATION_FAILED").await;
        assert_eq!(page.closed().await, 1008);
        assert_eq!(send(page.post("xhr_send").body("[]")).await.status(), 401);
        let fresh = Page::new(&daemon, transport, &query);
        let opening = send(fresh.post(transport.endpoint())).await;
        assert_eq!(opening.status(), 401);
        other.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_waits_for_who_polls_after_its_token_ended() {
    let daemon = Daemon::start().await;
    let (token, id) = daemon.token_for("user", Role::User, Duration::from_secs(60));
    let query = format!("token={token}");
    let mut page = Page::open_with(&daemon, Transport::Polling, &query).await;
    daemon
        .app()
        .store
        .revoke_token(&Actor::daemon(), &id.to_string())
        .unwrap();
    daemon.app().hub.identity_changed();
    until("the session is over", || {
        daemon.app().hub.connected_sessions() == 0
    })
    .await;
    // Another user's token is as bad as it ever was.
    let (strange, strange_id) = daemon.token_for("mallory", Role::User, Duration::from_secs(60));
    daemon
        .app()
        .store
        .revoke_token(&Actor::daemon(), &strange_id.to_string())
        .unwrap();
    page.query = format!("token={strange}");
    assert_eq!(send(page.post("xhr")).await.status(), 401);
    page.query = query;
    page.expect_error("AUTHENTICATION_FAILED").await;
    assert_eq!(page.closed().await, 1008);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_which_nothing_is_heard_is_ended() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start_with(|config| {
            config.websocket.connection_timeout = Duration::from_millis(300);
        })
        .await;
        let mut page = Page::open(&daemon, transport).await;
        page.expect_error("CONNECTION_TIMEOUT").await;
        assert_eq!(page.closed().await, 1001);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_listens_keeps_the_session_alive() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start_with(|config| {
            config.websocket.connection_timeout = Duration::from_secs(1);
            config.websocket.heartbeat_interval = Duration::from_millis(100);
        })
        .await;
        let mut page = Page::open(&daemon, transport).await;
        // Two time-outs long.
        for _ in 0..20 {
            page.expect("HEARTBEAT").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_mistakes_within_a_minute_end_the_session() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let mut page = Page::open(&daemon, transport).await;
        page.say_texts(&vec!["nonsense".to_owned(); 20]).await;
        for _ in 0..10 {
            page.expect_error("INVALID_MESSAGE").await;
        }
        assert_eq!(page.closed().await, 1008);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_to_every_session_that_listens() {
    let daemon = Daemon::start().await;
    let mut pages = Vec::new();
    for transport in TRANSPORTS {
        let mut page = Page::open(&daemon, transport).await;
        page.ask_ahead().await;
        pages.push(page);
    }
    // One that is between two polls holds nothing up.
    let _away = Page::open(&daemon, Transport::Polling).await;
    let stopping = tokio::spawn(daemon.stop());
    for mut page in pages {
        let goodbye = Frame::Close(1001, "the daemon is stopping".into());
        assert_eq!(page.next_frame().await, goodbye);
    }
    let stopped = tokio::time::timeout(Duration::from_secs(4), stopping);
    stopped.await.expect("within less than the grace").unwrap();
}

/// Reports of another session of client `a`, each a kilobyte, which a third one hears without delay.
async fn report_a_lot(daemon: &Daemon, count: usize) -> (Client, Client) {
    let mut reporter = daemon.client("a", "2.0.0").await;
    let mut other = daemon.client("a", "2.0.0").await;
    let data = json!({"version": "2.1.0", "success": false, "message": "x".repeat(1000)});
    let report = json!({"type": "INSTALLATION_COMPLETED", "data": data});
    for _ in 0..count {
        reporter.say(report.clone()).await;
        other.expect("INSTALLATION_COMPLETED").await;
    }
    (reporter, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_does_not_read_is_told_so_and_delays_nobody() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("/000/stalled/websocket?token={token}"));
    let mut stalled = daemon.open(&url, &[]).await.unwrap();
    let registration = r#"{"type":"REGISTER","data":{"clientVersion":"2.0.0","clientId":"a","platform":"x","architecture":"x"}}"#;
    stalled.say(json!([registration])).await;
    // More than the kernel takes for a session that does not read.
    let (_reporter, mut other) = report_a_lot(&daemon, 3000).await;
    until("the stalled one is gone", || {
        daemon.app().hub.connected_sessions() == 2
    })
    .await;
    // What was on the way can still be read, and behind it why it ends.
    let reading = stalled
        .stream
        .filter_map(async |frame| frame.ok()?.into_text().ok());
    let frames = tokio::time::timeout(PATIENCE, reading.collect::<Vec<_>>()).await;
    let frames = frames.expect("an end");
    assert!(frames.iter().any(|frame| frame.contains("SLOW_CONSUMER")));
    assert!(
        frames
            .iter()
            .any(|frame| *frame == "c[1013,\"slow consumer\"]")
    );
    daemon.publish(release("2.1.0"));
    other.expect("NEW_VERSION_AVAILABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streaming_client_that_does_not_read_is_forgotten_and_delays_nobody() {
    let daemon = Daemon::start().await;
    let mut stalled = Page::open(&daemon, Transport::Streaming).await;
    stalled.register("a", "2.0.0").await;
    // The response ends at its limit, and nobody comes for the next one.
    let (_reporter, mut other) = report_a_lot(&daemon, 600).await;
    until("the stalled one is gone", || {
        daemon.app().hub.connected_sessions() == 2
    })
    .await;
    daemon.publish(release("2.1.0"));
    other.expect("NEW_VERSION_AVAILABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_polls_no_more_is_forgotten() {
    let daemon = Daemon::start().await;
    let mut page = Page::open(&daemon, Transport::Polling).await;
    page.register("a", "2.0.0").await;
    let mut other = daemon.client("a", "2.0.0").await;
    until("it is gone", || daemon.app().hub.connected_sessions() == 1).await;
    other.expect_nothing().await;
    // The id is free for a session of its own.
    assert_eq!(page.next_frame().await, Frame::Open);
}
