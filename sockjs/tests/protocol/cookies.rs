//! The cookie that load balancers stick to.

use crate::harness::raw::Request;
use crate::harness::websocket::handshake;
use crate::harness::{Server, session_url};

const DUMMY: Option<&str> = Some("JSESSIONID=dummy; path=/");

#[tokio::test]
async fn info_tells_that_the_cookie_is_needed_but_does_not_set_it() {
    let server = Server::start().await;
    let answer = server.get("/cookie_needed_echo/info").await;
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.json()["cookie_needed"], true);
    let page = server.get("/cookie_needed_echo/iframe.html").await;
    assert_eq!(page.header("set-cookie"), None);
}

#[tokio::test]
async fn a_given_cookie_is_given_back() {
    let server = Server::start().await;
    let path = format!("{}/xhr", session_url("/cookie_needed_echo"));
    let request = Request::new("POST", &path).header("Cookie", "JSESSIONID=abcdef");
    let answer = server.send(request).await;
    assert_eq!(answer.body, "o\n");
    assert_eq!(
        answer.header("set-cookie"),
        Some("JSESSIONID=abcdef; path=/")
    );
}

#[tokio::test]
async fn all_session_urls_set_it() {
    let server = Server::start().await;
    for (method, endpoint) in [
        ("POST", "xhr"),
        ("POST", "xhr_streaming"),
        ("GET", "eventsource"),
        ("GET", "htmlfile?c=callback"),
        ("GET", "jsonp?c=callback"),
    ] {
        let path = format!("{}/{endpoint}", session_url("/cookie_needed_echo"));
        let stream = server.stream(Request::new(method, &path)).await;
        assert_eq!(stream.head.status, 200, "{endpoint}");
        assert_eq!(stream.head.header("set-cookie"), DUMMY, "{endpoint}");
    }
    let url = session_url("/cookie_needed_echo");
    let poll = server.get(&format!("{url}/jsonp?c=x")).await;
    assert_eq!(poll.body, "/**/x(\"o\");\r\n");
    let send = Request::new("POST", &format!("{url}/jsonp_send"));
    let sent = server.send(send.form("d=%5B%5D")).await;
    assert_eq!(sent.header("set-cookie"), DUMMY);
}

#[tokio::test]
async fn a_websocket_needs_none() {
    let server = Server::start().await;
    let path = format!("{}/websocket", session_url("/cookie_needed_echo"));
    let stream = server.stream(handshake(&path)).await;
    assert_eq!(stream.head.status, 101);
    assert_eq!(stream.head.header("set-cookie"), None);
}

#[tokio::test]
async fn without_the_rule_there_is_none() {
    let server = Server::start().await;
    let path = format!("{}/xhr", session_url("/echo"));
    let request = Request::new("POST", &path).header("Cookie", "JSESSIONID=abcdef");
    assert_eq!(server.send(request).await.header("set-cookie"), None);
}
