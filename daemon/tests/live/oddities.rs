//! What only a stranger would send: each field at its bounds and beyond them, and JSON at its edges.

use protocol::api::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Daemon};

/// Mistakes that a session may make before it is ended.
const MISTAKES: usize = 9;

/// Sends texts that are all refused, and looks where the daemon sees the problem. Each session lives on.
async fn are_refused(texts: impl IntoIterator<Item = (String, &str)>) {
    let daemon = Daemon::start().await;
    let token = daemon.token("user", Role::User);
    let texts: Vec<_> = texts.into_iter().collect();
    for texts in texts.chunks(MISTAKES) {
        let mut client = daemon.connect(&token).await;
        for (text, place) in texts {
            client.say_text(text).await;
            let error = client.expect_error("INVALID_MESSAGE").await;
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(place), "{text:.200}: {message}");
        }
        client.expect_nothing().await;
    }
}

async fn client(daemon: &Daemon) -> Client {
    let token = daemon.token("user", Role::User);
    daemon.connect(&token).await
}

fn register(field: &str, value: Value) -> Value {
    let mut message = json!({"type": "REGISTER", "data": {
        "clientVersion": "2.0.0", "clientId": "desktop-client-123", "platform": "windows", "architecture": "x64",
    }});
    message["data"][field] = value;
    message
}

