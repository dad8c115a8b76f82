//! Endpoints for clients: check, metadata, deltas, downloads, and who one is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::api::{CheckAnswer, CheckQuery, DeltaAnswer, ReleaseMetadata, Success, WhoAmI};
use protocol::{DeltaSource, Timestamp, Version};
use serde::Deserialize;

use super::download::{self, Asked, Download, Packing};
use super::extract::{CurrentCaller, NamedClient, PathText, Query};
use crate::app::App;
use crate::error::ApiError;
use crate::ops;
use crate::store::BlobRef;

/// The answer of a handler that answers in JSON.
pub(super) type Answer<T> = Result<axum::Json<Success<T>>, ApiError>;

pub(super) fn answer<T>(data: T) -> axum::Json<Success<T>> {
    axum::Json(Success::new(data))
}

/// A version in the path; whatever is none is `INVALID_VERSION`, also what is not UTF-8.
pub(super) fn version(field: &str, text: &str) -> Result<Version, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_version(field, error))
}

/// The texts of a check, before they are understood.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckTexts {
    current_version: Option<String>,
    channel: Option<String>,
    client_id: Option<String>,
    platform: Option<String>,
    architecture: Option<String>,
}

impl CheckTexts {
    fn parse(self) -> Result<CheckQuery, ApiError> {
        fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(
            field: &str,
            text: Option<String>,
        ) -> Result<Option<T>, ApiError> {
            let parsed = text.map(|text| text.parse()).transpose();
            parsed.map_err(|error| ApiError::invalid_field(field, error))
        }
        let current = self.current_version.ok_or_else(|| {
            ApiError::invalid_field("currentVersion", "this parameter is required")
        })?;
        Ok(CheckQuery {
            // The specification's client does not encode the plus sign of build metadata, so it arrives as a space,
            // which no version number has.
            current_version: version("currentVersion", &current.replace(' ', "+"))?,
            channel: optional("channel", self.channel)?,
            client_id: optional("clientId", self.client_id)?,
            platform: optional("platform", self.platform)?,
            architecture: optional("architecture", self.architecture)?,
        })
    }
}

pub(super) async fn check(
    State(app): State<Arc<App>>,
    CurrentCaller(_): CurrentCaller,
    NamedClient(client): NamedClient,
    Query(texts): Query<CheckTexts>,
) -> Answer<CheckAnswer> {
    let mut query = texts.parse()?;
    query.client_id = query.client_id.or(client);
    ops::check::check(&app, &query, Timestamp::now()).map(answer)
}

pub(super) async fn metadata(
    State(app): State<Arc<App>>,
    CurrentCaller(caller): CurrentCaller,
    path: Result<PathText<String>, ApiError>,
) -> Answer<ReleaseMetadata> {
    let version = version("version", &path_text(path))?;
    ops::check::metadata(&app, &caller, &version).map(answer)
}

pub(super) async fn delta(
    State(app): State<Arc<App>>,
    CurrentCaller(caller): CurrentCaller,
    path: Result<PathText<(String, String)>, ApiError>,
) -> Answer<DeltaAnswer> {
    let (from, to) = delta_ends(path)?;
    ops::check::deltas(&app, &caller, &from, &to).map(answer)
}

pub(super) async fn who_am_i(CurrentCaller(caller): CurrentCaller) -> Answer<WhoAmI> {
    Ok(answer(ops::users::who_am_i(caller)))
}

/// `GET` and `HEAD` of a release's bytes.
pub(super) async fn download(
    State(app): State<Arc<App>>,
    path: Result<PathText<String>, ApiError>,
    asked: Asked,
) -> Result<Response, ApiError> {
    let version = version("version", &path_text(path))?;
    let release = ops::check::find_for(&app, &asked.caller, &version)?;
    let download = Download {
        blob: release.blob,
        media_type: "application/java-archive",
        file_name: release.file_name.clone(),
        modified: release.created_at,
        version: release.version.clone(),
        packing: Packing::Plain,
        is_clients: true,
    };
    download::answer(&app, asked, download).await
}

/// Which of several deltas.
#[derive(Debug, Deserialize)]
pub(super) struct FormatQuery {
    format: Option<String>,
}

impl FormatQuery {
    fn parse(&self) -> Result<Option<delta::Format>, ApiError> {
        let format = self.format.as_deref().map(str::parse).transpose();
        format.map_err(|error| ApiError::invalid_field("format", error))
    }
}

/// `GET` and `HEAD` of a delta's bytes.
pub(super) async fn download_delta(
    State(app): State<Arc<App>>,
    path: Result<PathText<(String, String)>, ApiError>,
    asked: Asked,
    Query(query): Query<FormatQuery>,
) -> Result<Response, ApiError> {
    let (from, to) = delta_ends(path)?;
    let format = query.parse()?;
    let offers = ops::check::deltas(&app, &asked.caller, &from, &to)?;
    let wanted = |offered: &str| format.is_none_or(|format| format.name() == offered);
    let offer = offers
        .deltas
        .iter()
        .find(|offer| wanted(&offer.format))
        .ok_or_else(|| {
            let known: Vec<&str> = offers
                .deltas
                .iter()
                .map(|offer| offer.format.as_str())
                .collect();
            ApiError::not_found(format!(
                "there is no delta of this format from {from} to {to}; there is {}",
                known.join(", ")
            ))
        })?;
    let release = ops::check::find_for(&app, &asked.caller, &to)?;
    let download = Download {
        blob: BlobRef {
            checksum: offer.checksum,
            size_bytes: offer.size,
        },
        media_type: "application/octet-stream",
        file_name: format!("{from}-to-{to}.{}.delta", offer.format),
        modified: release.created_at,
        version: to,
        packing: match from {
            DeltaSource::Nothing => Packing::Compressed {
                full_size_bytes: offers.full_size,
            },
            DeltaSource::Version(_) => Packing::Delta {
                format: offer.format.clone(),
                full_size_bytes: offers.full_size,
            },
        },
        is_clients: true,
    };
    download::answer(&app, asked, download).await
}

/// What cannot be decoded is no version either; its parser says so.
fn path_text(path: Result<PathText<String>, ApiError>) -> String {
    path.map(|PathText(text)| text)
        .unwrap_or_else(|_| "\u{FFFD}".into())
}

fn delta_ends(
    path: Result<PathText<(String, String)>, ApiError>,
) -> Result<(DeltaSource, Version), ApiError> {
    let (from, to) = match path {
        Ok(PathText(texts)) => texts,
        Err(_) => {
            return Err(ApiError::invalid_version(
                "path",
                "it is not percent-encoded UTF-8",
            ));
        }
    };
    let from = from
        .parse()
        .map_err(|error| ApiError::invalid_version("from", error))?;
    Ok((from, version("to", &to)?))
}
