//! Endpoints for publishers: releases, deltas, rollback, statistics.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::api::{
    HistoryEntry, Page, ReleaseChange, ReleaseState, ReleaseView, RollbackAnswer, RollbackRequest,
    Statistics, Success, paths,
};
use protocol::limits::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use protocol::{Channel, Timestamp};
use serde::Deserialize;

use super::client::{Answer, answer, version};
use super::download::{self, Asked, Download, Packing};
use super::extract::{Address, Json, PathText, Query};
use super::form;
use super::role::Publisher;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::ops::deltas::DeltaFields;
use crate::ops::lifecycle::ReleaseFilter;
use crate::ops::publish::ReleaseFields;
use crate::ops::{self, deltas, lifecycle, publish, uploads};
use crate::store::Actor;

pub(super) fn actor(caller: &Caller, Address(address): Address) -> Actor {
    Actor::user(&caller.username, Some(address))
}

pub(super) async fn create_version(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    address: Address,
    request: Request,
) -> Result<Response, ApiError> {
    publish::allow(&app, &caller)?;
    let mut fields = ReleaseFields::default();
    let received = form::read(&app, &caller, request, |part| match part {
        form::Part::Text(name, text) => fields.set(&app.config.channels, name, text),
        form::Part::File => fields.check(),
    })
    .await?;
    let actor = actor(&caller, address);
    let permit = app.jar_check().await?;
    let published = app
        .blocking(move |app| {
            let form::Received { mut file, upload } = received;
            let checked = publish::check_artifact(&mut file.staged, fields.checksum());
            drop(permit);
            let published =
                checked.and_then(|blob| publish::create(app, &caller, &actor, fields, file, blob));
            uploads::settle(app, upload, &published);
            published
        })
        .await?;
    let location = format!(
        "{}/versions/{}",
        paths::ADMIN,
        published.release.version_number
    );
    Ok(created(published.is_new, location, published.release))
}

/// 201 with a `Location` for what is new, 200 for what was there.
fn created<T: serde::Serialize>(is_new: bool, location: String, data: T) -> Response {
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = (status, axum::Json(Success::new(data))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// `page` and `size` of a list, before their bounds are checked.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    page: Option<String>,
    size: Option<String>,
}

impl PageQuery {
    pub(super) fn parse(&self) -> Result<(u32, u32), ApiError> {
        let page = match &self.page {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| ApiError::invalid_field("page", "expected a whole number from 0"))?,
        };
        let size = match &self.size {
            None => Some(PAGE_SIZE_DEFAULT),
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=PAGE_SIZE_MAX).contains(size)),
        };
        let problem = || {
            ApiError::invalid_field(
                "size",
                format!("expected a whole number from 1 to {PAGE_SIZE_MAX}"),
            )
        };
        Ok((page, size.ok_or_else(problem)?))
    }
}

/// Which releases a list shall have.
#[derive(Debug, Deserialize)]
pub(super) struct FilterQuery {
    channel: Option<String>,
    state: Option<String>,
}

impl FilterQuery {
    fn parse(self) -> Result<ReleaseFilter, ApiError> {
        let channel = self.channel.map(|text| text.parse::<Channel>()).transpose();
        let state = self.state.map(|text| state(&text)).transpose()?;
        Ok(ReleaseFilter {
            channel: channel.map_err(|error| ApiError::invalid_field("channel", error))?,
            state,
        })
    }
}

fn state(text: &str) -> Result<ReleaseState, ApiError> {
    let states = [
        ReleaseState::Draft,
        ReleaseState::Active,
        ReleaseState::Inactive,
        ReleaseState::Recalled,
    ];
    let found = states.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| {
        ApiError::invalid_field("state", "expected DRAFT, ACTIVE, INACTIVE or RECALLED")
    })
}

pub(super) async fn list_versions(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    Query(page): Query<PageQuery>,
    Query(filter): Query<FilterQuery>,
) -> Answer<Page<ReleaseView>> {
    let (page, size) = page.parse()?;
    lifecycle::list(&app, &caller, &filter.parse()?, page, size).map(answer)
}

