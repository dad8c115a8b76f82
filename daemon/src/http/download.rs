//! Answers with the bytes of a release or a delta (contract section 5).

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822::DateTimePrinter;
use protocol::{ClientId, Code, Timestamp, Version};

use super::conditions::{Facts, Plan, plan};
use super::extract::{Address, CurrentCaller, NamedClient};
use super::file_body::FileBody;
use super::handover::Handover;
use super::pace::Pace;
use super::transfer::Transfer;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::limit::{LimitKey, retry_sentence};
use crate::store::BlobRef;

/// Bytes never change under their name, so a cache may keep them; private, since a token is needed to get them.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// What is to be sent.
pub(super) struct Download {
    pub(super) blob: BlobRef,
    pub(super) media_type: &'static str,
    pub(super) file_name: String,
    pub(super) modified: Timestamp,
    /// The release that the client will have.
    pub(super) version: Version,
    pub(super) packing: Packing,
    /// Whether it is a client's way to a version: told to its sessions and watchers, and counted. A publisher who fetches a file
    /// to make deltas from it is none.
    pub(super) is_clients: bool,
}

/// How the bytes of a release travel.
#[derive(Clone)]
pub(super) enum Packing {
    /// As they are.
    Plain,
    /// As a delta from another version.
    Delta {
        format: String,
        full_size_bytes: u64,
    },
    /// As a delta from nothing.
    Compressed { full_size_bytes: u64 },
}

/// Who asks for bytes, and how.
pub(super) struct Asked {
    pub(super) caller: Caller,
    named: Option<ClientId>,
    address: IpAddr,
    method: Method,
    headers: HeaderMap,
    handover: Handover,
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let CurrentCaller(caller) = CurrentCaller::from_request_parts(parts, app).await?;
        let NamedClient(named) = NamedClient::from_request_parts(parts, app).await?;
        let Address(address) = Address::from_request_parts(parts, app).await?;
        let Extension(handover) = Extension::<Handover>::from_request_parts(parts, app)
            .await
            .map_err(|error| ApiError::server_error(&error))?;
        Ok(Self {
            caller,
            named,
            address,
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            handover,
        })
    }
}

/// Answers a `GET` or `HEAD`.
pub(super) async fn answer(
    app: &Arc<App>,
    asked: Asked,
    download: Download,
) -> Result<Response, ApiError> {
    let size = download.blob.size_bytes;
    let etag = format!("\"{}\"", download.blob.checksum);
    let facts = Facts {
        etag: &etag,
        modified: download.modified,
        size,
    };
    let (status, start, end) = match plan(&asked.method, &asked.headers, facts) {
        Plan::Whole => (StatusCode::OK, 0, size),
        Plan::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end),
        Plan::NotModified => {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            set_validators(response.headers_mut(), &etag, download.modified)?;
            return Ok(response);
        }
        Plan::PreconditionFailed => {
            let error =
                ApiError::invalid("the file is another one than the request's condition names");
            return Err(error.with_status(StatusCode::PRECONDITION_FAILED));
        }
        Plan::NotSatisfiable => {
            let message = format!("the range lies outside the file, which has {size} bytes");
            let range = text_value(&format!("bytes */{size}"))?;
            return Err(ApiError::new(Code::RangeNotSatisfiable, message)
                .with_header(header::CONTENT_RANGE, range));
        }
    };
    let body = if asked.method == Method::HEAD {
        Body::empty()
    } else {
        body(app, asked, &download, start..end).await?
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    set_validators(headers, &etag, download.modified)?;
    set_description(headers, &download)?;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{size}", end - 1);
        headers.insert(header::CONTENT_RANGE, text_value(&range)?);
    }
    Ok(response)
}

async fn body(
    app: &Arc<App>,
    asked: Asked,
    download: &Download,
    part: Range<u64>,
) -> Result<Body, ApiError> {
    let username = &asked.caller.username;
    let client = match download.is_clients {
        true => asked.named.or_else(|| app.hub.sole_client_of(username)),
        false => None,
    };
    let key = LimitKey::new(username, client.as_ref(), asked.address);
    let now = tokio::time::Instant::now().into_std();
    let slot = app.limits.start_download(&key, now).map_err(|details| {
        let message = retry_sentence(details.retry_after);
        let told = crate::limit::rate_limited(&key, &details, Timestamp::now());
        app.hub.rate_limited(client.as_ref(), told);
        ApiError::rate_limited(details, message)
    })?;
    let blob = download.blob;
    let file = match app.blobs.shared(&blob) {
        Some(file) => file,
        None => {
            app.blocking(move |app| app.blobs.share(&blob).map_err(ApiError::from))
                .await?
        }
    };
    let slot = Arc::new(slot);
    let pace = Pace::new(Arc::clone(&slot));
    let transfer = Transfer::begin(app, slot, client, download, &part);
    let body = FileBody::new(file, part, pace, asked.handover, transfer);
    Ok(Body::new(body))
}

fn set_validators(
    headers: &mut HeaderMap,
    etag: &str,
    modified: Timestamp,
) -> Result<(), ApiError> {
    headers.insert(header::ETAG, text_value(etag)?);
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    let moment = jiff::Timestamp::from_millisecond(modified.unix_ms());
    let date =
        moment.and_then(|moment| DateTimePrinter::new().timestamp_to_rfc9110_string(&moment));
    if let Ok(date) = date {
        headers.insert(header::LAST_MODIFIED, text_value(&date)?);
    }
    Ok(())
}

fn set_description(headers: &mut HeaderMap, download: &Download) -> Result<(), ApiError> {
    let checksum = download.blob.checksum;
    let digest = format!("sha-256=:{}:", STANDARD.encode(checksum.as_bytes()));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(download.media_type),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(HeaderName::from_static("repr-digest"), text_value(&digest)?);
    headers.insert(
        HeaderName::from_static("x-checksum-sha256"),
        text_value(&checksum.to_string())?,
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        text_value(&disposition(&download.file_name))?,
    );
    Ok(())
}

fn text_value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::server_error(&error))
}

/// RFC 6266: a name that every reader understands, and where that is not the true one, the true one in UTF-8.
fn disposition(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != file_name {
        value.push_str("; filename*=UTF-8''");
        for byte in file_name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                value.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_quotes() {
        assert_eq!(
            disposition("app-2.1.0.jar"),
            "attachment; filename=\"app-2.1.0.jar\""
        );
        assert_eq!(
            disposition("a\"; x=\"ä.jar"),
            "attachment; filename=\"a_; x=__.jar\"; filename*=UTF-8''a%22%3B%20x%3D%22%C3%A4.jar"
        );
    }
}
