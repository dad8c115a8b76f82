//! Single messages: what they are answered with, and that they have exactly the fields of the specification.

use protocol::api::Role;
use serde_json::{Value, json};

use crate::harness::{Daemon, keys, release};

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_speaks_first_and_says_welcome() {
    let daemon = Daemon::start_with(|config| {
        config.websocket.heartbeat_interval = std::time::Duration::from_secs(30);
    })
    .await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon
        .open(&daemon.url(""), &[("X-Auth-Token", &token)])
        .await
        .unwrap();
    let welcome = client.next().await;
    assert_eq!(keys(&welcome), ["data", "type"].into());
    assert_eq!(welcome["type"], "WELCOME");
    assert_eq!(
        keys(&welcome["data"]),
        ["heartbeatInterval", "serverTime", "sessionId"].into()
    );
    assert_eq!(welcome["data"]["heartbeatInterval"], 30000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_has_exactly_the_fields_of_the_specification() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("desktop-client-123", "2.0.0").await;
    let mut new = release("2.1.0");
    new.minimum = "2.0.0";
    daemon.publish(new);
    let data = client.expect("NEW_VERSION_AVAILABLE").await;
    let timestamp = data["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z'));
    assert_eq!(
        data,
        json!({
            "version": "2.1.0",
            "isMandatory": false,
            "releaseNotes": "Bug fixes and improvements",
            "downloadUrl": "/api/v1/updates/download/2.1.0",
            "fileSize": 52_428_800,
            "checksum": "07".repeat(32),
            "minimumClientVersion": "2.0.0",
            "releaseChannel": "stable",
            "timestamp": timestamp,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_answered_with_a_heartbeat_that_counts_the_sessions() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut first = daemon.connect(&token).await;
    let _second = daemon.connect(&token).await;
    first
        .say(json!({"type": "PING", "data": {"timestamp": "2024-01-15T10:30:00Z"}}))
        .await;
    let heartbeat = first.expect("HEARTBEAT").await;
    assert_eq!(keys(&heartbeat), ["connectedClients", "timestamp"].into());
    assert_eq!(heartbeat["connectedClients"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_come_by_themselves() {
    let daemon = Daemon::start_with(|config| {
        config.websocket.heartbeat_interval = std::time::Duration::from_millis(100);
    })
    .await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client.expect("HEARTBEAT").await;
    client.expect("HEARTBEAT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_has_exactly_the_fields_of_the_specification() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": 5}}))
        .await;
    let error = client.expect_error("INVALID_MESSAGE").await;
    assert_eq!(keys(&error), ["code", "message", "timestamp"].into());
    assert!(
        error["message"].as_str().unwrap().starts_with("channel: "),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_asked_for_more_gets_the_refused_fields_one_by_one() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client
        .register_as("a", "2.0.0", "linux", json!(["extended", "unheard-of"]))
        .await;
    client
        .say(json!({"type": "INSTALLATION_PROGRESS", "data": {"version": "2.1", "phase": ""}}))
        .await;
    let error = client.expect_error("INVALID_MESSAGE").await;
    let fields: Vec<&Value> = error["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["field"])
        .collect();
    assert_eq!(fields, ["version", "progressPercentage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_texts_are_refused_and_the_session_lives_on() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let texts = [
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "5",
        "{",
        "{}",
        r#"{"type":5,"data":{}}"#,
        r#"{"type":null,"data":{}}"#,
        r#"{"type":"register","data":{}}"#,
        r#"{"type":"FOO","data":{}}"#,
        r#"{"type":"REGISTER"}"#,
        r#"{"type":"REGISTER","data":null}"#,
        r#"{"type":"REGISTER","data":"x"}"#,
        r#"{"type":"REGISTER","data":{"clientId":"../x","clientVersion":"2.0.0","platform":"a","architecture":"b"}}"#,
        r#"{"type":"PING","data":{"timestamp":"noon"}}"#,
    ];
    for text in texts {
        let mut client = daemon.connect(&token).await;
        client.say_text(text).await;
        client.expect_error("INVALID_MESSAGE").await;
        client.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_quotes_little_of_what_was_sent() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    let long = "\u{1b}[31m".repeat(5000);
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": {"x": long.clone()}}}))
        .await;
    let error = client.expect_error("INVALID_MESSAGE").await;
    assert!(error["message"].as_str().unwrap().len() < 2000);
    client
        .say_text(&format!(
            "{{\"type\":\"PING\",\"data\":{{\"timestamp\":\"{}\"}}}}",
            "x".repeat(60_000)
        ))
        .await;
    let error = client.expect_error("INVALID_MESSAGE").await;
    assert!(error["message"].as_str().unwrap().len() < 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_passed_over() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client
        .ask(json!({"type": "SUBSCRIBE", "data": {"channel": "beta", "more": [1]}, "and": {}}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_id_nothing_extra_is_sent() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": "beta"}}))
        .await;
    client
        .say(json!({"type": "UNSUBSCRIBE", "data": {"channel": "alpha"}}))
        .await;
    client.say(json!({"type": "UNWATCH", "data": {}})).await;
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_carries_the_id_of_its_message() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": "nightly"}, "id": "7"}))
        .await;
    let error = client.expect_error("UNKNOWN_CHANNEL").await;
    assert_eq!(error["id"], "7");
    client
        .say(json!({"type": "SUBSCRIBE", "data": {"channel": "No"}, "id": "8"}))
        .await;
    assert_eq!(client.expect_error("INVALID_MESSAGE").await["id"], "8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_frame_is_refused_and_the_session_lives_on() {
    use futures_util::SinkExt;
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut client = daemon.connect(&token).await;
    let frame = tokio_tungstenite::tungstenite::Message::binary(vec![1, 2, 3]);
    client.stream.send(frame).await.unwrap();
    client.expect_error("INVALID_MESSAGE").await;
    client.expect_nothing().await;
}
