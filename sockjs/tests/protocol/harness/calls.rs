//! Requests to an endpoint without a socket: only timers and the endpoint's own tasks are waited for, so a stopped clock
//! goes on exactly when nothing else can.

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use http_body_util::BodyExt;
use sockjs::{Incoming, Options, Owner, Session, SockJs};
use tokio::sync::mpsc;

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
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/at/000/session/{transport}"))
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