pub(super) async fn show_version(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    PathText(id): PathText<String>,
) -> Answer<ReleaseView> {
    lifecycle::show(&app, &caller, &id).map(answer)
}

/// `GET` and `HEAD` of the JAR, for whoever makes deltas from it: no client's download.
pub(super) async fn download_version(
    State(app): State<Arc<App>>,
    PathText(id): PathText<String>,
    asked: Asked,
) -> Result<Response, ApiError> {
    let release = lifecycle::find_for_publisher(&app, &asked.caller, &id)?;
    let download = Download {
        blob: release.blob,
        media_type: "application/java-archive",
        file_name: release.file_name.clone(),
        modified: release.created_at,
        version: release.version.clone(),
        packing: Packing::Plain,
        is_clients: false,
    };
    download::answer(&app, asked, download).await
}

pub(super) async fn version_history(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    PathText(id): PathText<String>,
    Query(page): Query<PageQuery>,
) -> Answer<Page<HistoryEntry>> {
    let (page, size) = page.parse()?;
    let history = app
        .blocking(move |app| lifecycle::history(app, &caller, &id))
        .await?;
    Ok(answer(Page::cut(history, page, size)))
}

pub(super) async fn toggle_version(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    address: Address,
    PathText(id): PathText<String>,
    request: Request,
) -> Answer<ReleaseView> {
    // It has no body; what comes all the same must be small.
    super::extract::read_body(request, protocol::limits::JSON_BODY_BYTES).await?;
    let actor = actor(&caller, address);
    app.blocking(move |app| lifecycle::toggle(app, &caller, &actor, &id))
        .await
        .map(answer)
}

pub(super) async fn change_version(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    address: Address,
    PathText(id): PathText<String>,
    Json(change): Json<ReleaseChange>,
) -> Answer<ReleaseView> {
    let actor = actor(&caller, address);
    app.blocking(move |app| lifecycle::change(app, &caller, &actor, &id, &change))
        .await
        .map(answer)
}

pub(super) async fn add_delta(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    address: Address,
    PathText(id): PathText<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let to = deltas::target(&app, &caller, &id)?;
    let mut fields = DeltaFields::default();
    let received = form::read(&app, &caller, request, |part| match part {
        form::Part::Text(name, text) => fields.set(name, &text),
        form::Part::File => Ok(()),
    })
    .await?;
    let actor = actor(&caller, address);
    let permit = app.delta_check().await?;
    let added = app
        .blocking(move |app| {
            let form::Received { file, upload } = received;
            let added = deltas::add(app, &actor, &to, &fields, file);
            drop(permit);
            uploads::settle(app, upload, &added);
            added
        })
        .await?;
    let location = format!(
        "{}/delta/{}/{}",
        paths::CLIENT,
        added.delta.from_version,
        added.to
    );
    Ok(created(added.is_new, location, added.delta))
}

/// The body of a rollback, before its version is understood: a bad one is `INVALID_VERSION`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RollbackText {
    to_version: String,
}

pub(super) async fn roll_back(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
    address: Address,
    PathText(channel): PathText<String>,
    Json(text): Json<RollbackText>,
) -> Answer<RollbackAnswer> {
    let channel: Channel = channel
        .parse()
        .map_err(|error| ApiError::invalid_field("channel", error))?;
    let request = RollbackRequest {
        to_version: version("toVersion", &text.to_version)?,
    };
    let actor = actor(&caller, address);
    app.blocking(move |app| lifecycle::roll_back(app, &caller, &actor, &channel, &request))
        .await
        .map(answer)
}

pub(super) async fn statistics(
    State(app): State<Arc<App>>,
    Publisher(caller): Publisher,
) -> Answer<Statistics> {
    ops::statistics::statistics(&app, &caller, Timestamp::now()).map(answer)
}