fn report(kind: &str, field: &str, value: Value) -> Value {
    let mut data = match kind {
        "DOWNLOAD_PROGRESS" => json!({"bytesDownloaded": 1, "totalBytes": 2}),
        "INSTALLATION_PROGRESS" => json!({"phase": "extracting", "progressPercentage": 1}),
        _ => json!({"success": true}),
    };
    data["version"] = "2.1.0".into();
    data[field] = value;
    json!({"type": kind, "data": data})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_of_a_known_type_is_refused() {
    let deep = format!(
        r#"{{"type":"PING","data":{{"a":{}{}}}}}"#,
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    let texts = [
        (deep.as_str(), "not JSON: "),
        ("\u{FEFF}{\"type\":\"PING\",\"data\":{}}", "not JSON: "),
        (r#"{"type":"PING","data":{}} x"#, "not JSON: "),
        (r#"{"type":"PING","data":{"x":NaN}}"#, "not JSON: "),
        (r#"{"type":"PING","data":{"x":"\ud800"}}"#, "not JSON: "),
        (r#"{"type":"PING","data":{"x":1e999}}"#, "not JSON: "),
        (r#"{'type':'PING','data':{}}"#, "not JSON: "),
        (r#"[{"type":"PING","data":{}}]"#, "expected a JSON object"),
        (
            r#""{\"type\":\"PING\",\"data\":{}}""#,
            "expected a JSON object",
        ),
        (r#"{"data":{}}"#, "type: "),
        (r#"{"type":["PING"],"data":{}}"#, "type: "),
        (r#"{"type":"ping","data":{}}"#, "type: "),
        (r#"{"type":"PING ","data":{}}"#, "type: "),
        (r#"{"type":"WELCOME","data":{}}"#, "type: "),
        (r#"{"type":"HEARTBEAT","data":{}}"#, "type: "),
        (r#"{"type":"ACK","data":{"id":"1"}}"#, "type: "),
        (r#"{"TYPE":"PING","data":{}}"#, "type: "),
        (r#"{"type":"PING"}"#, "data: "),
        (r#"{"type":"PING","data":null}"#, "data: "),
        (r#"{"type":"PING","data":[]}"#, "data: "),
        (r#"{"type":"PING","data":"{}"}"#, "data: "),
        (r#"{"type":"PING","data":0}"#, "data: "),
        (r#"{"type":"PING","data":false}"#, "data: "),
        (r#"{"type":"UNWATCH","data":[]}"#, "data: "),
    ];
    are_refused(texts.map(|(text, place)| (text.to_owned(), place))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_that_is_missing_ill_typed_or_out_of_bounds_is_named() {
    let mut texts: Vec<(Value, &str)> = Vec::new();
    for field in ["clientVersion", "clientId", "platform", "architecture"] {
        for value in [
            Value::Null,
            json!(5),
            json!(["x"]),
            json!({}),
            json!(""),
            json!("a\u{1}b"),
            json!("a\nb"),
            json!("\u{7F}"),
            json!("\u{9B}31m"),
            json!("x".repeat(129)),
        ] {
            texts.push((register(field, value), field));
        }
    }
    for value in ["a b", "../x", "ä", "a/b", "a@b"] {
        texts.push((register("clientId", json!(value)), "clientId"));
    }
    for value in ["2", "2.0", "v2.0.0", "02.0.0", "2.0.0-", " 2.0.0"] {
        texts.push((register("clientVersion", json!(value)), "clientVersion"));
    }
    for value in [json!("extended"), json!([5]), json!(["a\u{0}"]), json!({})] {
        texts.push((register("capabilities", value), "capabilities"));
    }
    texts.push((register("platform", json!("é".repeat(65))), "platform"));
    for kind in ["SUBSCRIBE", "UNSUBSCRIBE"] {
        for channel in [
            Value::Null,
            json!(5),
            json!(""),
            json!("-x"),
            json!("Stable"),
            json!("a\u{1}"),
            json!("x".repeat(33)),
        ] {
            let text = json!({"type": kind, "data": {"channel": channel}});
            texts.push((text, "channel"));
        }
    }
    for timestamp in [
        json!(1_700_000_000),
        json!("noon"),
        json!("2024-01-15"),
        json!("\u{1}"),
    ] {
        let text = json!({"type": "PING", "data": {"timestamp": timestamp}});
        texts.push((text, "timestamp"));
    }
    are_refused(
        texts
            .into_iter()
            .map(|(text, place)| (text.to_string(), place)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_a_report_is_looked_at() {
    let mut texts: Vec<(Value, &str)> = Vec::new();
    let control = || json!("\u{1b}[31m");
    let (download, progress, result) = (
        "DOWNLOAD_PROGRESS",
        "INSTALLATION_PROGRESS",
        "INSTALLATION_COMPLETED",
    );
    for kind in [download, progress, result] {
        for value in [Value::Null, json!("2.1"), json!(2), control()] {
            texts.push((report(kind, "version", value), "version"));
        }
    }
    for field in ["bytesDownloaded", "totalBytes", "progressPercentage"] {
        for value in [json!(-1), json!(1.5), json!("1"), json!(u64::MAX)] {
            texts.push((report(download, field, value), field));
        }
    }
    for value in [Value::Null, json!(101), json!(-1), json!("75"), json!(7.5)] {
        texts.push((
            report(progress, "progressPercentage", value),
            "progressPercentage",
        ));
    }
    for value in [Value::Null, control(), json!(5), json!("x".repeat(65))] {
        texts.push((report(progress, "phase", value), "phase"));
    }
    for value in [control(), json!(5), json!("x".repeat(1025))] {
        texts.push((
            report(progress, "currentOperation", value.clone()),
            "currentOperation",
        ));
        texts.push((report(result, "message", value), "message"));
    }
    for value in [Value::Null, json!("true"), json!(1)] {
        texts.push((report(result, "success", value), "success"));
    }
    texts.push((
        report(result, "previousVersion", json!("2")),
        "previousVersion",
    ));
    are_refused(
        texts
            .into_iter()
            .map(|(text, place)| (text.to_string(), place)),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_a_string_of_64_printable_characters_at_most() {
    let ping = |id: Value| json!({"type": "PING", "data": {}, "id": id});
    let bad = [
        json!(5),
        json!(true),
        json!(["a"]),
        json!({}),
        json!("x".repeat(65)),
        json!("a\u{7}"),
    ];
    are_refused(bad.map(|id| (ping(id).to_string(), "id"))).await;

    let daemon = Daemon::start().await;
    let mut client = client(&daemon).await;
    for id in [json!(""), json!("x".repeat(64)), json!("é".repeat(64))] {
        client.say(ping(id.clone())).await;
        client.expect("HEARTBEAT").await;
        assert_eq!(client.expect("ACK").await, json!({"id": id}));
    }
    client.say(ping(Value::Null)).await;
    client.expect("HEARTBEAT").await;
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_just_within_its_bounds_is_taken() {
    let daemon = Daemon::start().await;
    let mut client = client(&daemon).await;
    for message in [
        register("clientId", json!("aZ0._:-".repeat(18) + "xx")),
        register("platform", json!("é".repeat(64))),
        register("architecture", json!("Linux x86_64 (navigator.platform)")),
        register("clientVersion", json!("2.0.0-rc.1+build.5")),
        register("capabilities", Value::Null),
        register("capabilities", json!(["unheard-of"])),
        json!({"type": "PING", "data": {"timestamp": "2024-01-15T10:30:00.123456789+02:00"}}),
        json!({"type": "PING", "data": {"timestamp": null}}),
        json!({"type": "UNSUBSCRIBE", "data": {"channel": "never-heard-of"}}),
        report(
            "INSTALLATION_PROGRESS",
            "currentOperation",
            json!("é".repeat(1024)),
        ),
        report("INSTALLATION_COMPLETED", "message", Value::Null),
        report("DOWNLOAD_PROGRESS", "totalBytes", json!((1_u64 << 53) - 1)),
    ] {
        client.say(message.clone()).await;
        for heard in client.drain().await {
            assert_ne!(heard["type"], "ERROR", "{message}: {heard}");
        }
    }
}

/// Which of two fields of the same name counts is for the reader to choose; it must not be both.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_fields_with_one_name_the_last_counts() {
    let daemon = Daemon::start().await;
    let mut client = client(&daemon).await;
    let text = r#"{"type":"WATCH","id":"1","data":{"channel":"nope"},"type":"SUBSCRIBE","id":"2","data":{"channel":"beta"}}"#;
    client.say_text(text).await;
    assert_eq!(client.expect("ACK").await, json!({"id": "2"}));
    client.expect_nothing().await;
}
