//! The session against servers that hang up, push away, and greet again.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::*;

/// Says nothing, and hangs up.
async fn deaf_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_with_and_without_tls() {
    let server = deaf_server().await;
    for scheme in ["http", "https"] {
        let daemon = Daemon::at(&format!("{scheme}://{server}"), None).unwrap();
        let mut live = Live::start(daemon, Session::default());
        for failures in 1..=2 {
            let event = live.next().await.unwrap().unwrap();
            assert!(
                matches!(&event, Event::Waiting { failures: found, .. } if *found == failures),
                "{event:?}"
            );
        }
        live.close().await;
    }
}

#[tokio::test]
async fn nothing_is_said_into_a_session_that_is_not_there() {
    let daemon = Daemon::at(&format!("http://{}", deaf_server().await), None).unwrap();
    let live = Live::start(daemon, Session::default());
    let ping = protocol::message::Ping { timestamp: None };
    let said = live.sender().say(ClientMessage::Ping(ping)).await;
    assert!(matches!(said, Err(Error::Interrupted { .. })));
}

/// Greets, hears two messages, acknowledges them, sends the client away for a second, and does it all again. Gives the
/// types of what it heard, connection by connection.
async fn busy_server(heard: mpsc::Sender<Vec<String>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            socket.send(Message::text(WELCOME)).await.unwrap();
            let mut types = Vec::new();
            for _ in 0..2 {
                let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
                let said: Value = serde_json::from_str(&text).unwrap();
                types.push(said["type"].as_str().unwrap().to_owned());
                let ack = json!({"type": "ACK", "data": {"id": said["id"]}});
                socket.send(Message::text(ack.to_string())).await.unwrap();
            }
            heard.send(types).await.unwrap();
            socket.send(Message::text(RATE_LIMITED)).await.unwrap();
            // The client may be gone first.
            socket.close(None).await.ok();
        }
    });
    address.to_string()
}

const WELCOME: &str = r#"{"type":"WELCOME","data":{"sessionId":"019376f4-0000-7000-8000-000000000000",
    "serverTime":"2026-01-15T10:30:00Z","heartbeatInterval":30000}}"#;
const RATE_LIMITED: &str = r#"{"type":"RATE_LIMITED","data":{"clientId":"desktop-1","retryAfter":1,
    "message":"too many","violationType":"CONNECTION_LIMIT","currentCount":11,"maxAllowed":10,"windowMinutes":1,
    "timestamp":"2026-01-15T10:30:00Z"}}"#;

#[tokio::test]
async fn after_every_connect_it_says_again_who_it_is_and_it_stays_away_as_long_as_it_was_asked_to()
{
    let (sender, mut heard) = mpsc::channel(4);
    let address = busy_server(sender).await;
    let daemon = Daemon::at(&format!("http://{address}"), None).unwrap();
    let register: Register = serde_json::from_value(json!({
        "clientVersion": "1.0.0", "clientId": "desktop-1", "platform": "linux", "architecture": "x64"
    }))
    .unwrap();
    let session = Session {
        register: Some(register),
        channels: vec!["stable".parse().unwrap()],
        watch: None,
    };
    let mut live = Live::start(daemon, session);
    for _ in 0..2 {
        let wait = loop {
            match live.next().await.unwrap().unwrap() {
                Event::Waiting { wait, .. } => break wait,
                Event::Ready | Event::Connected(_) | Event::Message(_) | Event::Gap => {}
            }
        };
        assert!(wait > Duration::from_millis(900), "{wait:?}");
        assert!(!live.sender().is_ready());
        assert_eq!(heard.recv().await.unwrap(), ["SUBSCRIBE", "REGISTER"]);
    }
    live.close().await;
}
