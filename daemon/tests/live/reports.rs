//! What a client reports, and who hears of it.

use protocol::api::Role;
use serde_json::{Value, json};

use crate::harness::{Daemon, keys, release};

pub(crate) async fn post(daemon: &Daemon, token: &str, query: &str, body: &Value) -> String {
    let text = body.to_string();
    let request = format!(
        "POST /api/v1/updates/reports{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    crate::frames::exchange(daemon, request.as_bytes()).await
}

fn progress(percentage: u64) -> Value {
    json!({"type": "INSTALLATION_PROGRESS", "data": {
        "version": "2.1.0", "phase": "extracting", "progressPercentage": percentage,
        "currentOperation": "Extracting application files",
        "clientId": "somebody-else", "timestamp": "1999-01-01T00:00:00Z",
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_needs_a_registered_client() {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let mut session = daemon.connect(&token).await;
    for message in [
        progress(75),
        json!({"type": "DOWNLOAD_PROGRESS", "data": {"version": "2.1.0", "bytesDownloaded": 1, "totalBytes": 2}}),
        json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": true}}),
    ] {
        session.say(message).await;
        session.expect_error("NOT_REGISTERED").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_reach_the_clients_other_sessions_with_the_fields_of_the_specification() {
    let daemon = Daemon::start().await;
    let mut reporter = daemon.client("desktop-client-123", "2.0.0").await;
    let mut other = daemon.client("desktop-client-123", "2.0.0").await;
    let mut stranger = daemon.client("stranger", "2.0.0").await;

    reporter.ask(progress(75)).await;
    let data = other.expect("INSTALLATION_PROGRESS").await;
    assert_ne!(data["timestamp"], "1999-01-01T00:00:00Z");
    assert_eq!(
        data,
        json!({
            "clientId": "desktop-client-123",
            "version": "2.1.0",
            "phase": "extracting",
            "progressPercentage": 75,
            "currentOperation": "Extracting application files",
            "timestamp": data["timestamp"],
        })
    );

    reporter
        .ask(json!({"type": "DOWNLOAD_PROGRESS", "data": {
            "version": "2.1.0", "bytesDownloaded": 26_214_400, "totalBytes": 52_428_800,
            "downloadSpeed": 1_048_576, "estimatedTimeRemaining": 25,
        }}))
        .await;
    let data = other.expect("DOWNLOAD_PROGRESS").await;
    assert_eq!(
        data,
        json!({
            "clientId": "desktop-client-123",
            "version": "2.1.0",
            "bytesDownloaded": 26_214_400,
            "totalBytes": 52_428_800,
            "progressPercentage": 50,
            "downloadSpeed": 1_048_576,
            "estimatedTimeRemaining": 25,
            "timestamp": data["timestamp"],
        })
    );

    reporter
        .ask(json!({"type": "INSTALLATION_COMPLETED", "data": {
            "version": "2.1.0", "success": true, "message": "Update installed successfully",
        }}))
        .await;
    let data = other.expect("INSTALLATION_COMPLETED").await;
    assert_eq!(
        data,
        json!({
            "clientId": "desktop-client-123",
            "version": "2.1.0",
            "previousVersion": "2.0.0",
            "success": true,
            "message": "Update installed successfully",
            "timestamp": data["timestamp"],
        })
    );
    reporter.expect_nothing().await;
    stranger.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_numbers_are_refused_and_counted_nowhere() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    let mut client = daemon.client("a", "2.1.0").await;
    for (bytes, total) in [
        ("5", "4"),
        ("-1", "4"),
        ("1.5", "4"),
        ("1", "18446744073709551616"),
    ] {
        let text = format!(
            r#"{{"type":"DOWNLOAD_PROGRESS","data":{{"version":"2.1.0","bytesDownloaded":{bytes},"totalBytes":{total}}}}}"#
        );
        client.say_text(&text).await;
        client.expect_error("INVALID_MESSAGE").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_counted_for_releases_that_exist() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    let mut client = daemon.client("a", "2.1.0").await;
    for (version, success) in [("2.1.0", true), ("2.1.0", false), ("9.9.9", true)] {
        client
            .ask(json!({"type": "INSTALLATION_COMPLETED", "data": {"version": version, "success": success}}))
            .await;
    }
    let counts = daemon.app().counters.snapshot().versions;
    assert_eq!(counts.len(), 1);
    let counts = counts[&"2.1.0".parse().unwrap()];
    assert_eq!(
        (counts.installations_succeeded, counts.installations_failed),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_installed_a_version_is_not_offered_it_again() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    client.ask(json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": true}})).await;
    daemon.publish(release("2.1.0"));
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_installation_leaves_the_client_where_it_is() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    client.ask(json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": false}})).await;
    daemon.publish(release("2.1.0"));
    client.expect("NEW_VERSION_AVAILABLE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_the_client_of_another_user_look_up_to_date() {
    let daemon = Daemon::start().await;
    let mut client = daemon.client("a", "2.0.0").await;
    let result =
        json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "9.0.0", "success": true}});
    for (name, role) in [("mallory", Role::User), ("operator", Role::Publisher)] {
        let token = daemon.token(name, role);
        let answer = post(&daemon, &token, "?clientId=a", &result).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // It hears what is said about it in any case.
        client.expect("INSTALLATION_COMPLETED").await;
        daemon.publish(release(if role == Role::User { "2.1.0" } else { "2.2.0" }));
        if role == Role::User {
            client.expect("NEW_VERSION_AVAILABLE").await;
        }
        client.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_session_does_the_same() {
    let daemon = Daemon::start().await;
    daemon.publish(release("2.1.0"));
    let token = daemon.token("user", Role::User);
    let mut session = daemon.client("a", "2.0.0").await;
    session.expect("NEW_VERSION_AVAILABLE").await;

    let post = async |query: &str, body: &Value| post(&daemon, &token, query, body).await;
    let answer = post("?clientId=a", &progress(75)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let data = session.expect("INSTALLATION_PROGRESS").await;
    assert_eq!(data["clientId"], "a");
    assert!(!keys(&data).contains("seq"));

    let result =
        json!({"type": "INSTALLATION_COMPLETED", "data": {"version": "2.1.0", "success": true}});
    assert!(
        post("?clientId=a", &result)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    assert_eq!(
        session.expect("INSTALLATION_COMPLETED").await["previousVersion"],
        "2.0.0"
    );

    for (query, body, field) in [
        ("?clientId=nobody-here", &result, "previousVersion"),
        ("?clientId=a", &json!({"type": "PING", "data": {}}), "type"),
        ("?clientId=a", &progress(175), "progressPercentage"),
    ] {
        let answer = post(query, body).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains(&format!("\"field\":\"{field}\"")),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_session_is_of_the_client_that_is_named_nearest() {
    let daemon = Daemon::start().await;
    let mut watcher = daemon.watcher(json!({})).await;
    let token = daemon.token("user", Role::User);
    let named = progress(75);
    let mut unnamed = progress(75);
    unnamed["data"].as_object_mut().unwrap().remove("clientId");
    let mut misnamed = progress(75);
    misnamed["data"]["clientId"] = json!("../x");

    let answer = post(&daemon, &token, "", &unnamed).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("data.clientId"), "{answer}");
    let answer = post(&daemon, &token, "", &misnamed).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("\"field\":\"clientId\""), "{answer}");

    let _session = daemon.client("sole", "2.0.0").await;
    watcher.expect("CLIENT_CONNECTED").await;
    for (query, body, client_id) in [
        ("?clientId=asked", &named, "asked"),
        ("", &named, "somebody-else"),
        ("", &unnamed, "sole"),
    ] {
        let answer = post(&daemon, &token, query, body).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let data = watcher.expect("INSTALLATION_PROGRESS").await;
        assert_eq!(data["clientId"], client_id);
    }
    let _second = daemon.client("second", "2.0.0").await;
    let answer = post(&daemon, &token, "", &unnamed).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}
