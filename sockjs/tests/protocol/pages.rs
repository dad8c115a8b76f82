//! What there is without a session: the greeting, `/info`, the iframe page, and everything that is not there.

use crate::harness::raw::{Answer, Request};
use crate::harness::{Server, session_url};

const IFRAME_PAGE: &str = r#"<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="/sockjs.min.js"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"#;

pub(crate) fn assert_not_cached(answer: &Answer) {
    assert_eq!(
        answer.header("cache-control"),
        Some("no-store, no-cache, no-transform, must-revalidate, max-age=0")
    );
    assert_eq!(answer.header("expires"), None);
    assert_eq!(answer.header("last-modified"), None);
}

pub(crate) fn assert_cors(answer: &Answer, origin: Option<&str>) {
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, Some(origin.unwrap_or("*")));
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!(credentials, origin.map(|_| "true"));
    assert_eq!(answer.header("vary"), Some("Origin"));
}

/// A preflight is answered for each origin, and may be kept for a year.
pub(crate) async fn assert_preflight(server: &Server, path: &str, methods: &str) {
    for origin in ["test", "null"] {
        let request = Request::new("OPTIONS", path)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST");
        let answer = server.send(request).await;
        assert_eq!(answer.status, 204);
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000")
        );
        assert!(answer.header("expires").unwrap().ends_with(" GMT"));
        assert_eq!(answer.header("access-control-max-age"), Some("31536000"));
        assert_eq!(answer.header("access-control-allow-methods"), Some(methods));
        assert_cors(&answer, Some(origin));
    }
}

#[tokio::test]
async fn the_prefix_greets() {
    let server = Server::start().await;
    for path in ["/echo", "/echo/", "/echo?t=1"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=UTF-8")
        );
        assert_eq!(answer.body, "Welcome to SockJS!\n");
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    for path in [
        "/a",
        "/a.html",
        "//",
        "///",
        "/a/a",
        "/a/a/",
        "/a/",
        "/iframe.htm",
        "/iframe",
        "/IFRAME.HTML",
        "/IFRAME",
        "/iframe.HTML",
        "/iframe.xml",
        "/iframe-/.html",
        "/a/a/xhr;x.bat",
    ] {
        assert_eq!(
            server.get(&format!("/echo{path}")).await.status,
            404,
            "{path}"
        );
    }
    for ids in ["//", "/a./a", "/a/a.", "/./.", "/", "///"] {
        let path = format!("/echo{ids}/xhr");
        assert_eq!(server.get(&path).await.status, 404, "{path}");
        assert_eq!(server.post(&path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn info_tells_what_the_server_offers() {
    let server = Server::start().await;
    let request = Request::new("GET", "/echo/info").header("Origin", "test");
    let answer = server.send(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=UTF-8")
    );
    assert_not_cached(&answer);
    assert_cors(&answer, Some("test"));
    assert_eq!(answer.header("set-cookie"), None);
    let info = answer.json();
    assert_eq!(info["websocket"], true);
    assert_eq!(info["cookie_needed"], false);
    assert_eq!(info["origins"], serde_json::json!(["*:*"]));
    assert!(info["entropy"].as_u64().unwrap() <= u64::from(u32::MAX));
    assert_cors(&server.get("/echo/info").await, None);
}

#[tokio::test]
async fn entropy_differs_each_time() {
    let server = Server::start().await;
    let first = server.get("/echo/info").await.json();
    let second = server.get("/echo/info").await.json();
    assert_ne!(first["entropy"], second["entropy"]);
}

#[tokio::test]
async fn info_answers_preflights() {
    let server = Server::start().await;
    assert_preflight(&server, "/echo/info", "OPTIONS, GET").await;
}

#[tokio::test]
async fn info_tells_that_websockets_are_off() {
    let server = Server::start().await;
    let info = server.get("/disabled_websocket_echo/info").await.json();
    assert_eq!(info["websocket"], false);
    let url = session_url("/disabled_websocket_echo");
    for path in [
        format!("{url}/websocket"),
        "/disabled_websocket_echo/websocket".to_owned(),
    ] {
        assert_eq!(server.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn the_iframe_page_is_the_protocols_whatever_its_version() {
    let server = Server::start().await;
    for page in [
        "/iframe.html",
        "/iframe-a.html",
        "/iframe-.html",
        "/iframe-0.1.2.html",
        "/iframe-0.1.2abc-dirty.2144.html",
        "/iframe-a.html?t=1234",
        "/iframe-0.1.2abc-dirty.2144.html?t=qweqweq123",
    ] {
        let answer = server.get(&format!("/echo{page}")).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_eq!(answer.body, IFRAME_PAGE);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=UTF-8")
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000")
        );
        assert!(answer.header("expires").is_some());
        assert_eq!(answer.header("last-modified"), None);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("x-frame-options"), None);
    }
}

#[tokio::test]
async fn a_known_iframe_page_is_not_sent_again() {
    let server = Server::start().await;
    let first = server.get("/echo/iframe.html").await;
    let etag = first.header("etag").unwrap();
    let again = server.get("/echo/iframe-1.6.1.html").await;
    assert_eq!(again.header("etag"), Some(etag));
    let request = Request::new("GET", "/echo/iframe.html").header("If-None-Match", etag);
    let answer = server.send(request).await;
    assert_eq!(answer.status, 304);
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("etag"), Some(etag));
}

#[tokio::test]
async fn pages_can_be_asked_for_by_head() {
    let server = Server::start().await;
    for (path, length) in [("/echo", 19), ("/echo/iframe.html", IFRAME_PAGE.len())] {
        let answer = server.send(Request::new("HEAD", path)).await;
        assert_eq!(answer.status, 200);
        let length = length.to_string();
        assert_eq!(answer.header("content-length"), Some(length.as_str()));
    }
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_are_allowed() {
    let server = Server::start().await;
    for (method, path, allowed) in [
        ("POST", "/echo", "GET"),
        ("POST", "/echo/info", "OPTIONS, GET"),
        ("POST", "/echo/iframe.html", "GET"),
        ("POST", "/echo/websocket", "GET"),
        ("POST", "/echo/0/0/websocket", "GET"),
        ("GET", "/echo/0/0/xhr", "OPTIONS, POST"),
        ("GET", "/echo/0/0/xhr_send", "OPTIONS, POST"),
        ("HEAD", "/echo/0/0/xhr_streaming", "OPTIONS, POST"),
        ("POST", "/echo/0/0/eventsource", "GET"),
        ("OPTIONS", "/echo/0/0/eventsource", "GET"),
        ("POST", "/echo/0/0/htmlfile", "GET"),
        ("POST", "/echo/0/0/jsonp", "GET"),
        ("GET", "/echo/0/0/jsonp_send", "POST"),
    ] {
        let answer = server.send(Request::new(method, path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.body, "");
    }
}
