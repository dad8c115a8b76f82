//! How often a client may come and speak.

use protocol::api::Role;
use serde_json::json;

use crate::harness::{Client, Daemon};

async fn open(daemon: &Daemon, client_id: &str) -> Client {
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("?token={token}&clientId={client_id}"));
    daemon.open(&url, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_connection_limit_a_client_is_let_in_told_and_sent_away() {
    let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 2).await;
    let mut watcher = daemon.watcher(json!({})).await;
    for _ in 0..2 {
        open(&daemon, "a").await.expect("WELCOME").await;
    }
    let mut third = open(&daemon, "a").await;
    let limited = third.expect("RATE_LIMITED").await;
    let retry_after = limited["retryAfter"].as_u64().unwrap();
    assert!((1..=60).contains(&retry_after));
    assert_eq!(
        limited,
        json!({
            "clientId": "a",
            "retryAfter": retry_after,
            "message": format!("Rate limit exceeded. Please retry after {retry_after} seconds"),
            "violationType": "CONNECTION_LIMIT",
            "currentCount": 3,
            "maxAllowed": 2,
            "windowMinutes": 1,
            "timestamp": limited["timestamp"],
        })
    );
    assert_eq!(third.closed().await, 1013);
    open(&daemon, "b").await.expect("WELCOME").await;
    assert_eq!(watcher.expect("RATE_LIMITED").await["clientId"], "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn far_over_the_limit_an_address_is_refused_before_the_upgrade() {
    let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 1).await;
    for n in 0..5 {
        open(&daemon, &format!("client-{n}"))
            .await
            .expect("WELCOME")
            .await;
    }
    let token = daemon.token("user", Role::User);
    let url = daemon.url(&format!("?token={token}&clientId=yet-another"));
    let Err(response) = daemon.open(&url, &[]).await else {
        panic!("it was let in");
    };
    assert_eq!(response.status().as_u16(), 429);
    let retry_after: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&retry_after));
    let body: serde_json::Value =
        serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "RATE_LIMITED");
    assert_eq!(
        body["error"]["details"],
        json!({
            "retryAfter": retry_after,
            "violationType": "CONNECTION_LIMIT",
            "currentCount": 6,
            "maxAllowed": 5,
            "windowMinutes": 1,
        })
    );
}

/// Opens a session from an address of the loopback network; what the daemon says first.
async fn open_from(daemon: &Daemon, address: &str, token: &str) -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket
        .bind(format!("{address}:0").parse().unwrap())
        .unwrap();
    let to = daemon.authority().parse().unwrap();
    let stream = socket.connect(to).await.unwrap();
    let url = daemon.url(&format!("?token={token}"));
    let stream = tokio_tungstenite::MaybeTlsStream::Plain(stream);
    let (stream, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let first = Client { stream }.next().await;
    first["type"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_client_counts_by_user_and_address() {
    let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 1).await;
    let (ada, bob) = (
        daemon.token("ada", Role::User),
        daemon.token("bob", Role::User),
    );
    assert_eq!(open_from(&daemon, "127.0.0.1", &ada).await, "WELCOME");
    assert_eq!(open_from(&daemon, "127.0.0.1", &bob).await, "WELCOME");
    assert_eq!(open_from(&daemon, "127.0.0.2", &ada).await, "WELCOME");
    assert_eq!(open_from(&daemon, "127.0.0.1", &ada).await, "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_the_same_whether_the_url_or_the_header_names_it() {
    let daemon = Daemon::start_with(|config| config.limits.connections_per_minute = 1).await;
    open(&daemon, "a").await.expect("WELCOME").await;
    let token = daemon.token("user", Role::User);
    let headers = [("X-Auth-Token", token.as_str()), ("X-Client-Id", "a")];
    let mut second = daemon.open(&daemon.url(""), &headers).await.unwrap();
    assert_eq!(second.expect("RATE_LIMITED").await["clientId"], "a");
    assert_eq!(second.closed().await, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_client_share_its_message_limit_and_so_do_its_reports() {
    let daemon = Daemon::start_with(|config| config.limits.messages_per_minute = 3).await;
    let (mut first, mut second) = (open(&daemon, "a").await, open(&daemon, "a").await);
    for client in [&mut first, &mut second] {
        client.expect("WELCOME").await;
        client.say(json!({"type": "PING", "data": {}})).await;
        client.expect("HEARTBEAT").await;
    }
    let token = daemon.token("user", Role::User);
    let report = json!({"type": "INSTALLATION_PROGRESS", "data": {
        "version": "2.1.0", "phase": "x", "progressPercentage": 1,
    }});
    let answers = [
        crate::reports::post(&daemon, &token, "?clientId=a", &report).await,
        crate::reports::post(&daemon, &token, "?clientId=a", &report).await,
    ];
    assert!(answers[0].starts_with("HTTP/1.1 200 "), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 429 "), "{}", answers[1]);
    assert!(answers[1].contains(r#""violationType":"MESSAGE_LIMIT""#));
    // Each session is told for itself.
    for client in [&mut first, &mut second] {
        client.say(json!({"type": "PING", "data": {}})).await;
        let limited = client.expect("RATE_LIMITED").await;
        assert_eq!(limited["violationType"], "MESSAGE_LIMIT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_message_limit_messages_are_dropped_and_that_is_said_once() {
    let daemon = Daemon::start_with(|config| config.limits.messages_per_minute = 3).await;
    let mut client = open(&daemon, "a").await;
    client.expect("WELCOME").await;
    for _ in 0..10 {
        client.say(json!({"type": "PING", "data": {}})).await;
    }
    for _ in 0..3 {
        client.expect("HEARTBEAT").await;
    }
    let limited = client.expect("RATE_LIMITED").await;
    assert_eq!(
        (&limited["violationType"], &limited["currentCount"]),
        (&json!("MESSAGE_LIMIT"), &json!(4))
    );
    client.stream.close(None).await.unwrap();
    assert_eq!(client.closed().await, 1005);

    let mut other = open(&daemon, "b").await;
    other.expect("WELCOME").await;
    other.say(json!({"type": "PING", "data": {}})).await;
    other.expect("HEARTBEAT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_client_is_told_of_its_limit_by_its_own_name() {
    let daemon = Daemon::start_with(|config| config.limits.messages_per_minute = 2).await;
    let mut client = daemon.client("desktop-client-123", "2.0.0").await;
    for _ in 0..2 {
        client.say(json!({"type": "PING", "data": {}})).await;
    }
    client.expect("HEARTBEAT").await;
    let limited = client.expect("RATE_LIMITED").await;
    assert_eq!(limited["clientId"], "desktop-client-123");
}
