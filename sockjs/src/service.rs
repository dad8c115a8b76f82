//! The service: what a request asks for, whether it may have it, and the answer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::task::TaskTracker;

use crate::frame::Close;
use crate::iframe::Page;
use crate::options::{Cookie, Options};
use crate::route::{Endpoint, Place};
use crate::session::registry::{Found, Kind, Registry};
use crate::session::{Busy, Owner, Session, Shared, State};
use crate::socket::Handshake;
use crate::stop::Stop;
use crate::transport::eventsource::EventSource;
use crate::transport::htmlfile::HtmlFile;
use crate::transport::jsonp::{Callback, Jsonp};
use crate::transport::raw::Raw;
use crate::transport::upload::{self, Sender, Unusable};
use crate::transport::websocket::{self, Dialect, Framed};
use crate::transport::xhr::Xhr;
use crate::transport::xhr_streaming::XhrStreaming;
use crate::transport::{self, Dress};
use crate::{answer, headers, info};

/// A SockJS endpoint. Clones are the same endpoint.
#[derive(Clone)]
pub struct SockJs(Arc<Inner>);

struct Inner {
    options: Options,
    handler: Box<Handler>,
    page: Page,
    registry: Registry,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: Stop,
}

type Handler = dyn Fn(Session) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

impl SockJs {
    /// An endpoint that runs `handler` for each session, in a task of its own.
    pub fn new<H, F>(options: Options, handler: H) -> Self
    where
        H: Fn(Session) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(Inner {
            handler: Box::new(move |session| Box::pin(handler(session))),
            page: Page::new(&options.sockjs_url),
            registry: Registry::default(),
            places: Arc::new(Semaphore::new(
                options.max_sessions.min(Semaphore::MAX_PERMITS),
            )),
            tasks: TaskTracker::new(),
            stop: Stop::default(),
            options,
        }))
    }

    /// The routes of this endpoint, for a router that has nothing else beneath the prefix. Nested routers would
    /// normalise slashes that mean something here.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let prefix = &self.0.options.prefix;
        let sockjs = self.clone();
        let serve = any(async move |request: Request| sockjs.serve(request).await);
        Router::new()
            .route(&format!("{prefix}/"), serve.clone())
            .route(&format!("{prefix}/{{*rest}}"), serve.clone())
            .route(prefix, serve)
    }

    /// Whether a request gets the same answer whoever sends it, so that there is nobody to recognise first: the
    /// greeting, the iframe page, a preflight, or nothing at all.
    pub fn is_public(&self, request: &Request) -> bool {
        match self.0.place(request.uri().path()) {
            None | Some(Place::Greeting | Place::Iframe) => true,
            Some(Place::Info | Place::RawWebsocket | Place::Websocket | Place::Session { .. }) => {
                request.method() == Method::OPTIONS
            }
        }
    }

    /// Whether a request is the first of a session, unless it is refused. What is counted for each session is counted
    /// for these; two that come at the same moment for one session may both be taken for its first.
    pub fn opens_session(&self, request: &Request) -> bool {
        let Some(place) = self.0.place(request.uri().path()) else {
            return false;
        };
        let is_listed = |session_id| self.0.registry.holds(session_id);
        *request.method() == place.method()
            && match place {
                Place::Greeting | Place::Info | Place::Iframe => false,
                Place::RawWebsocket | Place::Websocket => true,
                Place::Session {
                    session_id,
                    endpoint,
                } => endpoint.is_received_by() && !is_listed(session_id),
            }
    }

    /// Whether all that a request can get is the goodbye of a session that was this owner's. A caller whose token ended
    /// a session may be let in for that: otherwise who polls would never hear of it.
    pub fn is_for_farewell(&self, request: &Request, owner: &Owner) -> bool {
        match self.0.place(request.uri().path()) {
            Some(Place::Session {
                session_id,
                endpoint,
            }) => endpoint.is_received_by() && self.0.registry.has_ended(session_id, owner),
            Some(_) | None => false,
        }
    }

    /// Answers a request beneath the prefix. Who sent it and whether they may is the caller's to check before; an
    /// [`Owner`] among the request's extensions binds a session to them.
    pub async fn serve(&self, request: Request) -> Response {
        let Inner { options, page, .. } = &*self.0;
        let path = request.uri().path().to_owned();
        let Some(place) = self.0.place(&path) else {
            return answer::not_found();
        };
        let method = request.method();
        if *method == Method::OPTIONS && place.has_preflight() {
            return answer::preflight(&place, &request);
        }
        let is_static = matches!(place, Place::Greeting | Place::Info | Place::Iframe);
        if *method != place.method() && !(is_static && *method == Method::HEAD) {
            return answer::method_not_allowed(&place);
        }
        match place {
            Place::Greeting => info::greeting(),
            Place::Info => {
                let mut response = info::info(options);
                headers::allow_origin(request.headers(), response.headers_mut());
                response
            }
            Place::Iframe => page.answer(request.headers(), Timestamp::now()),
            Place::RawWebsocket => self.upgrade::<Raw>(request),
            Place::Websocket => self.upgrade::<Framed>(request),
            Place::Session {
                session_id,
                endpoint,
            } => self.serve_session(session_id, endpoint, request).await,
        }
    }

    /// Closes all sessions with this code and reason, lets no new ones begin, and waits until the last has ended.
    pub async fn shutdown(&self, code: u16, reason: impl Into<Utf8Bytes>) {
        let reason = reason.into();
        self.0.stop.begin(Close { code, reason });
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn serve_session(
        &self,
        session_id: &str,
        endpoint: Endpoint,
        request: Request,
    ) -> Response {
        let (parts, body) = request.into_parts();
        let mut common = HeaderMap::new();
        headers::forbid_caching(&mut common);
        if endpoint.is_read_by_scripts() {
            headers::allow_origin(&parts.headers, &mut common);
        }
        if self.0.options.cookie == Cookie::JSessionId {
            headers::set_cookie(&parts.headers, &mut common);
        }
        let mut response = match endpoint {
            Endpoint::Xhr => self.receive(session_id, Kind::Xhr, Xhr, parts),
            Endpoint::XhrStreaming => {
                self.receive(session_id, Kind::XhrStreaming, XhrStreaming, parts)
            }
            Endpoint::EventSource => {
                self.receive(session_id, Kind::EventSource, EventSource, parts)
            }
            Endpoint::HtmlFile => match Callback::from_query(parts.uri.query()) {
                Ok(callback) => {
                    self.receive(session_id, Kind::HtmlFile, HtmlFile { callback }, parts)
                }
                Err(none) => answer::text(StatusCode::INTERNAL_SERVER_ERROR, none.to_string()),
            },
            Endpoint::Jsonp => match Callback::from_query(parts.uri.query()) {
                Ok(callback) => {
                    let no_sniff = HeaderValue::from_static("nosniff");
                    common.insert(header::X_CONTENT_TYPE_OPTIONS, no_sniff);
                    self.receive(session_id, Kind::Jsonp, Jsonp { callback }, parts)
                }
                Err(none) => answer::text(StatusCode::INTERNAL_SERVER_ERROR, none.to_string()),
            },
            Endpoint::XhrSend => self.send(session_id, Sender::Xhr, &parts, body).await,
            Endpoint::JsonpSend => self.send(session_id, Sender::Jsonp, &parts, body).await,
        };
        response.headers_mut().extend(common);
        response
    }

    /// Attaches a receiving request to its session, or opens one.
    fn receive(&self, session_id: &str, kind: Kind, dress: impl Dress, request: Parts) -> Response {
        let registry = &self.0.registry;
        let owner = request.extensions.get::<Owner>();
        let shared = match registry.find_or_insert(session_id, kind, owner, || self.0.create()) {
            Found::Session(shared) => shared,
            Found::New(shared) => {
                self.begin(session_id, &shared, request);
                shared
            }
            Found::Foreign => return answer::not_found(),
            Found::Full => return answer::no_place(),
        };
        transport::receive(shared, dress, &self.0.options)
    }

    /// Brings a listed session to life.
    fn begin(&self, session_id: &str, shared: &Arc<Shared>, request: Parts) {
        self.run_handler(shared, request);
        let Self(inner) = self.clone();
        let session_id = session_id.to_owned();
        let shared = Arc::clone(shared);
        self.0.tasks.spawn(async move {
            let delay = inner.options.disconnect_delay;
            let Inner { registry, stop, .. } = &*inner;
            registry.keep(&session_id, &shared, delay, stop).await;
        });
    }

    /// Runs the application in a task of its own, so that its failure harms nobody else.
    fn run_handler(&self, shared: &Arc<Shared>, request: Parts) {
        let Self(inner) = self.clone();
        let session = Session::new(Arc::clone(shared), request);
        self.0
            .tasks
            .spawn(async move { (inner.handler)(session).await });
    }

    /// Takes a client's messages.
    async fn send(
        &self,
        session_id: &str,
        sender: Sender,
        request: &Parts,
        body: Body,
    ) -> Response {
        let body = upload::read(body, self.0.options.max_message_bytes).await;
        let messages = body.and_then(|body| sender.messages(&request.headers, &body));
        let owner = request.extensions.get::<Owner>();
        let session = self.0.registry.find(session_id, sender.kinds(), owner);
        match (messages, session) {
            (Ok(messages), Some(shared)) => match shared.deliver(messages).await {
                Ok(()) => sender.answer(),
                Err(Busy) => answer::busy(),
            },
            (Ok(_), None) => answer::not_found(),
            (Err(unusable), session) => {
                if let (Unusable::TooLarge, Some(shared)) = (unusable, session) {
                    shared.change(State::exceed);
                }
                unusable.response()
            }
        }
    }

    /// Makes the connection a WebSocket with a session of its own.
    fn upgrade<D: Dialect>(&self, mut request: Request) -> Response {
        let handshake = match Handshake::take(&mut request) {
            Ok(handshake) => handshake,
            Err(refused) => return refused.into_response(),
        };
        let Some(shared) = self.0.create().map(Arc::new) else {
            return answer::no_place();
        };
        let response = handshake.response();
        let sockjs = self.clone();
        self.0.tasks.spawn(async move {
            let options = &sockjs.0.options;
            if let Some(socket) = handshake.complete(options.max_message_bytes).await {
                sockjs.run_handler(&shared, request.into_parts().0);
                let interval = options.heartbeat_interval;
                websocket::carry::<D>(socket, shared, interval, &sockjs.0.stop).await;
            }
        });
        response
    }
}

impl Inner {
    /// The place that a path names, if it is offered.
    fn place<'a>(&self, path: &'a str) -> Option<Place<'a>> {
        let place = Place::of(path.strip_prefix(self.options.prefix.as_str())?)?;
        let is_offered = match place {
            Place::Greeting | Place::Info => true,
            Place::Iframe => self.options.without_origin,
            Place::RawWebsocket | Place::Websocket => self.options.websocket,
            Place::Session { endpoint, .. } => match endpoint {
                Endpoint::HtmlFile | Endpoint::Jsonp | Endpoint::JsonpSend => {
                    self.options.without_origin
                }
                Endpoint::Xhr
                | Endpoint::XhrSend
                | Endpoint::XhrStreaming
                | Endpoint::EventSource => true,
            },
        };
        is_offered.then_some(place)
    }

    /// A new session, if there is a place for one more.
    fn create(&self) -> Option<Shared> {
        if self.stop.has_begun() {
            return None;
        }
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Shared::new(&self.options, permit))
    }
}

impl fmt::Debug for SockJs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { options, .. } = &*self.0;
        f.debug_struct("SockJs")
            .field("options", options)
            .finish_non_exhaustive()
    }
}
