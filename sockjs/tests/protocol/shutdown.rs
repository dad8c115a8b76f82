//! The end of an endpoint: every session hears of it, none begins any more, and the last one is waited for.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::Instant;

use crate::harness::Server;
use crate::harness::calls::{Endpoint, next};
use crate::harness::websocket::{CLOSE, FIN, Peer};

#[tokio::test]
async fn sessions_are_closed_and_waited_for() {
    let mut endpoint = Endpoint::new(|_| ());
    let server = Server::serving(endpoint.sockjs.routes()).await;
    let mut peer = Peer::open(server.address, "/at/0/0/websocket").await;
    assert_eq!(peer.text().await, "o");
    let mut stream = server.stream_post("/at/0/streaming/xhr_streaming").await;
    stream.chunk().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap(), "o\n");
    let mut sessions = [endpoint.session().await, endpoint.session().await];

    let hear = async {
        assert_eq!(peer.text().await, r#"c[1001,"Going away"]"#);
        assert_eq!(peer.close_frame().await, (1001, "Going away".to_owned()));
        peer.write(FIN | CLOSE, &1001_u16.to_be_bytes()).await;
        assert_eq!(stream.chunk().await.unwrap(), "c[1001,\"Going away\"]\n");
        assert_eq!(stream.chunk().await, None);
        for session in &mut sessions {
            assert_eq!(session.recv().await, None);
        }
    };
    let shutdown = endpoint.sockjs.shutdown(1001, "Going away");
    crate::harness::in_time(async { tokio::join!(hear, shutdown) }).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_who_is_away_is_waited_for() {
    let mut endpoint = Endpoint::new(|_| ());
    let mut session = endpoint.open("xhr").await;
    let start = Instant::now();
    endpoint.sockjs.shutdown(1001, "Going away").await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(session.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_waited_for_no_longer_than_the_delay() {
    let mut endpoint = Endpoint::new(|_| ());
    let mut body = endpoint.post("xhr_streaming", "").await.into_body();
    let _session = endpoint.session().await;
    next(&mut body).await.unwrap();
    next(&mut body).await.unwrap();
    let start = Instant::now();
    endpoint.sockjs.shutdown(1001, "Going away").await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(next(&mut body).await.unwrap(), "c[1001,\"Going away\"]\n");
}

#[tokio::test(start_paused = true)]
async fn no_session_begins_after_the_end() {
    let endpoint = Endpoint::new(|_| ());
    endpoint.sockjs.shutdown(1001, "Going away").await;
    let refused = endpoint.post("xhr", "").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_says_goodbye_itself_is_waited_for() {
    let mut endpoint = Endpoint::new(|_| ());
    let session = endpoint.open("xhr").await;
    let poll = async { endpoint.poll().await };
    let goodbye = async {
        tokio::task::yield_now().await;
        session.try_send("last words").unwrap();
        session.close(1001, "the server is stopping");
        endpoint.sockjs.shutdown(1001, "Going away").await;
    };
    let (polled, ()) = tokio::join!(poll, goodbye);
    assert_eq!(polled, "a[\"last words\"]\n");
}
