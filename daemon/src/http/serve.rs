//! Connections: accepting them, bounding how long they may dawdle, and ending them in order.
//!
//! hyper's own builder, because `axum::serve` has no time-outs: half-sent headers and silent connections stay open.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::handover::Handover;
use super::stream::{ImpatientStream, Purpose};
use crate::app::App;

/// From accepting a connection, or the last answer on it, to the end of the next request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(8);

/// More header lines than any client of ours sends, by far.
const MAX_HEADERS: usize = 64;

/// What hyper buffers of a head, and holds back of an answer.
const BUFFER_BYTES: usize = 32 * 1024;

/// Pauses after a failed accept: when file descriptors run out, trying at once would only burn the processor.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections until the daemon stops.
pub async fn accept(app: Arc<App>, listener: TcpListener, router: Router) {
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = FIRST_PAUSE;
                let connection = serve(Arc::clone(&app), stream, peer, router.clone());
                app.tasks.spawn(connection);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "no connection can be accepted; waiting");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The peer was gone before we came to it; the next one is not concerned.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn serve(app: Arc<App>, stream: TcpStream, peer: SocketAddr, router: Router) {
    // Frames of a session are small and must not wait for each other. A socket that refuses is gone already.
    let _ = stream.set_nodelay(true);
    let purpose = Purpose::default();
    let handover = Handover::default();
    let stall = app.config.limits.download_stall_timeout;
    let stream = ImpatientStream::new(stream, stall, handover.clone(), purpose.clone());
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(purpose.clone());
        request.extensions_mut().insert(handover.clone());
        request
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER_BYTES);
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection.with_upgrades());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            // What runs on it may end; nothing new begins.
            () = app.stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = app.grace_over.cancelled() => return,
        }
    }
}
