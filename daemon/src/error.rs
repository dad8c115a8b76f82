//! The one error that leaves the daemon, as an HTTP answer or as an `ERROR` message.
//!
//! Everything that a caller reads here is safe to publish. Causes, paths and keys go to the log, once, where the
//! error is made into a `SERVER_ERROR`; the caller gets the request id to quote.

use std::fmt;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::api::Failure;
use protocol::error::{Details, RateLimitDetails};
use protocol::{Code, ErrorBody, FieldProblem, Timestamp};

use crate::auth::AuthError;
use crate::blobs::BlobError;
use crate::store::StoreError;

/// A refusal or a failure, ready to be told to the caller.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    code: Code,
    /// Differs from the code's own where HTTP has a finer status than the contract has codes (408, 412, 414, 431).
    status: StatusCode,
    message: String,
    details: Option<Details>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// How long a caller is asked to wait when the daemon is stopping or read-only, in seconds.
const RETRY_AFTER_SECONDS: &str = "10";

impl ApiError {
    /// An error of a code. The message is for people: lower case, no full stop, naming the thing.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let status = code
            .http_status()
            .and_then(|status| StatusCode::from_u16(status).ok());
        Self(Box::new(Content {
            code,
            status: status.unwrap_or(StatusCode::BAD_REQUEST),
            message: message.into(),
            details: None,
            headers: Vec::new(),
        }))
    }

    /// `INVALID_REQUEST`.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// `INVALID_REQUEST` about one field.
    #[must_use]
    pub fn invalid_field(field: &str, problem: impl fmt::Display) -> Self {
        Self::invalid(format!("{field}: {problem}")).with_field(field, problem)
    }

    /// `INVALID_VERSION` about one field.
    #[must_use]
    pub fn invalid_version(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(Code::InvalidVersion, format!("{field}: {problem}")).with_field(field, problem)
    }

    /// `UNAUTHORIZED`.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthorized, message)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// `FORBIDDEN`.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    /// `NOT_FOUND`.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// `CONFLICT`.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// `RATE_LIMITED`.
    #[must_use]
    pub fn rate_limited(details: RateLimitDetails, message: impl Into<String>) -> Self {
        let mut error = Self::new(Code::RateLimited, message)
            .with_header(header::RETRY_AFTER, HeaderValue::from(details.retry_after));
        error.0.details = Some(Details::RateLimit(details));
        error
    }

    /// `UNAVAILABLE`.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message).with_header(
            header::RETRY_AFTER,
            HeaderValue::from_static(RETRY_AFTER_SECONDS),
        )
    }

    /// `INSUFFICIENT_STORAGE`.
    #[must_use]
    pub fn disk_full() -> Self {
        let message = "the disk of the daemon is full; nothing of this request was kept";
        Self::new(Code::InsufficientStorage, message)
    }

    /// `SERVER_ERROR`. The cause is logged here, under the request's id, and never sent.
    #[must_use]
    pub fn server_error(cause: &(dyn fmt::Display + '_)) -> Self {
        tracing::error!(cause = %cause, "a request failed for a reason of our own");
        Self::new(
            Code::ServerError,
            "the daemon failed; its log has the reason under this request's X-Request-Id",
        )
    }

    /// An error whose HTTP status is finer than its code.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Adds what is wrong with a field.
    #[must_use]
    pub fn with_field(mut self, field: &str, problem: impl fmt::Display) -> Self {
        let mut problems = match self.0.details.take() {
            Some(Details::Fields(problems)) => problems,
            Some(Details::RateLimit(_)) | None => Vec::new(),
        };
        problems.push(FieldProblem::new(field, problem));
        self.0.details = Some(Details::Fields(problems));
        self
    }

    /// Adds a header to the HTTP answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is known beyond the message.
    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        self.0.details.as_ref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let content = *self.0;
        let body = Failure::new(ErrorBody {
            code: content.code,
            message: content.message,
            details: content.details,
            timestamp: Timestamp::now(),
        });
        let mut response = (content.status, axum::Json(body)).into_response();
        for (name, value) in content.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::Missing
            | AuthError::TooLong
            | AuthError::Malformed(_)
            | AuthError::WrongAlgorithm
            | AuthError::CriticalHeader
            | AuthError::BadSignature
            | AuthError::Expired
            | AuthError::NotYetValid
            | AuthError::LivesTooLong
            | AuthError::FromTheFuture
            | AuthError::WrongIssuer
            | AuthError::WrongAudience
            | AuthError::UnknownUser
            | AuthError::Revoked => Self::unauthorized(error.to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { .. } => Self::conflict(error.to_string()),
            StoreError::NotFound { .. } => Self::not_found(error.to_string()),
            StoreError::Stale { .. } => {
                Self::conflict(format!("{error}; look again and decide anew"))
            }
            StoreError::ReadOnly { reason } => {
                tracing::warn!(reason, "a change was refused");
                Self::unavailable("the store is read-only; the daemon's log says why")
            }
            StoreError::DiskFull => Self::disk_full(),
            StoreError::TooLarge { .. }
            | StoreError::Locked { .. }
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::Io { .. } => Self::server_error(&WithSources(&error)),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::DiskFull => Self::disk_full(),
            BlobError::Missing { .. } | BlobError::Damaged { .. } | BlobError::Io { .. } => {
                Self::server_error(&WithSources(&error))
            }
        }
    }
}

/// An error and what caused it, for the log.
struct WithSources<'a>(&'a dyn std::error::Error);

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io;

    fn disk_trouble() -> io::Error {
        io::Error::other("sector 7 of /dev/secret")
    }

    #[test]
    fn each_failure_of_the_disk_has_its_code_and_tells_no_internals() {
        let io = || StoreError::Io {
            what: "cannot write /data/journal".into(),
            source: disk_trouble(),
        };
        let blob_io = || BlobError::Io {
            what: "cannot write /data/blobs".into(),
            source: disk_trouble(),
        };
        let exists = StoreError::Exists {
            what: "user jane".into(),
        };
        let not_found = StoreError::NotFound {
            what: "user jane".into(),
        };
        let stale = StoreError::Stale {
            what: "release 2.1.0".into(),
        };
        let read_only = StoreError::ReadOnly {
            reason: "cannot sync /data/journal".into(),
        };
        for (error, code, status) in [
            (ApiError::from(exists), Code::Conflict, 409),
            (not_found.into(), Code::NotFound, 404),
            (stale.into(), Code::Conflict, 409),
            (read_only.into(), Code::Unavailable, 503),
            (StoreError::DiskFull.into(), Code::InsufficientStorage, 507),
            (BlobError::DiskFull.into(), Code::InsufficientStorage, 507),
            (io().into(), Code::ServerError, 500),
            (blob_io().into(), Code::ServerError, 500),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert!(!error.message().contains("/data"), "{error}");
            assert_eq!(error.into_response().status().as_u16(), status);
        }
        assert_eq!(
            WithSources(&io()).to_string(),
            "cannot write /data/journal: sector 7 of /dev/secret"
        );
    }

    #[test]
    fn headers_and_details_reach_the_answer() {
        let details = RateLimitDetails {
            retry_after: 60,
            violation_type: protocol::message::ViolationType::DownloadLimit,
            current_count: 4,
            max_allowed: 3,
            window_minutes: 1,
        };
        let response = ApiError::rate_limited(details, "wait").into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "60");
        let response = ApiError::unauthorized("who").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        let fine = ApiError::invalid("slow").with_status(StatusCode::REQUEST_TIMEOUT);
        assert_eq!(fine.into_response().status(), 408);
    }
}
