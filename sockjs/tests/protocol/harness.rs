//! A server on a port of its own, and clients that see every byte: HTTP on a bare socket, and endpoints called without
//! any socket, for tests that own the clock.

pub(crate) mod calls;
pub(crate) mod raw;
pub(crate) mod websocket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::test_server;
use raw::{Answer, Request, Streaming};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it ends with its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The test server.
    pub(crate) async fn start() -> Self {
        Self::serving(test_server::router()).await
    }

    pub(crate) async fn serving(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Request::new("GET", path).send(self.address).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        Request::new("POST", path)
            .body(body)
            .send(self.address)
            .await
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(self.address).await
    }

    /// Reads no more than the head of the answer.
    pub(crate) async fn stream(&self, request: Request) -> Streaming {
        request.stream(self.address).await
    }

    pub(crate) async fn stream_post(&self, path: &str) -> Streaming {
        self.stream(Request::new("POST", path)).await
    }

    pub(crate) async fn stream_get(&self, path: &str) -> Streaming {
        self.stream(Request::new("GET", path)).await
    }
}

/// The URL of a session that no other test has.
pub(crate) fn session_url(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}/000/session{number}")
}

/// Ends a test that waits in vain.
#[track_caller]
pub(crate) fn in_time<F: Future>(waiting: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(output) => output,
            Err(_) => panic!("{caller}: waited {PATIENCE:?} in vain"),
        }
    }
}
