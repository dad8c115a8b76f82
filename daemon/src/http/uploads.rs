//! tus 1.0.0: uploads that go on where they were cut, for our own tool and for any client of that protocol.
//!
//! Core, and the extensions creation, creation-with-upload, checksum, termination and expiration. A `GET` of the collection,
//! which tus does not have, lists the caller's own uploads, so that a publisher who lost the URL finds it again.

mod receive;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::fmt::rfc2822::DateTimePrinter;
use protocol::api::{UploadView, paths};
use protocol::{Code, Timestamp};

use super::client::{Answer, answer};
use super::extract::PathText;
use super::role::Publisher;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::ops::uploads;
use crate::uploads::{Claim, Upload};
use receive::{ChunkSum, receive};

const TUS_VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,checksum,termination,expiration");
const CHUNK_TYPE: &str = "application/offset+octet-stream";

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
pub(super) const ABILITIES: [HeaderName; 4] = [
    HeaderName::from_static("tus-version"),
    HeaderName::from_static("tus-extension"),
    HeaderName::from_static("tus-max-size"),
    HeaderName::from_static("tus-checksum-algorithm"),
];

/// Says in each answer below the collection, refusals included, that it is tus; and to `OPTIONS`, what of it.
pub(super) async fn speak_tus(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let rest = request.uri().path().strip_prefix(paths::UPLOADS);
    let is_tus = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_question = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if is_tus {
        let headers = response.headers_mut();
        headers.insert(TUS_RESUMABLE, TUS_VERSION);
        if is_question {
            let [version, extension, max_size, algorithm] = ABILITIES;
            headers.insert(version, TUS_VERSION);
            headers.insert(extension, EXTENSIONS);
            headers.insert(algorithm, HeaderValue::from_static(receive::ALGORITHMS));
            let limit = app.config.limits.max_upload_bytes;
            if limit != 0 {
                headers.insert(max_size, limit.into());
            }
        }
    }
    response
}

/// The request speaks our version of tus.
pub(super) struct Tus;

impl<S: Sync> FromRequestParts<S> for Tus {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.headers.get(TUS_RESUMABLE) {
            Some(version) if version == TUS_VERSION => Ok(Self),
            Some(_) | None => {
                let [version, ..] = ABILITIES;
                let error = ApiError::invalid("expected Tus-Resumable: 1.0.0");
                Err(error
                    .with_status(StatusCode::PRECONDITION_FAILED)
                    .with_header(version, TUS_VERSION))
            }
        }
    }
}

pub(super) async fn list_uploads(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
) -> Answer<Vec<UploadView>> {
    uploads::list(&app, &caller, Timestamp::now()).map(answer)
}

pub(super) async fn begin_upload(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    _: Tus,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers();
    let length = number(headers, &UPLOAD_LENGTH)?;
    let metadata = text(headers, &UPLOAD_METADATA)?.unwrap_or_default();
    let has_bytes = is_chunk(headers);
    let sum = ChunkSum::of(headers)?;
    let begun = app.blocking({
        let caller = caller.clone();
        move |app| uploads::begin(app, &caller, length, metadata, Timestamp::now())
    });
    let upload = begun.await?;
    let location = format!("{}/{}", paths::UPLOADS, upload.id());
    let mut response = StatusCode::CREATED.into_response();
    if has_bytes {
        let claim = uploads::claim(&app, &caller, &upload.id().to_string()).await?;
        // Whatever becomes of the bytes, the upload is there, and its client must learn where.
        let received = receive(&app, claim, request, sum).await;
        response = received.map_or_else(IntoResponse::into_response, |_| response);
        response
            .headers_mut()
            .insert(UPLOAD_OFFSET, upload.received_bytes().into());
    }
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&location) {
        headers.insert(header::LOCATION, location);
    }
    set_expiry(&app, &upload, headers);
    Ok(response)
}

