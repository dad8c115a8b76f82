//! The end of sessions over responses: closed by the server, by a second receiver, by a connection that broke.

use crate::harness::raw::Streaming;
use crate::harness::{Server, session_url};

/// A streaming response after its prelude.
async fn stream(server: &Server, url: &str) -> Streaming {
    let mut stream = server.stream_post(&format!("{url}/xhr_streaming")).await;
    assert_eq!(stream.chunk().await.unwrap().len(), 2049);
    stream
}

#[tokio::test]
async fn a_closed_session_says_so_to_each_stream_and_ends_it() {
    let server = Server::start().await;
    let url = session_url("/close");
    let mut first = stream(&server, &url).await;
    assert_eq!(first.chunk().await.as_deref(), Some("o\n"));
    assert_eq!(
        first.chunk().await.as_deref(),
        Some("c[3000,\"Go away!\"]\n")
    );
    let mut second = stream(&server, &url).await;
    assert_eq!(
        second.chunk().await.as_deref(),
        Some("c[3000,\"Go away!\"]\n")
    );
    assert_eq!(first.chunk().await, None);
    assert_eq!(second.chunk().await, None);
}

#[tokio::test]
async fn a_second_stream_is_sent_away_and_the_first_goes_on() {
    let server = Server::start().await;
    let url = session_url("/echo");
    let mut first = stream(&server, &url).await;
    assert_eq!(first.chunk().await.as_deref(), Some("o\n"));
    let mut second = stream(&server, &url).await;
    assert_eq!(
        second.chunk().await.as_deref(),
        Some("c[2010,\"Another connection still open\"]\n")
    );
    assert_eq!(second.chunk().await, None);
    server.post(&format!("{url}/xhr_send"), r#"["x"]"#).await;
    assert_eq!(first.chunk().await.as_deref(), Some("a[\"x\"]\n"));
}

#[tokio::test]
async fn a_stream_that_was_hung_up_closes_its_session() {
    let server = Server::start().await;
    for _ in 0..20 {
        let url = session_url("/echo");
        let mut first = stream(&server, &url).await;
        assert_eq!(first.chunk().await.as_deref(), Some("o\n"));
        drop(first);
        let mut second = stream(&server, &url).await;
        assert_eq!(
            second.chunk().await.as_deref(),
            Some("c[1002,\"Connection interrupted\"]\n")
        );
        assert_eq!(second.chunk().await, None);
    }
}

#[tokio::test]
async fn a_poll_that_was_hung_up_closes_its_session() {
    let server = Server::start().await;
    for _ in 0..20 {
        let path = format!("{}/xhr", session_url("/echo"));
        assert_eq!(server.post(&path, "").await.body, "o\n");
        let first = server.stream_post(&path).await;
        drop(first);
        let answer = server.post(&path, "").await;
        assert_eq!(answer.body, "c[1002,\"Connection interrupted\"]\n");
    }
}

#[tokio::test]
async fn messages_for_a_closed_session_are_taken_and_dropped() {
    let server = Server::start().await;
    let url = session_url("/close");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    // A refusal would hide the reason that the next poll brings.
    let sent = server.post(&format!("{url}/xhr_send"), r#"["late"]"#).await;
    assert_eq!(sent.status, 204);
    let answer = server.post(&format!("{url}/xhr"), "").await;
    assert_eq!(answer.body, "c[3000,\"Go away!\"]\n");
}
