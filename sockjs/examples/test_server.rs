//! The endpoints that the protocol's public test suite expects, and `/ws-echo` for suites of plain WebSocket.
//!
//! `cargo run -p sockjs --example test_server PORT` listens on 127.0.0.1 (0 takes any port) and prints `ready PORT`.

use std::error::Error;
use std::io::Write;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use sockjs::socket::{Handshake, Received, Socket};
use sockjs::{Cookie, Options, Session, SockJs};
use tokio::net::TcpListener;

/// What suites of plain WebSocket send at most.
const WS_ECHO_BYTES: usize = 16 * 1024 * 1024;

/// On one thread: the suite opens two polls right behind each other and wants the first one to be the one that stays.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("usage: test_server PORT")?;
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    writeln!(std::io::stdout(), "ready {}", listener.local_addr()?.port())?;
    axum::serve(listener, router()).await?;
    Ok(())
}

/// All endpoints.
pub(crate) fn router() -> Router {
    // The suite wants to see the limit at work without sending much.
    let echo_options = |prefix| Options {
        response_limit: 4096,
        ..Options::at(prefix)
    };
    let without_websocket = Options {
        websocket: false,
        ..echo_options("/disabled_websocket_echo")
    };
    let with_cookie = Options {
        cookie: Cookie::JSessionId,
        ..echo_options("/cookie_needed_echo")
    };
    Router::new()
        .merge(SockJs::new(echo_options("/echo"), echo).routes())
        .merge(SockJs::new(without_websocket, echo).routes())
        .merge(SockJs::new(with_cookie, echo).routes())
        .merge(SockJs::new(Options::at("/close"), close).routes())
        .route("/ws-echo", any(ws_echo))
}

async fn echo(mut session: Session) {
    while let Some(text) = session.recv().await {
        if session.send(text).await.is_err() {
            return;
        }
    }
}

async fn close(session: Session) {
    session.close(3000, "Go away!");
}

/// A plain WebSocket that sends back what it gets.
async fn ws_echo(mut request: Request) -> Response {
    let handshake = match Handshake::take(&mut request) {
        Ok(handshake) => handshake,
        Err(refused) => return refused.into_response(),
    };
    let response = handshake.response();
    tokio::spawn(async move {
        if let Some(socket) = handshake.complete(WS_ECHO_BYTES).await {
            echo_verbatim(socket).await;
        }
    });
    response
}

async fn echo_verbatim(mut socket: Socket) {
    let (code, reason) = loop {
        let sent = match socket.receive().await {
            Received::Text(text) => socket.send_text(text).await,
            Received::Binary(bytes) => socket.send_binary(bytes).await,
            Received::Sign => Ok(()),
            Received::Closed => break (1000, ""),
            Received::Failed(fault) => break fault.goodbye(),
        };
        if sent.is_err() {
            return;
        }
    };
    socket.close(code, reason).await;
}
