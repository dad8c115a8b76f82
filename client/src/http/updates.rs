//! What an installed application asks: is there something newer, what is it, and here is how it went.

use protocol::api::{CheckAnswer, CheckQuery, DeltaAnswer, ReleaseMetadata, paths};
use protocol::{ClientId, ClientMessage, Code, DeltaSource, Version};
use reqwest::{Method, Response};

use super::{Daemon, segment};
use crate::Error;

/// Names the client, so that the daemon can tell its sessions how the download goes.
pub(crate) const CLIENT_ID: &str = "x-client-id";

impl Daemon {
    /// What a client should install next.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `NOT_FOUND` for an unknown channel.
    pub async fn check(&self, query: &CheckQuery) -> Result<CheckAnswer, Error> {
        self.get(&format!("{}/check", paths::CLIENT), query).await
    }

    /// A release as clients see it.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `NOT_FOUND`.
    pub async fn metadata(&self, version: &Version) -> Result<ReleaseMetadata, Error> {
        let version = segment(&version.to_string());
        self.get(
            &format!("{}/versions/{version}/metadata", paths::CLIENT),
            &(),
        )
        .await
    }

    /// The deltas between two versions, best first; `None` where there is none.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn deltas(&self, from: &Version, to: &Version) -> Result<Option<DeltaAnswer>, Error> {
        self.deltas_from(&DeltaSource::Version(from.clone()), to)
            .await
    }

    /// The whole file of a version, compressed; `None` where it is not stored so.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn compressed(&self, version: &Version) -> Result<Option<DeltaAnswer>, Error> {
        match self.deltas_from(&DeltaSource::Nothing, version).await {
            // An older daemon takes `none` for a bad version number.
            Err(error) if error.code() == Some(Code::InvalidVersion) => Ok(None),
            answer => answer,
        }
    }

    async fn deltas_from(
        &self,
        from: &DeltaSource,
        to: &Version,
    ) -> Result<Option<DeltaAnswer>, Error> {
        let (from, to) = (segment(&from.to_string()), segment(&to.to_string()));
        let path = format!("{}/delta/{from}/{to}", paths::CLIENT);
        match self.get(&path, &()).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reports a download or an installation without a live session.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn report(&self, client: &ClientId, report: &ClientMessage) -> Result<(), Error> {
        let request = self
            .request(Method::POST, &format!("{}/reports", paths::CLIENT))
            .header(CLIENT_ID, client.as_str())
            .json(report);
        self.send(request).await.map(drop)
    }

    /// Opens a download. `from` resumes, if the file still has that entity tag.
    pub(crate) async fn open_download(
        &self,
        path: &str,
        client: Option<&ClientId>,
        from: Option<(u64, &str)>,
    ) -> Result<Response, Error> {
        // Only a path of the daemon is followed: elsewhere the token would be shown to a stranger.
        if !path.starts_with('/') || path.starts_with("//") {
            return Err(Error::Unreadable {
                url: self.url().to_owned(),
                reason: format!("it offers a download outside itself: {path:?}"),
            });
        }
        let mut request = self
            .request(Method::GET, path)
            .header(http::header::ACCEPT_ENCODING, "identity");
        if let Some(client) = client {
            request = request.header(CLIENT_ID, client.as_str());
        }
        if let Some((start, tag)) = from {
            request = request
                .header(http::header::RANGE, format!("bytes={start}-"))
                .header(http::header::IF_RANGE, tag);
        }
        self.send(request).await
    }
}
