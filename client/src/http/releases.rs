//! Publishing: releases, their deltas, rollout and rollback, and the numbers.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use protocol::api::{
    DeltaSummary, HistoryEntry, Page, ReleaseChange, ReleaseState, ReleaseView, RollbackAnswer,
    RollbackRequest, Statistics, paths,
};
use protocol::{Channel, Checksum, DeltaSource, Platform, UploadId, Version};
use reqwest::Method;
use reqwest::multipart::Form;
use serde::Serialize;

use super::upload::{Sent, file_part};
use super::{Daemon, segment};
use crate::Error;

/// Which releases a list shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListQuery {
    /// Its number, from 0.
    pub page: u32,
    /// How many releases it holds, 1 to 100.
    pub size: u32,
    /// Only of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Only in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ReleaseState>,
}

/// What an upload says about a release, beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease {
    /// Its version number.
    pub version: Version,
    /// Where it is published.
    pub channel: Channel,
    /// Whether clients must take it.
    pub is_mandatory: bool,
    /// Notes for users.
    pub release_notes: String,
    /// Clients below this version cannot take it directly.
    pub minimum_client_version: Option<Version>,
    /// The file's SHA-256, which the daemon compares.
    pub checksum: Checksum,
    /// Whether it waits, unannounced, until it is activated.
    pub is_draft: bool,
    /// The share of clients that are offered it, 0 to 100.
    pub rollout_percentage: u8,
    /// The platforms that it runs on; empty means all.
    pub platforms: Vec<Platform>,
    /// Whether it may be older than the newest of its channel: a maintenance release.
    pub allow_older: bool,
    /// The publisher's signature.
    pub signature: Option<String>,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The release.
    pub release: ReleaseView,
    /// False when the very same release was there before.
    pub is_new: bool,
}

/// A delta to upload.
#[derive(Clone, Debug)]
pub struct NewDelta<'a> {
    /// What must be there.
    pub from: &'a DeltaSource,
    /// How to apply it.
    pub format: &'a str,
    /// Its bytes.
    pub file: &'a Path,
    /// Their SHA-256.
    pub checksum: Checksum,
}

