//! Requests to an endpoint without a socket: only timers and the endpoint's own tasks are waited for, so a stopped clock
//! goes on exactly when nothing else can.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sockjs::{Incoming, Options, Owner, Session, SockJs};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::websocket::{Peer, handshake};

/// An endpoint whose sessions the test itself holds.
pub(crate) struct Endpoint {
    pub(crate) sockjs: SockJs,
    sessions: mpsc::UnboundedReceiver<Session>,
}

impl Endpoint {
    pub(crate) fn new(set: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::at("/at");
        set(&mut options);
        let (sender, sessions) = mpsc::unbounded_channel();
        let sockjs = SockJs::new(options, move |session: Session| {
            sender.send(session).unwrap();
            // The task of a session ends with the session; the test is its application here.
            std::future::ready(())
        });
        Self { sockjs, sessions }
    }

    /// The next session that was opened.
    pub(crate) async fn session(&mut self) -> Session {
        self.sessions.recv().await.unwrap()
    }

    /// Opens a session and reads its `o`.
    pub(crate) async fn open(&mut self, transport: &str) -> Session {
        let mut body = self.post(transport, "").await.into_body();
        while next(&mut body).await.unwrap() != "o\n" {}
        assert_eq!(next(&mut body).await, None);
        let mut session = self.session().await;
        assert_eq!(session.receive().await, Incoming::Sign);
        session
    }

    /// A WebSocket to the endpoint, with 64 KiB in between instead of a socket.
    pub(crate) async fn websocket(&self, path: &str) -> Peer<DuplexStream> {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let router: Router = self.sockjs.routes();
        tokio::spawn(async move {
            let service = TowerToHyperService::new(router);
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(server), service);
            connection.with_upgrades().await
        });
        let request = handshake(path).text();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        Peer::on(client)
    }

    /// Posts to a transport of the one session that these tests have.
    pub(crate) async fn post(&self, transport: &str, body: &str) -> Response {
        self.post_as(None, transport, body).await
    }

    pub(crate) async fn post_as(
        &self,
        owner: Option<&str>,
        transport: &str,
        body: &str,
    ) -> Response {
        self.call("POST", owner, transport, body).await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        owner: Option<&str>,
        transport: &str,
        body: &str,
    ) -> Response {
        let path = format!("/at/000/session/{transport}");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.to_owned()))
            .unwrap();
        if let Some(owner) = owner {
            request.extensions_mut().insert(Owner::new(owner));
        }
        self.sockjs.serve(request).await
    }

    /// Polls once, to the end.
    pub(crate) async fn poll(&self) -> String {
        let response = self.post("xhr", "").await;
        assert_eq!(response.status(), StatusCode::OK);
        whole(response).await
    }
}

/// The next chunk of a body.
pub(crate) async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    let bytes = frame.into_data().unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// A whole body.
pub(crate) async fn whole(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
