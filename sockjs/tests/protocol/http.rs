//! HTTP/1.0 and 1.1: lengths, chunks and connections that stay.

use crate::harness::raw::{Connection, Request};
use crate::harness::{Server, session_url};

#[tokio::test]
async fn http_1_0_gets_a_length() {
    let server = Server::start().await;
    let mut connection = Connection::open(server.address).await;
    let request = Request::new("GET", "/echo")
        .version("1.0")
        .header("Connection", "Keep-Alive");
    for _ in 0..2 {
        connection.write(&request).await;
        let head = connection.read_head().await;
        assert_eq!(head.status, 200);
        assert_eq!(head.header("transfer-encoding"), None);
        assert_eq!(head.header("content-length"), Some("19"));
        assert_eq!(connection.read_text(19).await, "Welcome to SockJS!\n");
        let connection = head.header("connection").map(str::to_lowercase);
        assert_eq!(connection.as_deref(), Some("keep-alive"));
    }
}

#[tokio::test]
async fn http_1_0_gets_a_stream_until_the_connection_ends() {
    let server = Server::start().await;
    let mut connection = Connection::open(server.address).await;
    let path = format!("{}/xhr_streaming", session_url("/close"));
    let request = Request::new("POST", &path)
        .version("1.0")
        .header("Connection", "Keep-Alive");
    connection.write(&request).await;
    let head = connection.read_head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("transfer-encoding"), None);
    assert_eq!(head.header("content-length"), None);
    let prelude = "h".repeat(2048);
    let body = connection.read_to_end().await;
    assert_eq!(body, format!("{prelude}\no\nc[3000,\"Go away!\"]\n"));
}

#[tokio::test]
async fn http_1_1_connections_stay() {
    let server = Server::start().await;
    let mut connection = Connection::open(server.address).await;
    for _ in 0..2 {
        connection.write(&Request::new("GET", "/echo")).await;
        let head = connection.read_head().await;
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-length"), Some("19"));
        assert_ne!(head.header("connection"), Some("close"));
        assert_eq!(connection.read_text(19).await, "Welcome to SockJS!\n");
    }
}

#[tokio::test]
async fn http_1_1_gets_a_stream_in_chunks_and_the_connection_stays() {
    let server = Server::start().await;
    let mut connection = Connection::open(server.address).await;
    let path = format!("{}/xhr_streaming", session_url("/close"));
    connection.write(&Request::new("POST", &path)).await;
    let head = connection.read_head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(head.header("content-length"), None);
    assert_eq!(connection.read_chunk().await.unwrap().len(), 2049);
    assert_eq!(connection.read_chunk().await.as_deref(), Some("o\n"));
    let close = connection.read_chunk().await;
    assert_eq!(close.as_deref(), Some("c[3000,\"Go away!\"]\n"));
    assert_eq!(connection.read_chunk().await, None);
    connection.write(&Request::new("GET", "/echo")).await;
    assert_eq!(connection.read_head().await.status, 200);
}

#[tokio::test]
async fn polls_follow_each_other_on_one_connection() {
    let server = Server::start().await;
    let mut connection = Connection::open(server.address).await;
    let url = session_url("/echo");
    for frame in ["o\n", "a[\"x\"]\n"] {
        connection
            .write(&Request::new("POST", &format!("{url}/xhr")))
            .await;
        assert_eq!(connection.read_head().await.status, 200);
        assert_eq!(connection.read_chunk().await.as_deref(), Some(frame));
        assert_eq!(connection.read_chunk().await, None);
        let send = Request::new("POST", &format!("{url}/xhr_send")).body(r#"["x"]"#);
        connection.write(&send).await;
        assert_eq!(connection.read_head().await.status, 204);
    }
}
