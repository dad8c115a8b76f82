//! Bounds: what waits for a peer, what waits for the application, what may be sent at once, how many sessions there are.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use sockjs::{Bounds, Incoming, SendError};
use tokio::time::Instant;

use crate::harness::Server;
use crate::harness::calls::{Endpoint, next, whole};
use crate::harness::websocket::{FIN, Peer, TEXT};

fn with_bounds(messages: usize, bytes: usize) -> Endpoint {
    Endpoint::new(|options| {
        options.outbox = Bounds { messages, bytes };
        options.inbox = Bounds { messages, bytes };
        // Nobody polls here, and that is not what is looked at.
        options.disconnect_delay = Duration::from_secs(3600);
    })
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_is_told_to_the_application() {
    let mut endpoint = with_bounds(3, 1000);
    let session = endpoint.open("xhr").await;
    for count in 1..=3 {
        session.try_send("x").unwrap();
        assert_eq!(session.queued(), count);
    }
    assert_eq!(session.try_send("x"), Err(SendError::Full));
    assert_eq!(endpoint.poll().await, "a[\"x\",\"x\",\"x\"]\n");
    assert_eq!(session.queued(), 0);
    session.try_send("x").unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_outbox_is_bounded_in_bytes() {
    let mut endpoint = with_bounds(100, 10);
    let session = endpoint.open("xhr").await;
    session.try_send("1234567").unwrap();
    assert_eq!(session.try_send("1234"), Err(SendError::Full));
    session.try_send("123").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_send_waits_for_room() {
    let mut endpoint = with_bounds(1, 1000);
    let session = endpoint.open("xhr").await;
    session.send("first").await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_secs(60), session.send("second"));
    assert!(waiting.await.is_err(), "nobody polls");
    let (sent, polled) = tokio::join!(session.send("third"), endpoint.poll());
    sent.unwrap();
    assert_eq!(polled, "a[\"first\"]\n");
    assert_eq!(endpoint.poll().await, "a[\"third\"]\n");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_send_ends_with_its_session() {
    let mut endpoint = with_bounds(1, 1000);
    let session = endpoint.open("xhr").await;
    session.send("first").await.unwrap();
    assert!(session.send("second").await.is_err());
    assert_eq!(session.try_send("third"), Err(SendError::Over));
}

#[tokio::test(start_paused = true)]
async fn a_peer_waits_for_a_busy_application_and_is_refused_in_the_end() {
    let mut endpoint = with_bounds(2, 1000);
    let mut session = endpoint.open("xhr").await;
    // One request's messages stay together, even over the bounds.
    let sent = endpoint.post("xhr_send", r#"["1","2","3"]"#).await;
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    let start = Instant::now();
    let refused = endpoint.post("xhr_send", r#"["4"]"#).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let take_two = async {
        for expected in ["1", "2"] {
            assert_eq!(session.recv().await.unwrap(), expected);
        }
    };
    let (sent, ()) = tokio::join!(endpoint.post("xhr_send", r#"["5"]"#), take_two);
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    assert_eq!(session.recv().await.unwrap(), "3");
    assert_eq!(session.recv().await.unwrap(), "5");
}

#[tokio::test(start_paused = true)]
async fn too_large_a_body_is_refused_and_told_to_the_application() {
    let mut endpoint = Endpoint::new(|options| options.max_message_bytes = 10);
    let mut session = endpoint.open("xhr").await;
    let sent = endpoint.post("xhr_send", r#"["123456"]"#).await;
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    let refused = endpoint.post("xhr_send", r#"["1234567"]"#).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(session.receive().await, Incoming::Text("123456".into()));
    assert_eq!(session.receive().await, Incoming::TooLarge);
    session.send("too much").await.unwrap();
    assert_eq!(session.receive().await, Incoming::Over);
    drop(session);
    assert_eq!(endpoint.poll().await, "a[\"too much\"]\n");
    assert_eq!(endpoint.poll().await, "c[1009,\"Message too large\"]\n");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_in_time_is_refused() {
    let endpoint = Endpoint::new(|_| ());
    let never = futures_util::stream::pending::<Result<&[u8], std::io::Error>>();
    let request = Request::post("/at/0/0/xhr_send");
    let request = request.body(Body::from_stream(never)).unwrap();
    let start = Instant::now();
    let refused = endpoint.sockjs.serve(request).await;
    assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_is_read_up_to_the_limit() {
    let endpoint = Endpoint::new(|options| options.max_message_bytes = 10);
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("    "));
    let request = Request::post("/at/0/0/xhr_send");
    let request = request.body(Body::from_stream(endless)).unwrap();
    let refused = endpoint.sockjs.serve(request).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn too_large_a_text_is_told_to_the_application_which_may_answer() {
    let mut endpoint = Endpoint::new(|options| options.max_message_bytes = 10);
    let server = Server::serving(endpoint.sockjs.routes()).await;
    let mut peer = Peer::open(server.address, "/at/websocket").await;
    let mut session = endpoint.session().await;
    peer.write(FIN | TEXT, b"1234567890").await;
    assert_eq!(session.recv().await.unwrap(), "1234567890");
    peer.write(FIN | TEXT, b"12345678901").await;
    assert_eq!(session.receive().await, Incoming::TooLarge);
    session.send("too much").await.unwrap();
    assert_eq!(session.recv().await, None);
    drop(session);
    assert_eq!(peer.text().await, "too much");
    assert_eq!(peer.close_frame().await.0, 1009);
    assert_eq!(peer.read().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_makes_the_outbox_full_until_it_reads() {
    let mut endpoint = with_bounds(1, 1024);
    let mut peer = endpoint.websocket("/at/websocket").await;
    let session = endpoint.session().await;
    let text = "x".repeat(256 * 1024);
    session.send(text.as_str()).await.unwrap();
    // There is room again once the first is under way, which is as far as it gets.
    session.send("second").await.unwrap();
    assert_eq!(session.try_send("third"), Err(SendError::Full));
    assert_eq!(peer.text().await, text);
    session.send("third").await.unwrap();
    assert_eq!(peer.text().await, "second");
    assert_eq!(peer.text().await, "third");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_for_long_is_given_up() {
    let mut endpoint = with_bounds(1, 1024);
    let _peer = endpoint.websocket("/at/websocket").await;
    let session = endpoint.session().await;
    let text = "x".repeat(256 * 1024);
    session.send(text.as_str()).await.unwrap();
    session.send("second").await.unwrap();
    let start = Instant::now();
    assert!(session.send("third").await.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn sessions_have_a_number_and_the_next_is_refused() {
    let mut endpoint = Endpoint::new(|options| options.max_sessions = 1);
    let session = endpoint.open("xhr").await;
    let other = async || {
        let request = Request::post("/at/0/other/xhr");
        let request = request.body(Body::empty()).unwrap();
        endpoint.sockjs.serve(request).await
    };
    assert_eq!(other().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(session);
    // Its place is free when it is forgotten.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(whole(other().await).await, "o\n");
}

#[tokio::test(start_paused = true)]
async fn a_response_ends_at_its_limit_without_its_prelude() {
    let mut endpoint = Endpoint::new(|options| options.response_limit = 2 + 6);
    let mut body = endpoint.post("xhr_streaming", "").await.into_body();
    let session = endpoint.session().await;
    session.send("x").await.unwrap();
    next(&mut body).await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "o\n");
    assert_eq!(next(&mut body).await.unwrap(), "a[\"x\"]\n");
    assert_eq!(next(&mut body).await, None);
}