impl Daemon {
    /// One page of releases, newest version first.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn releases(&self, query: &ListQuery) -> Result<Page<ReleaseView>, Error> {
        self.get(&format!("{}/versions", paths::ADMIN), query).await
    }

    /// One release by its version.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `NOT_FOUND`.
    pub async fn release(&self, version: &Version) -> Result<ReleaseView, Error> {
        self.get(&version_path(version, ""), &()).await
    }

    /// Uploads a release.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `CONFLICT` when the version is there with other bytes.
    pub async fn create_release(
        &self,
        release: &NewRelease,
        file: &Path,
        sent: Sent,
    ) -> Result<Published, Error> {
        let (file, moved) = file_part(file, sent).await?;
        let file = file
            .mime_str("application/java-archive")
            .map_err(|error| self.failed(&error))?;
        // Words first, bytes last: the daemon judges the words before it stores a byte.
        let form = form_of(release).part("file", file);
        let path = format!("{}/versions", paths::ADMIN);
        let request = self.request(Method::POST, &path).multipart(form);
        let (status, release) = self.answer_to_upload(request, &moved).await?;
        Ok(Published {
            release,
            is_new: status == 201,
        })
    }

    /// Makes a release of a file that is with the daemon already; see [`crate::upload()`].
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `NOT_FOUND` when the upload is gone, `CONFLICT` when the version is there with
    /// other bytes.
    pub async fn create_release_from(
        &self,
        release: &NewRelease,
        upload: UploadId,
    ) -> Result<Published, Error> {
        let form = form_of(release).text("upload", upload.to_string());
        let path = format!("{}/versions", paths::ADMIN);
        let request = self.request(Method::POST, &path).multipart(form);
        let (status, release) = self.answer_to_upload(request, &AtomicU64::new(0)).await?;
        Ok(Published {
            release,
            is_new: status == 201,
        })
    }

    /// Uploads a delta to a release.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses: `INVALID_ARTIFACT` when it does not rebuild the release.
    pub async fn add_delta(
        &self,
        to: &Version,
        delta: &NewDelta<'_>,
        sent: Sent,
    ) -> Result<DeltaSummary, Error> {
        let (file, moved) = file_part(delta.file, sent).await?;
        let form = form_of_delta(delta).part("file", file);
        let request = self
            .request(Method::POST, &version_path(to, "/deltas"))
            .multipart(form);
        let (_, stored) = self.answer_to_upload(request, &moved).await?;
        Ok(stored)
    }

    /// The same with a file that is with the daemon already; see [`crate::upload()`].
    ///
    /// # Errors
    /// As [`Daemon::add_delta`]; `NOT_FOUND` also when the upload is gone.
    pub async fn add_delta_from(
        &self,
        to: &Version,
        delta: &NewDelta<'_>,
        upload: UploadId,
    ) -> Result<DeltaSummary, Error> {
        let form = form_of_delta(delta).text("upload", upload.to_string());
        let request = self
            .request(Method::POST, &version_path(to, "/deltas"))
            .multipart(form);
        let (_, stored) = self.answer_to_upload(request, &AtomicU64::new(0)).await?;
        Ok(stored)
    }

    /// Changes what a release does, or its rollout.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn change_release(
        &self,
        version: &Version,
        change: &ReleaseChange,
    ) -> Result<ReleaseView, Error> {
        self.call(Method::PATCH, &version_path(version, ""), change)
            .await
    }

    /// One page of who changed what in a release, newest first.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn release_history(
        &self,
        version: &Version,
        page: u32,
        size: u32,
    ) -> Result<Page<HistoryEntry>, Error> {
        let query = [("page", page), ("size", size)];
        self.get(&version_path(version, "/history"), &query).await
    }

    /// Takes a channel back to an older release; the newer ones are recalled.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn roll_back(
        &self,
        channel: &Channel,
        to: &Version,
    ) -> Result<RollbackAnswer, Error> {
        let path = format!("{}/channels/{channel}/rollback", paths::ADMIN);
        let request = RollbackRequest {
            to_version: to.clone(),
        };
        self.call(Method::POST, &path, &request).await
    }

    /// Sessions, downloads and installations.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        self.get(&format!("{}/statistics", paths::ADMIN), &()).await
    }
}

fn version_path(version: &Version, rest: &str) -> String {
    format!(
        "{}/versions/{}{rest}",
        paths::ADMIN,
        segment(&version.to_string())
    )
}

fn form_of_delta(delta: &NewDelta<'_>) -> Form {
    Form::new()
        .text("fromVersion", delta.from.to_string())
        .text("format", delta.format.to_owned())
        .text("checksum", delta.checksum.to_string())
}

fn form_of(release: &NewRelease) -> Form {
    let NewRelease {
        version,
        channel,
        is_mandatory,
        release_notes,
        minimum_client_version,
        checksum,
        is_draft,
        rollout_percentage,
        platforms,
        allow_older,
        signature,
    } = release;
    let mut form = Form::new()
        .text("versionNumber", version.to_string())
        .text("releaseChannel", channel.to_string())
        .text("isMandatory", is_mandatory.to_string())
        .text("releaseNotes", release_notes.clone())
        .text("checksum", checksum.to_string())
        .text("draft", is_draft.to_string())
        .text("rolloutPercentage", rollout_percentage.to_string());
    if let Some(minimum) = minimum_client_version {
        form = form.text("minimumClientVersion", minimum.to_string());
    }
    if !platforms.is_empty() {
        let names: Vec<&str> = platforms.iter().map(Platform::as_str).collect();
        form = form.text("platforms", names.join(","));
    }
    if let Some(signature) = signature {
        form = form.text("signature", signature.clone());
    }
    if *allow_older {
        form = form.text("allowOlder", "true");
    }
    form
}