pub(super) async fn upload_offset(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    _: Tus,
    PathText(id): PathText<String>,
) -> Result<Response, ApiError> {
    let claim = uploads::claim(&app, &caller, &id).await?;
    let upload = claim.upload();
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, upload.received_bytes().into());
    headers.insert(UPLOAD_LENGTH, upload.length_bytes().into());
    if let Ok(metadata) = HeaderValue::from_str(upload.metadata())
        && !metadata.is_empty()
    {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    set_expiry(&app, upload, headers);
    Ok(response)
}

pub(super) async fn continue_upload(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    _: Tus,
    PathText(id): PathText<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers();
    if !is_chunk(headers) {
        let message = format!("expected a body with Content-Type: {CHUNK_TYPE}");
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    let offset = number(headers, &UPLOAD_OFFSET)?;
    let sum = ChunkSum::of(headers)?;
    let claim = uploads::claim(&app, &caller, &id).await?;
    let upload = Arc::clone(claim.upload());
    if offset != upload.received_bytes() {
        let at = upload.received_bytes();
        let message = format!("the upload stands at byte {at}, not at {offset}; go on from there");
        return Err(ApiError::conflict(message).with_header(UPLOAD_OFFSET, at.into()));
    }
    let received = receive(&app, claim, request, sum).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, received.into());
    set_expiry(&app, &upload, headers);
    Ok(response)
}

pub(super) async fn end_upload(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    _: Tus,
    PathText(id): PathText<String>,
) -> Result<StatusCode, ApiError> {
    let claim = uploads::claim(&app, &caller, &id).await?;
    app.blocking(move |app| {
        app.uploads.remove(claim);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST` with another method in a header, from where no other methods pass.
pub(super) async fn overridden(
    app: State<Arc<App>>,
    publisher: Publisher,
    tus: Tus,
    id: PathText<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let method = request.headers().get(&OVERRIDE).map(HeaderValue::as_bytes);
    match method {
        Some(b"PATCH") => continue_upload(app, publisher, tus, id, request).await,
        Some(b"HEAD") => upload_offset(app, publisher, tus, id).await,
        Some(b"DELETE") => end_upload(app, publisher, tus, id)
            .await
            .map(IntoResponse::into_response),
        Some(_) | None => {
            let message = "an upload takes HEAD, PATCH and DELETE; POST only with one of them in X-HTTP-Method-Override";
            Err(ApiError::new(Code::MethodNotAllowed, message)
                .with_header(header::ALLOW, HeaderValue::from_static("HEAD,PATCH,DELETE")))
        }
    }
}

/// The upload that a form names in place of a file: the turn on it, when it is whole.
pub(super) async fn claim_whole(app: &App, caller: &Caller, id: &str) -> Result<Claim, ApiError> {
    let claim = uploads::claim(app, caller, id).await?;
    if !claim.is_whole() {
        let left = claim.left_bytes();
        return Err(ApiError::invalid_field(
            "upload",
            format!("{left} bytes of it are missing"),
        ));
    }
    Ok(claim)
}

/// The name that its owner gave an upload.
pub(super) fn file_name(upload: &Upload) -> Option<String> {
    let mut pairs = uploads::decoded(upload.metadata()).ok()?;
    // Uppy and others say `name` where tus-js-client's examples say `filename`.
    let name = pairs.remove("filename").or_else(|| pairs.remove("name"))?;
    (!name.is_empty()).then_some(name)
}

fn set_expiry(app: &App, upload: &Upload, headers: &mut HeaderMap) {
    let expires_ms = app.uploads.expires_at(upload).unix_ms();
    let date = jiff::Timestamp::from_millisecond(expires_ms)
        .and_then(|moment| DateTimePrinter::new().timestamp_to_rfc9110_string(&moment));
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(UPLOAD_EXPIRES, date);
    }
}

fn is_chunk(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(CHUNK_TYPE.as_bytes()))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, ApiError> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    let value = value.map_err(|_| ApiError::invalid_field(name.as_str(), "expected ASCII text"))?;
    Ok(value.map(str::to_owned))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, ApiError> {
    let value = text(headers, name)?.unwrap_or_default();
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|_| is_digits);
    number.ok_or_else(|| ApiError::invalid_field(name.as_str(), "expected a whole number from 0"))
}
