//! The bytes of an upload on their way to the disk.
//!
//! The work is a task of its own: when the connection breaks, the handler is gone, and what has arrived is still kept.

use std::sync::Arc;

use aws_lc_rs::digest::{self, Context};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use protocol::{Code, Timestamp};
use tracing::Instrument;

use super::UPLOAD_CHECKSUM;
use crate::app::App;
use crate::error::ApiError;
use crate::http::extract::body_error;
use crate::uploads::Claim;

/// What `Upload-Checksum` may name. Every server of tus has SHA-1; it finds accidents, and is not asked to find more.
pub(super) const ALGORITHMS: &str = "sha256,sha1";

/// Bytes go to the disk in pieces of this size, each by one trip to the blocking pool.
const PIECE_BYTES: usize = 512 * 1024;

/// What tus calls Checksum Mismatch.
const CHECKSUM_MISMATCH: u16 = 460;

/// The checksum that the bytes of one request shall have.
pub(super) struct ChunkSum {
    context: Context,
    stated: Vec<u8>,
}

impl ChunkSum {
    /// What the request states, if it does.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let Some(value) = headers.get(UPLOAD_CHECKSUM) else {
            return Ok(None);
        };
        let refused = |problem: &str| ApiError::invalid_field("Upload-Checksum", problem);
        let value = HeaderValue::to_str(value).unwrap_or_default();
        let (name, sum) = value
            .split_once(' ')
            .ok_or_else(|| refused("expected an algorithm, a space, and the checksum in base64"))?;
        let algorithm = match name {
            "sha256" => &digest::SHA256,
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            _ => return Err(refused("expected sha256 or sha1")),
        };
        let stated = STANDARD
            .decode(sum.trim_matches(' '))
            .map_err(|_| refused("the checksum is not in base64"))?;
        Ok(Some(Self {
            context: Context::new(algorithm),
            stated,
        }))
    }

    fn check(self) -> Result<(), ApiError> {
        if self.context.finish().as_ref() == self.stated {
            return Ok(());
        }
        let message =
            "the bytes do not have the stated checksum; they were dropped, send them again";
        let status = StatusCode::from_u16(CHECKSUM_MISMATCH);
        Err(ApiError::new(Code::ChecksumMismatch, message)
            .with_status(status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)))
    }
}

/// How the body ended.
enum End {
    Whole,
    /// There is more of it than the upload lacks.
    TooLong,
    /// The upload cannot go on in this request.
    Cut(ApiError),
}

/// Adds the body to an upload, and tells how far that is now. What arrived is kept, whatever ends the request, except where a
/// checksum is stated: then it is all or nothing.
pub(super) async fn receive(
    app: &Arc<App>,
    claim: Claim,
    request: Request,
    sum: Option<ChunkSum>,
) -> Result<u64, ApiError> {
    let stated = request.headers().get(header::CONTENT_LENGTH);
    let stated: Option<u64> = stated.and_then(|length| length.to_str().ok()?.parse().ok());
    if stated.is_some_and(|stated| stated > claim.left_bytes()) {
        return Err(too_long(&claim));
    }
    let receiving = {
        let app = Arc::clone(app);
        async move { take_in(&app, claim, request.into_body(), sum).await }
    };
    let task = app.tasks.spawn(receiving.in_current_span());
    task.await
        .unwrap_or_else(|error| Err(ApiError::server_error(&error)))
}

async fn take_in(
    app: &Arc<App>,
    claim: Claim,
    mut body: Body,
    mut sum: Option<ChunkSum>,
) -> Result<u64, ApiError> {
    let claim = Arc::new(claim);
    let start = claim.upload().received_bytes();
    if sum.is_some() {
        on_disk(app, &claim, |claim| Ok(claim.begin_checked()?)).await?;
    }
    let mut left = claim.left_bytes();
    let mut piece: Vec<Bytes> = Vec::new();
    let end = loop {
        let bytes = match next(app, &claim, &mut body).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break End::Whole,
            Err(error) => break End::Cut(error),
        };
        if bytes.len() as u64 > left {
            break End::TooLong;
        }
        left -= bytes.len() as u64;
        if let Some(sum) = &mut sum {
            sum.context.update(&bytes);
        }
        piece.push(bytes);
        if piece.iter().map(Bytes::len).sum::<usize>() >= PIECE_BYTES {
            append(app, &claim, std::mem::take(&mut piece)).await?;
        }
    };
    append(app, &claim, piece).await?;
    let is_checked = sum.is_some();
    let refusal = match (end, sum) {
        (End::Whole, Some(sum)) => sum.check().err(),
        (End::Whole, None) => None,
        (End::TooLong, _) => Some(too_long(&claim)),
        (End::Cut(error), _) => Some(error),
    };
    let is_dropped = is_checked && refusal.is_some();
    on_disk(app, &claim, move |claim| {
        if is_dropped {
            claim.cut_back(start)?;
        }
        claim.sync()?;
        if is_checked {
            claim.end_checked()?;
        }
        Ok(())
    })
    .await?;
    match refusal {
        Some(error) => Err(error),
        None => Ok(claim.upload().received_bytes()),
    }
}

/// The next bytes; `None` at the end.
async fn next(app: &App, claim: &Claim, body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = claim.superseded() => {
                return Err(ApiError::conflict("another request goes on with this upload"));
            }
            () = app.grace_over.cancelled() => {
                return Err(ApiError::unavailable("the daemon is shutting down; the upload goes on after that"));
            }
        };
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                // Trailers say nothing that we asked for.
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(error)) => return Err(body_error(&error)),
        }
    }
}

async fn append(app: &Arc<App>, claim: &Arc<Claim>, piece: Vec<Bytes>) -> Result<(), ApiError> {
    if piece.is_empty() {
        return Ok(());
    }
    on_disk(app, claim, move |claim| {
        Ok(claim.append(&piece, Timestamp::now())?)
    })
    .await
}

/// Works on the disk. On a full one the whole upload goes: half of it would only keep the disk full.
async fn on_disk(
    app: &Arc<App>,
    claim: &Arc<Claim>,
    work: impl FnOnce(&Claim) -> Result<(), ApiError> + Send + 'static,
) -> Result<(), ApiError> {
    let claim = Arc::clone(claim);
    app.blocking(move |app| {
        work(&claim).inspect_err(|error| {
            if error.code() == Code::InsufficientStorage {
                app.uploads.forget(claim.upload());
            }
        })
    })
    .await
}

fn too_long(claim: &Claim) -> ApiError {
    let left = claim.left_bytes();
    let message = format!("the body is longer than the {left} bytes that the upload lacks");
    ApiError::new(Code::PayloadTooLarge, message)
}
