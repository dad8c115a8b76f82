//! What becomes of a release after it was stored: toggling, changing, rolling back; and looking at all that.
//!
//! A decision and its record are made under one lock ([`App::decide`]), so two callers cannot both act on a state that
//! only one of them leaves behind. Saying the same twice changes nothing and leaves no second record.

use std::sync::Arc;

use protocol::api::{
    HistoryEntry, Page, ReleaseChange, ReleaseState, ReleaseView, Role, RollbackAnswer,
    RollbackRequest,
};
use protocol::{Channel, ReleaseId, Version};

use super::check::require_channel;
use super::{require, views};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::store::{Actor, Catalog, Release, ReleaseUpdate};

/// Which releases a list shall have.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// Only this channel.
    pub channel: Option<Channel>,
    /// Only this state.
    pub state: Option<ReleaseState>,
}

/// One page of releases, newest version first.
///
/// # Errors
/// `FORBIDDEN`.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ReleaseFilter,
    page: u32,
    size: u32,
) -> Result<Page<ReleaseView>, ApiError> {
    require(caller, Role::Publisher)?;
    let catalog = app.store.catalog();
    let wanted = |release: &&Arc<Release>| {
        filter
            .channel
            .as_ref()
            .is_none_or(|channel| *channel == release.channel)
            && filter.state.is_none_or(|state| state == release.state)
    };
    let releases: Vec<&Arc<Release>> = catalog.releases().iter().filter(wanted).collect();
    let page = Page::cut(releases, page, size);
    Ok(Page {
        content: page
            .content
            .into_iter()
            .map(|release| views::release_view(&catalog, release))
            .collect(),
        page: page.page,
        size: page.size,
        total_elements: page.total_elements,
        total_pages: page.total_pages,
    })
}

/// One release.
///
/// # Errors
/// `FORBIDDEN` or `NOT_FOUND`.
pub fn show(app: &App, caller: &Caller, id: &str) -> Result<ReleaseView, ApiError> {
    require(caller, Role::Publisher)?;
    let catalog = app.store.catalog();
    Ok(views::release_view(&catalog, find(&catalog, id)?))
}

/// The same as it is stored, for who fetches its file.
///
/// # Errors
/// `FORBIDDEN` or `NOT_FOUND`.
pub fn find_for_publisher(app: &App, caller: &Caller, id: &str) -> Result<Arc<Release>, ApiError> {
    require(caller, Role::Publisher)?;
    find(&app.store.catalog(), id).cloned()
}

/// Who changed a release, newest first. Reads the journal: for the blocking pool.
///
/// # Errors
/// `FORBIDDEN` or `NOT_FOUND`.
pub fn history(app: &App, caller: &Caller, id: &str) -> Result<Vec<HistoryEntry>, ApiError> {
    require(caller, Role::Publisher)?;
    let release = find(&app.store.catalog(), id)?.id;
    let records = app.store.release_history(release)?;
    Ok(records
        .into_iter()
        .map(|record| HistoryEntry {
            seq: record.seq,
            time: record.time,
            actor: record.actor,
            address: record.address.map(|address| address.to_string()),
            action: record.action.to_string(),
            summary: record.summary,
        })
        .collect())
}

/// Finds a release by its id or its version number.
///
/// # Errors
/// `NOT_FOUND`, also for a text that is neither: what ids look like is not the caller's concern.
pub(super) fn find<'a>(catalog: &'a Catalog, text: &str) -> Result<&'a Arc<Release>, ApiError> {
    let by_id = text
        .parse::<ReleaseId>()
        .ok()
        .and_then(|id| catalog.by_id(id));
    let by_version = || {
        text.parse::<Version>()
            .ok()
            .and_then(|version| catalog.by_version(&version))
    };
    by_id.or_else(by_version).ok_or_else(|| no_release(text))
}

/// Names what was asked for, where that is an id or a version number; other texts are not repeated.
fn no_release(text: &str) -> ApiError {
    if let Ok(version) = text.parse::<Version>() {
        return ApiError::not_found(format!("version {version} does not exist"));
    }
    if let Ok(id) = text.parse::<ReleaseId>() {
        return ApiError::not_found(format!("release {id} does not exist"));
    }
    ApiError::not_found("no release has this id or version number")
}

