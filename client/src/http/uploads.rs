//! Uploads that go on where they were cut (tus 1.0.0), request by request; [`crate::upload`] puts them together.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_LENGTH;
use protocol::UploadId;
use protocol::api::{UploadView, paths};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use super::Daemon;
use super::upload::{Sent, file_body};
use crate::Error;

const OFFSET: &str = "upload-offset";

impl Daemon {
    /// The caller's own uploads that are not whole yet, or not used yet, oldest first.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `NOT_FOUND` when it is too old to know of uploads.
    pub async fn uploads(&self) -> Result<Vec<UploadView>, Error> {
        self.get(paths::UPLOADS, &()).await
    }

    /// Begins an upload, with what its owner says about it.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `PAYLOAD_TOO_LARGE`, `INSUFFICIENT_STORAGE`.
    pub async fn begin_upload(
        &self,
        length_bytes: u64,
        metadata: &[(&str, &str)],
    ) -> Result<UploadId, Error> {
        let pairs: Vec<String> = metadata
            .iter()
            .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
            .collect();
        let request = self
            .tus(Method::POST, paths::UPLOADS)
            .header("upload-length", length_bytes)
            .header("upload-metadata", pairs.join(","))
            .header(CONTENT_LENGTH, 0);
        let response = self.send(request).await?;
        let location = response.headers().get(http::header::LOCATION);
        let id = location.and_then(|place| place.to_str().ok()?.rsplit('/').next()?.parse().ok());
        id.ok_or_else(|| self.unreadable(&response, "it does not say where the upload goes on"))
    }

    /// How far an upload is; `None` when it is gone.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn upload_offset(&self, id: UploadId) -> Result<Option<u64>, Error> {
        let request = self.tus(Method::HEAD, &path(id));
        let sent = timeout(self.silence, request.send()).await;
        let response = sent
            .map_err(|_| self.silent())?
            .map_err(|error| self.failed(&error))?;
        // An answer to HEAD has no body that would say more.
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = self.accepted(response).await?;
        self.offset_of(&response).map(Some)
    }

    /// Sends the rest of a file, and tells how far the upload is then.
    ///
    /// # Errors
    /// The daemon cannot be reached, the connection broke, or it refuses: `CONFLICT` when the upload stands elsewhere,
    /// `NOT_FOUND` when it is gone.
    pub async fn continue_upload(
        &self,
        id: UploadId,
        offset: u64,
        file: &Path,
        sent: Sent,
    ) -> Result<u64, Error> {
        let moved = Arc::new(AtomicU64::new(0));
        let (body, length) = file_body(file, offset, &moved, sent).await?;
        let request = self
            .tus(Method::PATCH, &path(id))
            .header("content-type", "application/offset+octet-stream")
            .header(OFFSET, offset)
            .header(CONTENT_LENGTH, length)
            .body(body);
        let response = self.send_upload(request, &moved).await?;
        self.offset_of(&response)
    }

    fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("tus-resumable", "1.0.0")
    }

    fn offset_of(&self, response: &Response) -> Result<u64, Error> {
        let offset = response.headers().get(OFFSET);
        let offset = offset.and_then(|offset| offset.to_str().ok()?.parse().ok());
        offset.ok_or_else(|| self.unreadable(response, "it does not say how far the upload is"))
    }

    fn unreadable(&self, response: &Response, reason: &str) -> Error {
        Error::Unreadable {
            url: response.url().to_string(),
            reason: reason.to_owned(),
        }
    }
}

fn path(id: UploadId) -> String {
    format!("{}/{id}", paths::UPLOADS)
}
