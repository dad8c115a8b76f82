//! The way into a live session: the plain WebSocket and SockJS on one URL, and who may come.
//!
//! `/ws/updates` with a WebSocket handshake is the plain WebSocket; all else at it and below it is SockJS. What is refused
//! is refused here, before a session begins, with our own error body and the headers that let a page read it.

mod endpoint;
mod origin;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::Timestamp;
use protocol::api::paths;
use sockjs::socket::{Handshake, Refused};
use sockjs::{Owner, SockJs};
use tracing::Instrument;

use super::extract::{Address, find_token, named_client};
use super::stream::Purpose;
use crate::app::App;
use crate::auth::AuthError;
use crate::error::ApiError;
use crate::limit::{LimitKey, retry_sentence};
use crate::session::{self, Visitor, admission};
use origin::check_origin;

pub use endpoint::{new_endpoint, shut_down};

/// The routes of live sessions. No layer for CORS may stand around them: they bring those headers themselves.
pub fn routes(app: &Arc<App>, sockjs: &SockJs) -> Router<Arc<App>> {
    let door = Door {
        app: Arc::clone(app),
        sockjs: sockjs.clone(),
    };
    sockjs
        .routes()
        .route_layer(from_fn_with_state(door, watch_the_door))
}

/// What stands before the SockJS endpoint.
#[derive(Clone, Debug)]
struct Door {
    app: Arc<App>,
    sockjs: SockJs,
}

/// What becomes of a request that may pass.
enum Passage {
    /// It is answered.
    Answered(Response),
    /// The SockJS endpoint answers it.
    ToSockJs,
}

async fn watch_the_door(
    State(door): State<Door>,
    Address(address): Address,
    mut request: Request,
    next: Next,
) -> Response {
    let purpose = request.extensions().get::<Purpose>().cloned();
    let mut response = match door.judge(&mut request, address) {
        Ok(Passage::Answered(response)) => response,
        Ok(Passage::ToSockJs) => next.run(request).await,
        Err(error) => {
            let mut response = error.into_response();
            sockjs::allow_origin(request.headers(), response.headers_mut());
            response
        }
    };
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(purpose)) = (response.status(), purpose) {
        purpose.becomes_session();
    }
    // The URL of the iframe page holds a token, and pages tell others their URL.
    let no_referrer = HeaderValue::from_static("no-referrer");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, no_referrer);
    response
}

impl Door {
    fn judge(&self, request: &mut Request, address: IpAddr) -> Result<Passage, ApiError> {
        let place = request.uri().path().strip_prefix(paths::LIVE);
        let is_base = matches!(place, Some("" | "/"));
        // SockJS has a name for the plain WebSocket as well.
        let is_plain = is_base || place == Some("/websocket");
        if is_plain && request.method() == Method::GET && Handshake::is_asked_for(request) {
            return self.open_websocket(request, address).map(Passage::Answered);
        }
        if is_base && request.method() == Method::OPTIONS {
            return Ok(Passage::Answered(preflight(request)));
        }
        if !self.sockjs.is_public(request) {
            self.admit_to_sockjs(request, address)?;
        }
        Ok(Passage::ToSockJs)
    }

    /// Opens a session on a plain WebSocket.
    fn open_websocket(&self, request: &mut Request, address: IpAddr) -> Result<Response, ApiError> {
        let Self { app, .. } = self;
        check_origin(request.headers(), &app.config.cors.allowed_origins)?;
        let visitor = recognise(app, request, address)?;
        let handshake = Handshake::take(request).map_err(not_a_handshake)?;
        admit_address(app, &visitor, address)?;

        let response = handshake.response();
        let span = tracing::debug_span!("session", caller = %visitor.caller.username);
        let app = Arc::clone(app);
        let tasks = app.tasks.clone();
        let session = async move {
            let max_message_bytes = app.config.websocket.max_message_bytes;
            let Some(socket) = handshake.complete(max_message_bytes).await else {
                return tracing::debug!("the peer left before the upgrade");
            };
            session::run(app, socket, visitor).await;
        };
        tasks.spawn(session.instrument(span));
        Ok(response)
    }

    /// Lets a request through to the SockJS endpoint, and tells that whose it is. Each request is looked at, each session
    /// counted once.
    fn admit_to_sockjs(&self, request: &mut Request, address: IpAddr) -> Result<(), ApiError> {
        let Self { app, sockjs } = self;
        check_origin(request.headers(), &app.config.cors.allowed_origins)?;
        let visitor = match recognise(app, request, address) {
            Ok(visitor) => visitor,
            Err(error) => {
                let owner = self.owner_of_ended(request).ok_or(error)?;
                request.extensions_mut().insert(owner);
                return Ok(());
            }
        };
        if sockjs.opens_session(request) {
            admit_address(app, &visitor, address)?;
        }
        let owner = Owner::new(visitor.caller.username.as_str());
        request.extensions_mut().insert(owner);
        request.extensions_mut().insert(visitor);
        Ok(())
    }

    /// Who comes with a token that counts no longer, to hear the goodbye of a session that was ended for that.
    fn owner_of_ended(&self, request: &Request) -> Option<Owner> {
        let token = find_token(request.headers(), request.uri().query())?;
        let owner = Owner::new(self.app.auth.past_holder(&token)?.as_str());
        self.sockjs
            .is_for_farewell(request, &owner)
            .then_some(owner)
    }
}

/// Who comes, by the token in a header or in the URL.
fn recognise(app: &App, request: &Request, address: IpAddr) -> Result<Visitor, ApiError> {
    let (headers, query) = (request.headers(), request.uri().query());
    let token = find_token(headers, query).ok_or(AuthError::Missing)?;
    let caller = app.auth.verify(&app.store, &token, Timestamp::now())?;
    tracing::Span::current().record("caller", caller.username.as_str());
    let client_id = named_client(headers, query)?;
    let limit_key = LimitKey::new(&caller.username, client_id.as_ref(), address);
    Ok(Visitor {
        caller,
        limit_key,
        client_id,
    })
}

fn admit_address(app: &App, visitor: &Visitor, address: IpAddr) -> Result<(), ApiError> {
    admission::admit_address(app, visitor, address).map_err(|details| {
        let message = retry_sentence(details.retry_after);
        ApiError::rate_limited(details, message)
    })
}

fn not_a_handshake(refused: Refused) -> ApiError {
    let upgrade_required = |message: &str, name: HeaderName, value: &'static str| {
        ApiError::invalid(message)
            .with_status(StatusCode::UPGRADE_REQUIRED)
            .with_header(name, HeaderValue::from_static(value))
    };
    match refused {
        Refused::NotWebSocket | Refused::NotUpgrade => {
            let message = "this is no WebSocket handshake; connect with a WebSocket client, as in ws://HOST/ws/updates?token=TOKEN";
            upgrade_required(message, header::UPGRADE, "websocket")
                .with_header(header::CONNECTION, HeaderValue::from_static("upgrade"))
        }
        Refused::Version => {
            let message = "Sec-WebSocket-Version: only version 13 is spoken here";
            upgrade_required(message, header::SEC_WEBSOCKET_VERSION, "13")
        }
        Refused::Key => {
            let problem = "expected 16 bytes in base64, once";
            ApiError::invalid_field("Sec-WebSocket-Key", problem)
        }
    }
}

/// What pages may ask of the URL of the sessions. SockJS knows no preflight of its greeting, which stands there for it.
fn preflight(request: &Request) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    sockjs::allow_origin(request.headers(), response.headers_mut());
    let methods = HeaderValue::from_static("OPTIONS, GET");
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    response
}
