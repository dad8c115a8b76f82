//! Something that answers in the daemon's place: a gateway, a sign-in page, a cache that mixes things up.
//!
//! What it has no answer for goes on to the daemon. WebSockets do not pass it, as they do not pass many a proxy.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::api::paths;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A front of a daemon. Dropping it ends it.
#[derive(Debug)]
pub struct Front {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// How many questions about the same path came before it.
    pub before: usize,
    /// When.
    pub at: Instant,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Reply {
    /// The daemon answers it.
    Forward,
    /// The daemon answers it, and one bit in the middle of its body is another one on arrival.
    Flip,
    /// This is the answer.
    Own(Response),
}

type Rule = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

struct Shared {
    daemon: String,
    http: reqwest::Client,
    rule: Rule,
    asked: Mutex<Vec<Asked>>,
}

impl Front {
    /// A front of the daemon at `url` that answers by `rule`.
    ///
    /// # Panics
    /// When no port is free.
    #[track_caller]
    pub fn of(
        url: &str,
        rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> impl Future<Output = Self> {
        let shared = Arc::new(Shared {
            daemon: url.to_owned(),
            http: reqwest::Client::new(),
            rule: Box::new(rule),
            asked: Mutex::default(),
        });
        async move {
            let listener = match TcpListener::bind("127.0.0.1:0").await {
                Ok(listener) => listener,
                Err(error) => panic!("no port is free: {error}"),
            };
            let url = match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(error) => panic!("no address: {error}"),
            };
            let app = Router::new()
                .fallback(answer)
                .with_state(Arc::clone(&shared));
            let task = tokio::spawn(async move {
                axum::serve(listener, app).await.ok();
            });
            Self { url, shared, task }
        }
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked so far whose path holds `part`.
    #[must_use]
    pub fn asked(&self, part: &str) -> Vec<Asked> {
        let asked = self.shared.asked();
        asked
            .iter()
            .filter(|asked| asked.path.contains(part))
            .cloned()
            .collect()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("daemon", &self.daemon)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: &Request) -> Asked {
        let path = request.uri().to_string();
        let range = request.headers().get(header::RANGE);
        let mut all = self.asked();
        let asked = Asked {
            range: range
                .and_then(|range| range.to_str().ok())
                .map(str::to_owned),
            before: all.iter().filter(|asked| asked.path == path).count(),
            path,
            at: Instant::now(),
        };
        all.push(asked.clone());
        asked
    }
}

/// A page that wants a guest of a hotel to sign in.
#[must_use]
pub fn sign_in_page() -> Response {
    let page = "<!DOCTYPE html><title>Welcome</title><form>Room number</form>\n";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// The way to it.
#[must_use]
pub fn redirect_to_sign_in() -> Response {
    let location = [(header::LOCATION, "http://login.hotel.example/?next=/")];
    (StatusCode::FOUND, location).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.uri().path() == paths::LIVE {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let asked = shared.note(&request);
    let reply = (shared.rule)(&asked);
    let answered = match reply {
        Reply::Own(response) => return response,
        Reply::Forward => forward(&shared, request).await,
        Reply::Flip => flipped(&shared, request).await,
    };
    answered.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
}

async fn forward(shared: &Shared, request: Request) -> Result<Response, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let sent = shared
        .http
        .request(parts.method, format!("{}{}", shared.daemon, parts.uri))
        .headers(parts.headers)
        .body(body)
        .send();
    let answer = sent.await.map_err(axum::Error::new)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Body::from_stream(answer.bytes_stream()).into_response();
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

async fn flipped(shared: &Shared, request: Request) -> Result<Response, axum::Error> {
    let (parts, body) = forward(shared, request).await?.into_parts();
    let mut bytes = axum::body::to_bytes(body, usize::MAX).await?.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
