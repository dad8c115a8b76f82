//! Heartbeats, the disconnect delay and the handover, on a stopped clock.

use std::time::Duration;

use sockjs::{Incoming, Session, SockJs};
use tokio::io::DuplexStream;
use tokio::time::{Instant, advance, sleep};

use crate::harness::calls::{Endpoint, next, whole};
use crate::harness::websocket::{FIN, PING, PONG, Peer, TEXT};

const SECOND: Duration = Duration::from_secs(1);

fn endpoint() -> Endpoint {
    Endpoint::new(|_| ())
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_news_ends_with_a_heartbeat() {
    let mut endpoint = endpoint();
    let _session = endpoint.open("xhr").await;
    let start = Instant::now();
    assert_eq!(endpoint.poll().await, "h\n");
    assert_eq!(start.elapsed(), 25 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_heartbeats_when_nothing_else_was_sent() {
    let mut endpoint = Endpoint::new(|options| options.heartbeat_interval = 10 * SECOND);
    let mut body = endpoint.post("xhr_streaming", "").await.into_body();
    let session = endpoint.session().await;
    next(&mut body).await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "o\n");
    let start = Instant::now();
    assert_eq!(next(&mut body).await.unwrap(), "h\n");
    assert_eq!(start.elapsed(), 10 * SECOND);
    advance(6 * SECOND).await;
    session.send("news").await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "a[\"news\"]\n");
    assert_eq!(next(&mut body).await.unwrap(), "h\n");
    assert_eq!(start.elapsed(), 26 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_its_heartbeats_gives_signs_of_life() {
    let mut endpoint = endpoint();
    let mut body = endpoint.post("xhr_streaming", "").await.into_body();
    let mut session = endpoint.session().await;
    let listen = async { while next(&mut body).await.is_some() {} };
    let hear = async {
        assert_eq!(session.receive().await, Incoming::Sign);
        for count in 1..=3 {
            let start = Instant::now();
            assert_eq!(session.receive().await, Incoming::Sign, "{count}");
            assert_eq!(start.elapsed(), 25 * SECOND);
        }
    };
    tokio::select! {
        () = listen => panic!("the stream has ended"),
        () = hear => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_no_poll_comes_in_time() {
    let mut endpoint = endpoint();
    let mut session = endpoint.open("xhr").await;
    let start = Instant::now();
    assert_eq!(session.receive().await, Incoming::Over);
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert!(session.send("late").await.is_err());
    drop(session);
    assert_eq!(endpoint.poll().await, "o\n", "it is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_while_it_is_polled() {
    let mut endpoint = endpoint();
    let mut session = endpoint.open("xhr").await;
    for _ in 0..10 {
        advance(4 * SECOND).await;
        assert_eq!(endpoint.poll().await, "h\n");
        assert_eq!(session.receive().await, Incoming::Sign);
    }
    session.try_send("still there").unwrap();
    assert_eq!(endpoint.poll().await, "a[\"still there\"]\n");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_never_read_ends_too() {
    let mut endpoint = endpoint();
    drop(endpoint.post("xhr", "").await);
    let mut session = endpoint.session().await;
    let start = Instant::now();
    assert_eq!(session.receive().await, Incoming::Over);
    assert!(start.elapsed() <= 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_close_is_kept_for_the_delay() {
    let mut endpoint = endpoint();
    let session = endpoint.open("xhr").await;
    session.close(3000, "Go away!");
    for _ in 0..4 {
        assert_eq!(endpoint.poll().await, "c[3000,\"Go away!\"]\n");
        sleep(SECOND).await;
    }
    sleep(SECOND + SECOND / 10).await;
    assert_eq!(endpoint.poll().await, "o\n");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_is_closed_normally() {
    let mut endpoint = endpoint();
    drop(endpoint.open("xhr").await);
    assert_eq!(endpoint.poll().await, "c[1000,\"Normal closure\"]\n");
}

#[tokio::test(start_paused = true)]
async fn an_application_that_fails_closes_its_session() {
    let sockjs = SockJs::new(sockjs::Options::at("/at"), async |session: Session| {
        assert!(session.request().uri.path().is_empty(), "a fault of a test");
    });
    for frame in ["o\n", "c[1011,\"Internal error\"]\n"] {
        let request = axum::extract::Request::post("/at/0/0/xhr");
        let request = request.body(axum::body::Body::empty()).unwrap();
        assert_eq!(whole(sockjs.serve(request).await).await, frame);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_waits_a_moment_for_the_first_to_go() {
    let mut endpoint = endpoint();
    let _session = endpoint.open("xhr").await;
    let first = endpoint.post("xhr", "").await;
    let start = Instant::now();
    let poll = async {
        let mut first = first.into_body();
        tokio::select! {
            biased;
            chunk = next(&mut first) => panic!("the first poll has ended: {chunk:?}"),
            second = endpoint.poll() => second,
        }
    };
    assert_eq!(poll.await, "c[2010,\"Another connection still open\"]\n");
    assert_eq!(start.elapsed(), Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_has_heartbeats_and_pings() {
    let mut endpoint = endpoint();
    let mut peer = endpoint.websocket("/at/000/session/websocket").await;
    let mut session = endpoint.session().await;
    assert_eq!(peer.text().await, "o");
    let start = Instant::now();
    for count in 1..=4 {
        let mut beat = [next_after_heartbeat(&mut peer).await, peer.read().await];
        beat.sort();
        let ping = Some((FIN | PING, vec![]));
        assert_eq!(beat, [Some((FIN | TEXT, b"h".to_vec())), ping]);
        assert_eq!(start.elapsed(), count * 25 * SECOND);
        peer.write(FIN | PONG, b"").await;
        assert_eq!(session.receive().await, Incoming::Sign);
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_is_asked_for_signs_of_life_however_much_is_sent() {
    let mut endpoint = endpoint();
    let mut peer = endpoint.websocket("/at/0/0/websocket").await;
    let session = endpoint.session().await;
    assert_eq!(peer.text().await, "o");
    let start = Instant::now();
    let mut pings = 0;
    while start.elapsed() < 90 * SECOND {
        sleep(10 * SECOND).await;
        session.send("x").await.unwrap();
        loop {
            match peer.read().await.unwrap() {
                (first, _) if first == FIN | PING => {
                    peer.write(FIN | PONG, b"").await;
                    pings += 1;
                }
                (_, payload) => {
                    assert_eq!(payload, b"a[\"x\"]", "no heartbeat is needed");
                    break;
                }
            }
        }
    }
    assert_eq!(pings, 3);
}

/// The heartbeat comes later than tests wait otherwise.
async fn next_after_heartbeat(peer: &mut Peer<DuplexStream>) -> Option<(u8, Vec<u8>)> {
    advance(10 * SECOND).await;
    peer.read().await
}

#[tokio::test(start_paused = true)]
async fn a_websocket_without_a_sign_of_life_ends() {
    let mut endpoint = endpoint();
    let _peer = endpoint.websocket("/at/websocket").await;
    let mut session = endpoint.session().await;
    let start = Instant::now();
    assert_eq!(session.receive().await, Incoming::Over);
    assert_eq!(start.elapsed(), 75 * SECOND);
}
