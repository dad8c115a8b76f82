//! `websocket` and the raw `/websocket`: the handshake, the frames of SockJS, and the end.

use crate::harness::calls::Endpoint;
use crate::harness::raw::Request;
use crate::harness::websocket::{BINARY, CLOSE, FIN, Peer, handshake};
use crate::harness::{Server, session_url};

async fn open(server: &Server, prefix: &str) -> Peer {
    let path = format!("{}/websocket", session_url(prefix));
    let mut peer = Peer::open(server.address, &path).await;
    assert_eq!(peer.text().await, "o");
    peer
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_refused() {
    let server = Server::start().await;
    for path in ["/echo/0/0/websocket", "/echo/websocket"] {
        let get = Request::new("GET", path);
        let answer = server.send(get.clone()).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, "Can \"Upgrade\" only to \"WebSocket\".");
        let no_connection = get
            .clone()
            .header("Upgrade", "WebSocket")
            .header("Connection", "close");
        let answer = server.send(no_connection).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, "\"Connection\" must be \"Upgrade\".");
        let old = get
            .clone()
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Version", "8")
            .header("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==");
        let answer = server.send(old).await;
        assert_eq!(answer.status, 426);
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        let bad_key = get
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "c2hvcnQ=");
        assert_eq!(server.send(bad_key).await.status, 400);
        for headers in [
            Request::new("POST", path),
            Request::new("POST", path)
                .header("Upgrade", "WebSocket")
                .header("Connection", "Upgrade"),
        ] {
            assert_eq!(server.send(headers).await.status, 405);
        }
    }
}

#[tokio::test]
async fn the_handshake_is_answered_without_a_length() {
    let server = Server::start().await;
    let path = format!("{}/websocket", session_url("/echo"));
    let stream = server.stream(handshake(&path)).await;
    assert_eq!(stream.head.status, 101);
    assert_eq!(stream.head.header("connection"), Some("upgrade"));
    assert_eq!(stream.head.header("upgrade"), Some("websocket"));
    assert_eq!(stream.head.header("content-length"), None);
}

#[tokio::test]
async fn messages_are_framed() {
    let server = Server::start().await;
    let mut peer = open(&server, "/echo").await;
    peer.send(r#"["a"]"#).await;
    assert_eq!(peer.text().await, r#"a["a"]"#);
    peer.send(r#""alone""#).await;
    assert_eq!(peer.text().await, r#"a["alone"]"#);
    peer.send("[\"\u{1f600}\u{2028}\"]").await;
    assert_eq!(peer.text().await, r#"a["\ud83d\ude00\u2028"]"#);
}

#[tokio::test]
async fn empty_frames_are_ignored() {
    let server = Server::start().await;
    let mut peer = open(&server, "/echo").await;
    peer.send("").await;
    peer.send("[]").await;
    peer.send(r#"["a"]"#).await;
    assert_eq!(peer.text().await, r#"a["a"]"#);
}

#[tokio::test]
async fn a_closed_session_says_so_in_a_frame_and_a_goodbye() {
    let server = Server::start().await;
    let mut peer = open(&server, "/close").await;
    assert_eq!(peer.text().await, r#"c[3000,"Go away!"]"#);
    assert_eq!(peer.goodbye().await, (3000, "Go away!".to_owned()));
}

#[tokio::test]
async fn broken_json_ends_the_connection() {
    let server = Server::start().await;
    for broken in ["[\"a", "{}", "x"] {
        let mut peer = open(&server, "/echo").await;
        peer.send(broken).await;
        assert_eq!(peer.read().await, None, "{broken}");
    }
}

#[tokio::test]
async fn bytes_are_refused() {
    let server = Server::start().await;
    for mut peer in [
        open(&server, "/echo").await,
        Peer::open(server.address, "/echo/websocket").await,
    ] {
        peer.write(FIN | BINARY, b"[\"a\"]").await;
        assert_eq!(peer.goodbye().await, (1003, "texts only".to_owned()));
    }
}

#[tokio::test]
async fn a_session_id_may_be_used_by_several_connections() {
    let server = Server::start().await;
    let path = format!("{}/websocket", session_url("/echo"));
    let mut first = Peer::open(server.address, &path).await;
    assert_eq!(first.text().await, "o");
    let mut second = Peer::open(server.address, &path).await;
    assert_eq!(second.text().await, "o");
    first.send(r#"["a"]"#).await;
    assert_eq!(first.text().await, r#"a["a"]"#);
    second.send(r#"["b"]"#).await;
    assert_eq!(second.text().await, r#"a["b"]"#);
    first.write(FIN | CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(first.close_frame().await.0, 1000);
    let mut third = Peer::open(server.address, &path).await;
    assert_eq!(third.text().await, "o");
    second.send(r#"["c"]"#).await;
    assert_eq!(second.text().await, r#"a["c"]"#);
}

#[tokio::test]
async fn the_peers_goodbye_is_answered() {
    let server = Server::start().await;
    let mut peer = open(&server, "/echo").await;
    peer.write(FIN | CLOSE, &3001_u16.to_be_bytes()).await;
    assert_eq!(peer.close_frame().await.0, 3001);
    assert_eq!(peer.read().await, None);
}

#[tokio::test]
async fn a_raw_websocket_has_no_frames_of_sockjs() {
    let server = Server::start().await;
    let mut peer = Peer::open(server.address, "/echo/websocket").await;
    for text in ["Hello world!\u{ffff}", "", "[]", "[\"a"] {
        peer.send(text).await;
        assert_eq!(peer.text().await, text);
    }
}

#[tokio::test]
async fn a_raw_websocket_is_closed_with_the_code_and_the_reason() {
    let server = Server::start().await;
    let mut peer = Peer::open(server.address, "/close/websocket").await;
    assert_eq!(peer.goodbye().await, (3000, "Go away!".to_owned()));
}

#[tokio::test]
async fn a_code_that_no_goodbye_may_have_and_a_reason_too_long_for_one_stay_in_the_frame() {
    let mut endpoint = Endpoint::new(|_| ());
    let server = Server::serving(endpoint.sockjs.routes()).await;
    let mut peer = Peer::open(server.address, "/at/0/0/websocket").await;
    let reason = "\u{20ac}".repeat(50);
    endpoint.session().await.close(1005, reason.as_str());
    assert_eq!(peer.text().await, "o");
    assert_eq!(peer.text().await, format!("c[1005,\"{reason}\"]"));
    assert_eq!(peer.goodbye().await, (1000, "\u{20ac}".repeat(41)));
}
