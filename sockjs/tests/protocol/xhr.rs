//! `xhr` and `xhr_send`.

use serde_json::Value;

use crate::harness::raw::Request;
use crate::harness::{Server, session_url};
use crate::pages::{assert_cors, assert_not_cached, assert_preflight};

#[tokio::test]
async fn preflights_are_answered() {
    let server = Server::start().await;
    for endpoint in ["xhr", "xhr_send", "xhr_streaming"] {
        let path = format!("/echo/abc/abc/{endpoint}");
        assert_preflight(&server, &path, "OPTIONS, POST").await;
    }
}

#[tokio::test]
async fn answers_can_be_read_by_the_page_that_asks_and_are_not_cached() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let request = Request::new("POST", &format!("{url}/xhr")).header("Origin", "test");
    let answer = server.send(request).await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/javascript; charset=UTF-8")
    );
    assert_cors(&answer, Some("test"));
    assert_not_cached(&answer);

    let request = Request::new("POST", &format!("{url}/xhr_send"))
        .header("Origin", "test")
        .body(r#"["x"]"#);
    let answer = server.send(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    assert_cors(&answer, Some("test"));
    assert_not_cached(&answer);
    assert_cors(&server.post(&format!("{url}/xhr"), "").await, None);
}

#[tokio::test]
async fn refusals_can_be_read_by_the_page_that_asks() {
    let server = Server::start().await;
    let path = format!("{}/xhr_send", session_url("/echo"));
    for (body, status) in [(r#"["x"]"#, 404), ("", 500)] {
        let request = Request::new("POST", &path).header("Origin", "test");
        let answer = server.send(request.body(body)).await;
        assert_eq!(answer.status, status);
        assert_cors(&answer, Some("test"));
        assert_not_cached(&answer);
    }
}

#[tokio::test]
async fn asked_headers_are_allowed() {
    let server = Server::start().await;
    let path = format!("{}/xhr", session_url("/echo"));
    for (asked, allowed) in [
        (Some("a, b, c"), Some("a, b, c")),
        (Some(""), None),
        (None, None),
    ] {
        let mut request = Request::new("OPTIONS", &path).header("Origin", "test");
        if let Some(asked) = asked {
            request = request.header("Access-Control-Request-Headers", asked);
        }
        let answer = server.send(request).await;
        assert_eq!(answer.header("access-control-allow-headers"), allowed);
    }
}

#[tokio::test]
async fn what_is_no_array_of_messages_is_refused_and_the_session_goes_on() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let (poll, send) = (format!("{url}/xhr"), format!("{url}/xhr_send"));
    assert_eq!(server.post(&poll, "").await.body, "o\n");
    for (body, text) in [
        ("[\"x", "Broken JSON encoding."),
        ("", "Payload expected."),
        ("{}", "Payload expected."),
        ("[1]", "Payload expected."),
    ] {
        let answer = server.post(&send, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, text));
    }
    assert_eq!(server.post(&send, r#"["a"]"#).await.status, 204);
    assert_eq!(server.post(&poll, "").await.body, "a[\"a\"]\n");
}

#[tokio::test]
async fn an_empty_array_is_allowed() {
    let server = Server::start().await;
    let url = session_url("/echo");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    for body in ["[]", r#"["a"]"#] {
        assert_eq!(
            server.post(&format!("{url}/xhr_send"), body).await.status,
            204
        );
    }
    let answer = server.post(&format!("{url}/xhr"), "").await;
    assert_eq!(answer.body, "a[\"a\"]\n");
}

#[tokio::test]
async fn any_content_type_is_taken() {
    let server = Server::start().await;
    let url = session_url("/echo");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    let types = [
        "text/plain",
        "T",
        "application/json",
        "application/xml",
        "",
        "application/json; charset=utf-8",
        "text/xml; charset=utf-8",
        "text/xml",
        "application/x-www-form-urlencoded",
    ];
    for content_type in types {
        let request = Request::new("POST", &format!("{url}/xhr_send"))
            .header("Content-Type", content_type)
            .body(r#"["a"]"#);
        assert_eq!(server.send(request).await.status, 204, "{content_type}");
    }
    // One by one or all together: the echo is under way while the client asks.
    let mut received = 0;
    while received < types.len() {
        let answer = server.post(&format!("{url}/xhr"), "").await;
        let messages: Vec<String> = serde_json::from_str(&answer.body[1..]).unwrap();
        assert!(messages.iter().all(|message| message == "a"));
        received += messages.len();
    }
    assert_eq!(received, types.len());
}

#[tokio::test]
async fn what_browsers_mangle_is_sent_escaped() {
    let server = Server::start().await;
    let url = session_url("/echo");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    let ranges = [
        (0x200c, 0x200f),
        (0x2028, 0x202f),
        (0x2060, 0x206f),
        (0xfff0, 0xffff),
    ];
    let codes = ranges.into_iter().flat_map(|(first, last)| first..=last);
    let escaped: String = codes.map(|code| format!("\\u{code:04x}")).collect();
    let plain: Value = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
    let body = format!("[\"{}\"]", plain.as_str().unwrap());
    assert_eq!(
        server.post(&format!("{url}/xhr_send"), &body).await.status,
        204
    );
    let answer = server.post(&format!("{url}/xhr"), "").await;
    assert_eq!(answer.body, format!("a[\"{escaped}\"]\n"));
}

#[tokio::test]
async fn what_clients_escape_is_understood() {
    let server = Server::start().await;
    let url = session_url("/echo");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    let codes = (0..0x10000).filter(|code| char::from_u32(*code).is_some());
    let escaped: String = codes.map(|code| format!("\\u{code:04x}")).collect();
    // In parts, since all of it is over the limit for one body.
    for part in escaped.as_bytes().chunks(60_000) {
        let part = std::str::from_utf8(part).unwrap();
        let body = format!("[\"{part}\"]");
        assert_eq!(
            server.post(&format!("{url}/xhr_send"), &body).await.status,
            204
        );
        let answer = server.post(&format!("{url}/xhr"), "").await;
        let echoed: Value = serde_json::from_str(answer.body[1..].trim()).unwrap();
        let sent: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(echoed, sent);
    }
}
