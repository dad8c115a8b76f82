//! Request and response bodies of the HTTP API, and the envelope around them (contract sections 1, 3, 4 and 6).
//!
//! Bodies may grow: a reader ignores fields that it does not know.

mod check;
mod identity;
mod release;
mod statistics;
mod upload;

pub use check::{CheckAnswer, CheckQuery, DeltaAnswer, DeltaOffer};
pub use identity::{
    IssuedToken, NewToken, NewUser, RevokedToken, Role, TokenView, UserChange, UserView, WhoAmI,
};
pub use release::{
    DeltaSummary, HistoryEntry, ReleaseChange, ReleaseMetadata, ReleaseState, ReleaseView,
    RollbackAnswer, RollbackRequest,
};
pub use statistics::{Health, Statistics, VersionStatistics};
pub use upload::UploadView;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ErrorBody;

/// Where each part of the API lives.
pub mod paths {
    /// Endpoints for clients.
    pub const CLIENT: &str = "/api/v1/updates";
    /// Endpoints for publishers: releases.
    pub const ADMIN: &str = "/api/v1/admin/updates";
    /// Uploads that go on where they were cut (tus 1.0.0).
    pub const UPLOADS: &str = "/api/v1/admin/updates/uploads";
    /// Endpoints for administrators: users and tokens.
    pub const IDENTITY: &str = "/api/v1/admin";
    /// Who the token belongs to.
    pub const WHOAMI: &str = "/api/v1/whoami";
    /// The WebSocket endpoint.
    pub const LIVE: &str = "/ws/updates";
}

/// A successful answer: `{"success":true,"data":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Success<T> {
    /// Always `true`.
    pub success: bool,
    /// The answer.
    pub data: T,
}

impl<T> Success<T> {
    /// Wraps an answer.
    pub const fn new(data: T) -> Self {
        Self {
            success: true,
            data,
        }
    }
}

/// A failed answer: `{"success":false,"error":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Always `false`.
    pub success: bool,
    /// What went wrong.
    pub error: ErrorBody,
}

impl Failure {
    /// Wraps an error.
    #[must_use]
    pub const fn new(error: ErrorBody) -> Self {
        Self {
            success: false,
            error,
        }
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items of this page.
    pub content: Vec<T>,
    /// Its number, from 0.
    pub page: u32,
    /// How many items a page holds, 1 to 100.
    pub size: u32,
    /// How many items there are in all.
    pub total_elements: u64,
    /// How many pages there are in all.
    pub total_pages: u64,
}

impl<T> Page<T> {
    /// Cuts a page out of all items. A page behind the end is empty.
    #[must_use]
    pub fn cut(all: Vec<T>, page: u32, size: u32) -> Self {
        let size = size.max(1);
        let total_elements = all.len() as u64;
        let skipped = usize::try_from(u64::from(page) * u64::from(size)).unwrap_or(usize::MAX);
        let content = all.into_iter().skip(skipped).take(size as usize).collect();
        Self {
            content,
            page,
            size,
            total_elements,
            total_pages: total_elements.div_ceil(u64::from(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_without_regard_to_how_far_it_lies() {
        let page = Page::cut((0..25).collect::<Vec<u32>>(), 2, 10);
        assert_eq!(
            (page.content, page.total_elements, page.total_pages),
            ((20..25).collect(), 25, 3)
        );
        let beyond = Page::cut(vec![1, 2, 3], u32::MAX, 100);
        assert_eq!((beyond.content, beyond.total_pages), (Vec::<i32>::new(), 1));
        assert_eq!(Page::cut(Vec::<u8>::new(), 0, 10).total_pages, 0);
    }
}
