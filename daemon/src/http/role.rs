//! Callers who may be here at all, asked before anything else of the request is looked at.
//!
//! Without the role a caller is told so whatever its body is. The truth stays with [`crate::ops`]: what is asked here
//! is the same [`require`], only earlier than the body's extractor.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use protocol::api::Role;

use super::extract::CurrentCaller;
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::ops::require;

/// A caller with the role `PUBLISHER` or more. To stand before the body and the query.
#[derive(Clone, Debug)]
pub(super) struct Publisher(pub(super) Caller);

/// A caller with the role `ADMIN`. To stand before the body and the query.
#[derive(Clone, Debug)]
pub(super) struct Administrator(pub(super) Caller);

impl FromRequestParts<Arc<App>> for Publisher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        caller_with(Role::Publisher, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        caller_with(Role::Admin, parts, app).await.map(Self)
    }
}

async fn caller_with(role: Role, parts: &mut Parts, app: &Arc<App>) -> Result<Caller, ApiError> {
    let CurrentCaller(caller) = CurrentCaller::from_request_parts(parts, app).await?;
    require(&caller, role)?;
    Ok(caller)
}
