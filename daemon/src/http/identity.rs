//! Endpoints for administrators: users and tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use protocol::api::{
    IssuedToken, NewToken, NewUser, Page, RevokedToken, TokenView, UserChange, UserView,
};
use protocol::{Timestamp, Username};

use super::admin::{PageQuery, actor};
use super::client::{Answer, answer};
use super::extract::{Address, Json, PathText, Query};
use super::role::Administrator;
use crate::app::App;
use crate::error::ApiError;
use crate::ops::users;

pub(super) async fn list_users(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Query(page): Query<PageQuery>,
) -> Answer<Page<UserView>> {
    let (page, size) = page.parse()?;
    users::list_users(&app, &caller, page, size).map(answer)
}

pub(super) async fn add_user(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    address: Address,
    Json(user): Json<NewUser>,
) -> Result<(StatusCode, axum::Json<protocol::api::Success<UserView>>), ApiError> {
    let actor = actor(&caller, address);
    let user = app
        .blocking(move |app| users::add_user(app, &caller, &actor, user))
        .await?;
    Ok((StatusCode::CREATED, answer(user)))
}

pub(super) async fn change_user(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    address: Address,
    PathText(name): PathText<String>,
    Json(change): Json<UserChange>,
) -> Answer<UserView> {
    let name: Username = name
        .parse()
        .map_err(|error| ApiError::invalid_field("username", error))?;
    let actor = actor(&caller, address);
    app.blocking(move |app| users::change_user(app, &caller, &actor, &name, &change))
        .await
        .map(answer)
}

pub(super) async fn list_tokens(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Query(page): Query<PageQuery>,
) -> Answer<Page<TokenView>> {
    let (page, size) = page.parse()?;
    users::list_tokens(&app, &caller, page, size).map(answer)
}

pub(super) async fn issue_token(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    address: Address,
    Json(token): Json<NewToken>,
) -> Result<(StatusCode, axum::Json<protocol::api::Success<IssuedToken>>), ApiError> {
    let actor = actor(&caller, address);
    let issue =
        move |app: &Arc<App>| users::issue_token(app, &caller, &actor, &token, Timestamp::now());
    let issued = app.blocking(issue).await?;
    Ok((StatusCode::CREATED, answer(issued)))
}

pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    address: Address,
    PathText(id): PathText<String>,
) -> Answer<RevokedToken> {
    let actor = actor(&caller, address);
    app.blocking(move |app| users::revoke_token(app, &caller, &actor, &id))
        .await
        .map(answer)
}
