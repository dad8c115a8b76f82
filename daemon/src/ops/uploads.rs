//! Uploads that go on where they were cut: who may, how much, and what becomes of one that was used.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::api::{UploadView, paths};
use protocol::limits::SAFE_INTEGER;
use protocol::{Code, Timestamp, UploadId};

use super::publish::allow;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::uploads::{BeginError, Claim, NewUpload, Upload};

/// What may be said about an upload, in bytes of `Upload-Metadata`. A file name, a type and some checksums fit.
pub const METADATA_BYTES: usize = 4 * 1024;

/// Begins an upload. For the blocking pool.
///
/// # Errors
/// `FORBIDDEN`, `INVALID_REQUEST`, `PAYLOAD_TOO_LARGE`, `CONFLICT` when the caller has begun too many, `INSUFFICIENT_STORAGE`.
pub fn begin(
    app: &App,
    caller: &Caller,
    length_bytes: u64,
    metadata: String,
    now: Timestamp,
) -> Result<std::sync::Arc<Upload>, ApiError> {
    allow(app, caller)?;
    let limit = app.config.limits.max_upload_bytes;
    if (limit != 0 && length_bytes > limit) || length_bytes > SAFE_INTEGER {
        let message = format!(
            "the file has {length_bytes} bytes, which is over the limit of {limit} (limits.max-upload-bytes)"
        );
        return Err(ApiError::new(Code::PayloadTooLarge, message));
    }
    decoded(&metadata).map_err(|problem| ApiError::invalid_field("Upload-Metadata", problem))?;
    let new = NewUpload {
        owner: caller.username.clone(),
        length_bytes,
        metadata,
    };
    let begun = app
        .uploads
        .begin(new, app.config.limits.unfinished_uploads, now);
    begun.map_err(|error| match error {
        BeginError::TooMany { .. } => ApiError::conflict(format!(
            "{error}, and more are not allowed (limits.unfinished-uploads); finish, use or delete some"
        )),
        BeginError::Disk(error) => error.into(),
    })
}

/// Waits for the turn on an upload of the caller's own.
///
/// # Errors
/// `FORBIDDEN`, or `NOT_FOUND` also for one that is somebody else's, was used, or rested for too long.
pub async fn claim(app: &App, caller: &Caller, id: &str) -> Result<Claim, ApiError> {
    allow(app, caller)?;
    let claim = match id.parse::<UploadId>() {
        Ok(id) => {
            let owner = &caller.username;
            app.uploads.claim(id, owner, Timestamp::now()).await
        }
        Err(_) => None,
    };
    claim.ok_or_else(|| ApiError::not_found("there is no such upload; begin a new one"))
}

/// The caller's uploads, oldest first.
///
/// # Errors
/// `FORBIDDEN`.
pub fn list(app: &App, caller: &Caller, now: Timestamp) -> Result<Vec<UploadView>, ApiError> {
    allow(app, caller)?;
    let uploads = app.uploads.of(&caller.username, now);
    Ok(uploads.iter().map(|upload| view(app, upload)).collect())
}

/// Removes an upload that was used, or whose bytes are of no use to anybody; keeps it where the same may work later.
pub fn settle<T>(app: &App, claim: Option<Claim>, outcome: &Result<T, ApiError>) {
    let Some(claim) = claim else { return };
    let is_over = match outcome {
        Ok(_) => true,
        Err(error) => matches!(
            error.code(),
            Code::ChecksumMismatch | Code::InvalidArtifact | Code::MalwareDetected
        ),
    };
    if is_over {
        app.uploads.remove(claim);
    }
}

fn view(app: &App, upload: &Upload) -> UploadView {
    UploadView {
        id: upload.id(),
        url: format!("{}/{}", paths::UPLOADS, upload.id()),
        offset: upload.received_bytes(),
        length: upload.length_bytes(),
        metadata: decoded(upload.metadata()).unwrap_or_default(),
        created_at: upload.created_at(),
        expires_at: app.uploads.expires_at(upload),
    }
}

/// The pairs of `Upload-Metadata`: `key base64,key base64,key`.
///
/// # Errors
/// What is wrong with it.
pub fn decoded(metadata: &str) -> Result<BTreeMap<String, String>, &'static str> {
    if metadata.len() > METADATA_BYTES {
        return Err("longer than 4 KiB");
    }
    let mut pairs = BTreeMap::new();
    for pair in metadata.split(',').filter(|_| !metadata.is_empty()) {
        let (key, value) = pair.trim_matches(' ').split_once(' ').unwrap_or((pair, ""));
        let key = key.trim_matches(' ');
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("expected pairs of a key and a value in base64, with commas between");
        }
        let value = STANDARD
            .decode(value)
            .map_err(|_| "a value is not in base64")?;
        // Only for people: what is no text is of no use to a list.
        let value = String::from_utf8_lossy(&value).into_owned();
        if pairs.insert(key.to_owned(), value).is_some() {
            return Err("a key is there twice");
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_pairs_with_values_in_base64() {
        let pairs = decoded("filename YXBwLmphcg==,is_confidential,sha256 YWI=").unwrap();
        assert_eq!(pairs["filename"], "app.jar");
        assert_eq!(pairs["is_confidential"], "");
        assert_eq!(pairs["sha256"], "ab");
        assert!(decoded("").unwrap().is_empty());
        for bad in [",", "a b c", "a !", "a YQ==,a YQ==", "a YQ==,"] {
            assert!(decoded(bad).is_err(), "{bad:?}");
        }
        assert!(decoded(&"x".repeat(METADATA_BYTES + 1)).is_err());
    }
}