/// Flips `ACTIVE` and `INACTIVE`; activates what is neither.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`, or errors of the disk.
pub fn toggle(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    id: &str,
) -> Result<ReleaseView, ApiError> {
    require(caller, Role::Publisher)?;
    update(app, actor, id, |release| ReleaseUpdate {
        state: Some(match release.state {
            ReleaseState::Active => ReleaseState::Inactive,
            ReleaseState::Inactive | ReleaseState::Draft | ReleaseState::Recalled => {
                ReleaseState::Active
            }
        }),
        rollout_percentage: None,
    })
}

/// Sets state and rollout outright.
///
/// # Errors
/// `FORBIDDEN`, `NOT_FOUND`, `INVALID_REQUEST` for values out of bounds, or errors of the disk.
pub fn change(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    id: &str,
    change: &ReleaseChange,
) -> Result<ReleaseView, ApiError> {
    require(caller, Role::Publisher)?;
    if let Some(state @ (ReleaseState::Draft | ReleaseState::Recalled)) = change.state {
        let problem = format!(
            "expected ACTIVE or INACTIVE; a release becomes {} otherwise",
            state.as_str()
        );
        return Err(ApiError::invalid_field("state", problem));
    }
    if change
        .rollout_percentage
        .is_some_and(|percentage| percentage > 100)
    {
        return Err(ApiError::invalid_field(
            "rolloutPercentage",
            "expected a whole number from 0 to 100",
        ));
    }
    if change.state.is_none() && change.rollout_percentage.is_none() {
        return Err(ApiError::invalid(
            "nothing to change; send state, rolloutPercentage or both",
        ));
    }
    update(app, actor, id, |release| ReleaseUpdate {
        state: change.state.filter(|state| *state != release.state),
        rollout_percentage: change
            .rollout_percentage
            .filter(|percentage| *percentage != release.rollout_percentage),
    })
}

fn update(
    app: &App,
    actor: &Actor,
    id: &str,
    decide: impl FnOnce(&Release) -> ReleaseUpdate,
) -> Result<ReleaseView, ApiError> {
    let _deciding = app.decide();
    let catalog = app.store.catalog();
    let release = find(&catalog, id)?;
    let update = decide(release);
    if update == ReleaseUpdate::default() {
        return Ok(views::release_view(&catalog, release));
    }
    let release = app
        .store
        .change_release(actor, release.id, release.revision, update)?;
    tracing::info!(version = %release.version, state = release.state.as_str(), rollout = release.rollout_percentage, "a release was changed");
    app.announce(&release);
    Ok(views::release_view(&app.store.catalog(), &release))
}

/// Takes a channel back to a version: recalls its newer active releases.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` when channel or version is not there; `CONFLICT` when the version is of another channel or
/// not active, so that clients would have nothing to go back to; errors of the disk.
pub fn roll_back(
    app: &App,
    caller: &Caller,
    actor: &Actor,
    channel: &Channel,
    request: &RollbackRequest,
) -> Result<RollbackAnswer, ApiError> {
    require(caller, Role::Publisher)?;
    require_channel(app, channel)?;
    let _deciding = app.decide();
    let catalog = app.store.catalog();
    let to = &request.to_version;
    let target = catalog
        .by_version(to)
        .ok_or_else(|| ApiError::not_found(format!("version {to} does not exist")))?;
    if target.channel != *channel {
        return Err(ApiError::conflict(format!(
            "version {to} is on channel {}, not {channel}",
            target.channel
        )));
    }
    if target.state != ReleaseState::Active {
        let state = target.state.as_str();
        return Err(ApiError::conflict(format!(
            "version {to} is {state}; activate it first"
        )));
    }
    let recalled: Vec<&Arc<Release>> = catalog
        .releases()
        .iter()
        .filter(|release| {
            release.channel == *channel
                && release.state == ReleaseState::Active
                && release.version.is_newer_than(to)
        })
        .collect();
    if !recalled.is_empty() {
        let ids: Vec<ReleaseId> = recalled.iter().map(|release| release.id).collect();
        app.store
            .roll_back_channel(actor, channel, target.id, &ids)?;
        tracing::info!(%channel, %to, recalled = ids.len(), "a channel was rolled back");
        let after = app.store.catalog();
        for release in ids.iter().filter_map(|id| after.by_id(*id)) {
            app.announce(release);
        }
    }
    let after = app.store.catalog();
    Ok(RollbackAnswer {
        channel: channel.clone(),
        current: views::release_view(&after, find(&after, &target.id.to_string())?),
        recalled: recalled
            .iter()
            .map(|release| release.version.clone())
            .collect(),
    })
}
