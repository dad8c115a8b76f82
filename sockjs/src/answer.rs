//! Short answers: preflights and refusals.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use crate::headers;
use crate::route::Place;

/// A text for people.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

pub(crate) fn preflight(place: &Place<'_>, request: &Request) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    headers::allow_origin(request.headers(), response.headers_mut());
    let methods = place.allowed_methods();
    headers::allow_methods(methods, Timestamp::now(), response.headers_mut());
    response
}

pub(crate) fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

pub(crate) fn method_not_allowed(place: &Place<'_>) -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    let allow = HeaderValue::from_static(place.allowed_methods());
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

pub(crate) fn no_place() -> Response {
    let why = "There is no place for one more session.\n";
    text(StatusCode::SERVICE_UNAVAILABLE, why)
}

pub(crate) fn busy() -> Response {
    let why = "The session does not take its messages.\n";
    text(StatusCode::SERVICE_UNAVAILABLE, why)
}
