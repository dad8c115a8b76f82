//! Session URLs, and how a session comes and goes, by the polling transport.

use crate::harness::{Server, session_url};

#[tokio::test]
async fn any_id_without_a_dot_opens_a_session() {
    let server = Server::start().await;
    for ids in ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"] {
        let answer = server.post(&format!("/echo{ids}/xhr"), "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "o\n"), "{ids}");
    }
}

#[tokio::test]
async fn the_server_part_of_the_url_is_ignored() {
    let server = Server::start().await;
    assert_eq!(server.post("/echo/000/same/xhr", "").await.body, "o\n");
    let sent = server.post("/echo/000/same/xhr_send", r#"["a"]"#).await;
    assert_eq!(sent.status, 204);
    let answer = server.post("/echo/999/same/xhr", "").await;
    assert_eq!(answer.body, "a[\"a\"]\n");
}

#[tokio::test]
async fn a_session_carries_messages_both_ways() {
    let server = Server::start().await;
    let url = session_url("/echo");
    assert_eq!(server.post(&format!("{url}/xhr"), "").await.body, "o\n");
    let sent = server.post(&format!("{url}/xhr_send"), r#"["a"]"#).await;
    assert_eq!((sent.status, sent.body.as_str()), (204, ""));
    let answer = server.post(&format!("{url}/xhr"), "").await;
    assert_eq!(answer.body, "a[\"a\"]\n");
}

#[tokio::test]
async fn messages_for_an_unknown_session_are_refused() {
    let server = Server::start().await;
    for sender in ["xhr_send", "jsonp_send"] {
        let path = format!("/echo/000/unknown/{sender}");
        assert_eq!(server.post(&path, r#"["a"]"#).await.status, 404);
    }
}

#[tokio::test]
async fn a_second_receiver_is_sent_away() {
    let server = Server::start().await;
    let path = format!("{}/xhr", session_url("/echo"));
    assert_eq!(server.post(&path, "").await.body, "o\n");
    let _first = server.stream_post(&path).await;
    let second = server.post(&path, "").await;
    assert_eq!(second.status, 200);
    assert_eq!(second.body, "c[2010,\"Another connection still open\"]\n");
}

#[tokio::test]
async fn a_closed_session_says_so_to_each_poll() {
    let server = Server::start().await;
    let path = format!("{}/xhr", session_url("/close"));
    assert_eq!(server.post(&path, "").await.body, "o\n");
    for _ in 0..3 {
        let answer = server.post(&path, "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, "c[3000,\"Go away!\"]\n");
    }
}

#[tokio::test]
async fn endpoints_do_not_share_sessions() {
    let server = Server::start().await;
    assert_eq!(server.post("/echo/0/shared/xhr", "").await.body, "o\n");
    assert_eq!(server.post("/close/0/shared/xhr", "").await.body, "o\n");
    let sent = server
        .post("/cookie_needed_echo/0/shared/xhr_send", "[]")
        .await;
    assert_eq!(sent.status, 404);
}
