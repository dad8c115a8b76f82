//! What a session over SockJS says, hears, and may not do: the same as over a WebSocket.

use protocol::api::Role;
use serde_json::json;

use crate::harness::{Daemon, release, until};
use crate::page::{Frame, Page, TRANSPORTS, Transport, refusal};

/// What breaks transports that do not escape it.
const NOTES: &str =
    "100% </script><script>alert(1)</script> a\u{2028}b\u{2029}c \u{1f600} \"\\ %41";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_registers_and_hears_of_releases() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let mut page = Page::open(&daemon, transport).await;
        page.register("a", "2.0.0").await;
        let mut other = daemon.client("a", "2.0.0").await;
        let mut new = release("2.1.0");
        new.notes = NOTES;
        daemon.publish(new);
        let announced = page.expect("NEW_VERSION_AVAILABLE").await;
        assert_eq!(announced, other.expect("NEW_VERSION_AVAILABLE").await);
        assert_eq!(announced["releaseNotes"], NOTES);

        page.say(json!({
            "type": "INSTALLATION_PROGRESS",
            "data": {"version": "2.1.0", "phase": "extracting", "progressPercentage": 75}
        }))
        .await;
        let progress = other.expect("INSTALLATION_PROGRESS").await;
        assert_eq!(progress["clientId"], "a");
        // A session is told of one version once.
        page.say(json!({"type": "SUBSCRIBE", "data": {"channel": "stable"}}))
            .await;
        page.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_the_fleet() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let token = daemon.token("watcher", Role::Publisher);
        let mut page = Page::open_with(&daemon, transport, &format!("token={token}")).await;
        page.say(json!({"type": "WATCH", "id": "w", "data": {}}))
            .await;
        page.expect("ACK").await;
        let _client = daemon.client("b", "2.0.0").await;
        assert_eq!(page.expect("CLIENT_CONNECTED").await["clientId"], "b");
        daemon.publish(release("2.1.0"));
        assert_eq!(page.expect("RELEASE_CHANGED").await["version"], "2.1.0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_in_one_request_are_taken_in_their_order() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let mut page = Page::open(&daemon, transport).await;
        let ping = |n: usize| json!({"type": "PING", "id": n.to_string(), "data": {}}).to_string();
        page.say_texts(&(0..200).map(ping).collect::<Vec<_>>())
            .await;
        for n in 0..200 {
            page.expect("HEARTBEAT").await;
            assert_eq!(page.expect("ACK").await["id"], n.to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_same_size_limit_however_it_is_escaped() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start().await;
        let mut page = Page::open(&daemon, transport).await;
        // Sixteen thousand emoji are 64 KiB, and three times as much with escapes.
        let escaped = "\\ud83d\\ude00".repeat(16 * 1024);
        let body = format!("[\"{escaped}\"]");
        assert_eq!(
            page.post("xhr_send")
                .body(body)
                .send()
                .await
                .unwrap()
                .status(),
            204
        );
        page.expect_error("INVALID_MESSAGE").await;
        page.expect_nothing().await;
        page.say_texts(&["x".repeat(64 * 1024 + 1)]).await;
        page.expect_error("MESSAGE_TOO_LARGE").await;
        assert_eq!(page.closed().await, 1009);

        let mut page = Page::open(&daemon, transport).await;
        let body = format!("[\"{}\"]", "x".repeat(600 * 1024));
        assert_eq!(
            page.post("xhr_send")
                .body(body)
                .send()
                .await
                .unwrap()
                .status(),
            413
        );
        page.expect_error("MESSAGE_TOO_LARGE").await;
        assert_eq!(page.closed().await, 1009);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_limit_counts_sessions_and_not_requests() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 2).await;
        let token = daemon.token("user", Role::User);
        let query = format!("token={token}&clientId=a");
        for _ in 0..2 {
            let mut page = Page::open_with(&daemon, transport, &query).await;
            for _ in 0..5 {
                page.expect_nothing().await;
            }
        }
        let mut third = Page::new(&daemon, transport, &query);
        assert_eq!(third.next_frame().await, Frame::Open);
        let limited = third.expect("RATE_LIMITED").await;
        assert_eq!(limited["violationType"], "CONNECTION_LIMIT");
        assert_eq!(
            (&limited["currentCount"], &limited["maxAllowed"]),
            (&json!(3), &json!(2))
        );
        assert_eq!(third.closed().await, 1013);
        // Over a WebSocket it is the same client.
        let mut client = daemon
            .open(&daemon.url(&format!("?{query}")), &[])
            .await
            .unwrap();
        assert_eq!(client.expect("RATE_LIMITED").await["currentCount"], 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn far_over_the_limit_an_address_is_refused_before_a_session_begins() {
    let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 1).await;
    let token = daemon.token("user", Role::User);
    let mut pages = Vec::new();
    for n in 0..5 {
        let query = format!("token={token}&clientId=client-{n}");
        pages.push(Page::open_with(&daemon, Transport::Polling, &query).await);
    }
    let query = format!("token={token}&clientId=yet-another");
    let page = Page::new(&daemon, Transport::Polling, &query);
    let origin = format!("http://{}", daemon.authority());
    let asked = page.post("xhr").header("Origin", &origin);
    let (status, headers, code) = refusal(asked).await;
    assert_eq!((status, code.as_str()), (429, "RATE_LIMITED"));
    assert_eq!(headers["access-control-allow-origin"], origin.as_str());
    let retry_after: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&retry_after));
    assert_eq!(daemon.app().hub.connected_sessions(), 5);
    // Those that are in go on.
    for page in &mut pages {
        page.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_message_limit_messages_are_dropped_and_that_is_said_once() {
    for transport in TRANSPORTS {
        let daemon = Daemon::start_with(|config| config.limits.messages_per_minute = 3).await;
        let mut page = Page::open(&daemon, transport).await;
        let ping = json!({"type": "PING", "data": {}}).to_string();
        page.say_texts(&vec![ping; 10]).await;
        for _ in 0..3 {
            page.expect("HEARTBEAT").await;
        }
        let limited = page.expect("RATE_LIMITED").await;
        assert_eq!(limited["violationType"], "MESSAGE_LIMIT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_hangs_up_leaves_nothing_behind() {
    let daemon = Daemon::start().await;
    let mut page = Page::open(&daemon, Transport::Streaming).await;
    page.expect_nothing().await;
    assert_eq!(daemon.app().hub.connected_sessions(), 1);
    drop(page);
    until("it is gone", || daemon.app().hub.connected_sessions() == 0).await;
}
