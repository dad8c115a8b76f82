//! What happens below the routes: framing, bounds, CORS, request ids, and the end.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Daemon, Upload, eventually, send, updates, versions};

/// Sends bytes and reads until the daemon closes.
async fn raw(daemon: &Daemon, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(daemon.address())
        .await
        .expect("a connection");
    socket.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    // hyper closes what it refuses; what lives on ends with the time-out of the next head.
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn heads_that_break_the_rules_are_refused_and_end_the_connection() {
    let daemon = Daemon::start().await;
    let long_header = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
        "a".repeat(40_000)
    );
    let long_target = format!(
        "GET /livez?{} HTTP/1.1\r\nHost: x\r\n\r\n",
        "a".repeat(9_000)
    );
    let many_headers = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "A: b\r\n".repeat(70)
    );
    for (request, expected) in [
        ("GET /livez HTTP/1.1\r\n\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
        (
            "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "400",
        ),
        (
            "POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
            "405",
        ),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", "400"),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
            "400",
        ),
        ("GET /livez HTTP/9.9\r\nHost: a\r\n\r\n", "400"),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
            "400",
        ),
        (" GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        (&long_header, "431"),
        (&many_headers, "431"),
        (&long_target, "414"),
        (
            "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
            "415",
        ),
    ] {
        let answer = raw(&daemon, request.as_bytes()).await;
        let shown = &request[..request.len().min(80)];
        assert_eq!(status(&answer), expected, "{shown:?}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{shown:?}: {answer}"
        );
    }
    let old = raw(&daemon, b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&old), "200", "HTTP/1.0 had no Host");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_our_words() {
    let daemon = Daemon::start().await;
    daemon.get("/nope").await.refused(404, "NOT_FOUND");
    daemon.get("/").await.refused(404, "NOT_FOUND");
    daemon.get(&updates("/")).await.refused(404, "NOT_FOUND");
    for (method, path, allow) in [
        ("DELETE", updates("/check"), "GET,HEAD"),
        ("TRACE", "/livez".to_owned(), "GET,HEAD"),
        ("get", "/livez".to_owned(), "GET,HEAD"),
        ("PUT", versions(""), "GET,HEAD,POST"),
        ("GET", versions("/2.1.0/toggle-status"), "PATCH"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = send(daemon.request(method, &path)).await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[tokio::test]
async fn json_bodies_are_json_and_small() {
    let daemon = Daemon::start().await;
    let users = "/api/v1/admin/users";
    let post = |content_type: &str, body: String| {
        let request = daemon
            .request(Method::POST, users)
            .header(CONTENT_TYPE, content_type.to_owned());
        send(request.body(body))
    };
    let user = json!({ "username": "x", "role": "USER", "unknown": [1] }).to_string();
    post("text/plain", user.clone())
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    post("application/json", "{".into())
        .await
        .refused(400, "INVALID_REQUEST");
    post("application/json", String::new())
        .await
        .refused(400, "INVALID_REQUEST");
    post("application/json", "[".repeat(60_000))
        .await
        .refused(400, "INVALID_REQUEST");
    post("application/json", " ".repeat(1 << 20))
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(
        post("application/json; charset=utf-8", user).await.status,
        201
    );
    let toggle = daemon
        .request(Method::PATCH, &versions("/2.1.0/toggle-status"))
        .body(vec![b'x'; 1 << 20]);
    send(toggle).await.refused(413, "PAYLOAD_TOO_LARGE");
    let get = daemon
        .request(Method::GET, "/livez")
        .body(vec![b'x'; 1 << 20]);
    assert_eq!(
        send(get).await.status,
        200,
        "a body that nobody asked for is passed over"
    );
}

#[tokio::test]
async fn an_upload_that_is_refused_early_hears_why() {
    let daemon = Daemon::start_with(|config| config.limits.max_upload_bytes = 1 << 20).await;
    // Far more than fits into the buffers on the way, so that the sender is still sending when it is refused.
    let large = || Upload::new("2.1.0").with_jar(vec![7; 40 << 20]);
    daemon
        .publish(large())
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    daemon
        .publish_as("nonsense", large())
        .await
        .refused(401, "UNAUTHORIZED");
    assert_eq!(daemon.staged(), 0);
}

#[tokio::test]
async fn who_waits_for_100_continue_is_refused_before_it_sends() {
    let daemon = Daemon::start().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
        versions(""),
        daemon.admin
    );
    let answer = raw(&daemon, head.as_bytes()).await;
    assert_eq!(status(&answer), "413", "{answer}");
    assert!(!answer.contains("100 Continue"), "{answer}");
}

#[tokio::test]
async fn listed_origins_may_read_and_preflights_need_no_token() {
    let daemon =
        Daemon::start_with(|config| config.cors.allowed_origins = vec!["https://a.example".into()])
            .await;
    let preflight = |origin: &str| {
        let request = daemon
            .http
            .request(Method::OPTIONS, daemon.url(&updates("/check")));
        let request = request
            .header(ORIGIN, origin)
            .header("access-control-request-method", "GET");
        send(request.header(
            "access-control-request-headers",
            "authorization,x-client-id",
        ))
    };
    let allowed = preflight("https://a.example").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://a.example"
    );
    for header in [
        "authorization",
        "content-type",
        "x-auth-token",
        "x-client-id",
        "range",
    ] {
        assert!(
            allowed
                .header("access-control-allow-headers")
                .contains(header),
            "{header}"
        );
    }
    for origin in [
        "https://evil.example",
        "https://a.example.evil.example",
        "http://a.example",
        "null",
        "https://a.example:8443",
    ] {
        assert!(
            !preflight(origin)
                .await
                .headers
                .contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
    let refused = send(
        daemon
            .http
            .get(daemon.url("/api/v1/whoami"))
            .header(ORIGIN, "https://a.example"),
    )
    .await;
    refused.refused(401, "UNAUTHORIZED");
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "https://a.example",
        "errors can be read too"
    );
    assert!(
        refused
            .header("access-control-expose-headers")
            .contains("content-range")
    );
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_says_nosniff() {
    let daemon = Daemon::start().await;
    let first = daemon.get("/livez").await;
    let second = daemon.get("/nope").await;
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(first.header("x-content-type-options"), "nosniff");
    assert_eq!(first.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_running_download_ends_well_while_the_daemon_stops() {
    let mut daemon = Daemon::start().await;
    let (jar, _) = fixtures::jars::jar_pair(7, 24 << 20);
    assert_eq!(
        daemon
            .publish(Upload::new("2.1.0").with_jar(jar.clone()))
            .await
            .status,
        201
    );
    let response = daemon
        .request(Method::GET, &updates("/download/2.1.0"))
        .send()
        .await
        .unwrap();
    let app = daemon.running().app().clone();
    let address = daemon.address();
    let stopping = tokio::spawn(async move {
        daemon.stop().await;
        daemon
    });
    eventually("the daemon is stopping", || app.stop.is_cancelled()).await;
    drop(app);
    assert_eq!(response.bytes().await.unwrap(), jar);
    stopping.await.unwrap();
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut() {
    let mut daemon =
        Daemon::start_with(|config| config.shutdown_grace = Duration::from_millis(50)).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhalf",
        versions(""),
        daemon.admin
    );
    let mut socket = TcpStream::connect(daemon.address()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    eventually("the upload is staged", || daemon.staged() == 1).await;
    tokio::time::timeout(Duration::from_secs(10), daemon.stop())
        .await
        .unwrap();
    assert_eq!(daemon.staged(), 0);
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
}
