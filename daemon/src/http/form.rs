//! Upload forms: texts that are bounded, and one file that goes to the disk as it arrives, or that is there already as an
//! upload of its own.
//!
//! Parts may come in any order. Whatever ends the request early (a refusal, a broken connection) drops the staged
//! file, which removes it.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use protocol::Code;
use protocol::ids::is_printable;
use protocol::limits::RELEASE_NOTES_BYTES;

use super::extract::body_error;
use super::uploads;
use crate::app::App;
use crate::auth::Caller;
use crate::blobs::{BlobError, Staged};
use crate::error::ApiError;
use crate::ops::publish::ReceivedFile;
use crate::uploads::Claim;

/// A part of the form, for who reads it.
pub(super) enum Part<'a> {
    /// A text and its name.
    Text(&'a str, String),
    /// The file begins now; last chance to refuse before it is stored.
    File,
}

/// A text field: notes are the longest; what is over their limit is refused where its field is known.
const TEXT_BYTES: usize = RELEASE_NOTES_BYTES + 1024;

/// More parts than any form of ours has, fields of newer publishers included.
const PARTS_MAX: usize = 64;

/// What a form may weigh beside its file: all its texts and part headers.
const FORM_OVERHEAD_BYTES: u64 = 1024 * 1024;

/// Bytes go to the disk in pieces of this size, each by one trip to the blocking pool.
const PIECE_BYTES: usize = 512 * 1024;

/// A file name of a common file system is at most so long.
const FILE_NAME_BYTES: usize = 255;

/// What a form brought.
pub(super) struct Received {
    /// Its file.
    pub(super) file: ReceivedFile,
    /// Where that came from, when it was there before: to be settled once the file was used.
    pub(super) upload: Option<Claim>,
}

/// Reads a form to its end. `take` gets each part as it arrives and may refuse it.
pub(super) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    mut request: Request,
    mut take: impl FnMut(Part<'_>) -> Result<(), ApiError>,
) -> Result<Received, ApiError> {
    check_head(app, &request)?;
    // Our own counting below says how much may come; the framework's default would be 2 MB.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| {
            let reason = rejection.into_response().status();
            ApiError::invalid(format!(
                "the form cannot be read ({reason}); it needs a boundary in Content-Type"
            ))
        })?;
    let mut seen = HashSet::new();
    let mut file = None;
    let mut upload = None;
    while let Some(field) = form.next_field().await.map_err(form_error)? {
        let name = field.name().map(str::to_owned);
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| ApiError::invalid("a part of the form has no name"))?;
        if !is_printable(&name) || name.len() > 64 {
            return Err(ApiError::invalid(
                "a part of the form has a name that is no field's",
            ));
        }
        if seen.len() >= PARTS_MAX {
            return Err(ApiError::invalid(format!(
                "the form has more than {PARTS_MAX} parts"
            )));
        }
        if !seen.insert(name.clone()) {
            return Err(ApiError::invalid_field(&name, "this part is there twice"));
        }
        if name == "file" {
            take(Part::File)?;
            file = Some(receive(app, field).await?);
        } else {
            let text = read_text(&name, field).await?;
            match name == "upload" {
                true => upload = Some(text),
                false => take(Part::Text(&name, text))?,
            }
        }
    }
    match (file, upload) {
        (Some(file), None) => Ok(Received { file, upload: None }),
        (None, Some(id)) => {
            take(Part::File)?;
            use_upload(app, caller, &id).await
        }
        (None, None) => Err(ApiError::invalid_field("file", "this part is required")),
        (Some(_), Some(_)) => Err(ApiError::invalid_field(
            "upload",
            "it stands in place of file; send one of the two",
        )),
    }
}

/// The file that an upload became.
async fn use_upload(app: &Arc<App>, caller: &Caller, id: &str) -> Result<Received, ApiError> {
    let claim = uploads::claim_whole(app, caller, id).await?;
    let name = uploads::file_name(claim.upload());
    if let Some(name) = &name {
        check_file_name(name)?;
    }
    app.blocking(move |app| {
        let staged = app.blobs.stage_file(claim.path())?;
        Ok(Received {
            file: ReceivedFile { staged, name },
            upload: Some(claim),
        })
    })
    .await
}

/// What can be refused before any byte of the body is read.
fn check_head(app: &App, request: &Request) -> Result<(), ApiError> {
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Err(ApiError::new(
            Code::UnsupportedMediaType,
            "expected a multipart/form-data body",
        ));
    }
    let stated: Option<u64> = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let limit = app.config.limits.max_upload_bytes;
    if limit != 0 && stated.is_some_and(|stated| stated > limit.saturating_add(FORM_OVERHEAD_BYTES))
    {
        return Err(too_large(limit));
    }
    Ok(())
}

fn too_large(limit: u64) -> ApiError {
    let message = format!("the file is over the limit of {limit} bytes (limits.max-upload-bytes)");
    ApiError::new(Code::PayloadTooLarge, message)
}

async fn read_text(name: &str, mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(form_error)? {
        if bytes.len() + chunk.len() > TEXT_BYTES {
            return Err(ApiError::invalid_field(
                name,
                format!("over {RELEASE_NOTES_BYTES} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::invalid_field(name, "not UTF-8 text"))
}

async fn receive(app: &Arc<App>, mut field: Field<'_>) -> Result<ReceivedFile, ApiError> {
    let name = field
        .file_name()
        .map(str::to_owned)
        .filter(|name| !name.is_empty());
    if let Some(name) = &name {
        check_file_name(name)?;
    }
    let limit = app.config.limits.max_upload_bytes;
    let stage = app.blobs.clone();
    let mut staged = app
        .blocking(move |_| stage.stage().map_err(ApiError::from))
        .await?;
    let mut received = 0_u64;
    let mut piece = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(form_error)? {
        received = received.saturating_add(chunk.len() as u64);
        if limit != 0 && received > limit {
            return Err(too_large(limit));
        }
        piece.push(chunk);
        if piece.iter().map(Bytes::len).sum::<usize>() >= PIECE_BYTES {
            staged = write(app, staged, std::mem::take(&mut piece)).await?;
        }
    }
    staged = write(app, staged, piece).await?;
    Ok(ReceivedFile { staged, name })
}

async fn write(app: &Arc<App>, mut staged: Staged, piece: Vec<Bytes>) -> Result<Staged, ApiError> {
    app.blocking(move |_| {
        piece
            .iter()
            .try_for_each(|chunk| staged.write(chunk))
            .map_err(|error: BlobError| ApiError::from(error))?;
        Ok(staged)
    })
    .await
}

/// The name goes into a header at download and into people's folders, so it must be a name and nothing else.
fn check_file_name(name: &str) -> Result<(), ApiError> {
    let is_good = name.len() <= FILE_NAME_BYTES
        && is_printable(name)
        && !name.contains(['/', '\\'])
        && !matches!(name, "." | "..");
    if is_good {
        return Ok(());
    }
    let problem = format!(
        "expected a file name of at most {FILE_NAME_BYTES} printable bytes without slashes"
    );
    Err(ApiError::invalid_field("file", problem))
}

/// What went wrong while the form was read: the form, or its way here.
fn form_error(error: MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(Code::PayloadTooLarge, "the form is over the limit");
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.is::<super::body::Stalled>() {
            return body_error(error);
        }
        cause = error.source();
    }
    tracing::debug!(%error, "a form was broken");
    ApiError::invalid("the form is malformed or was cut off; send it again")
}
