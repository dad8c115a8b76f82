//! Why a token is not accepted.

use crate::store::StoreError;

/// Why a token is not accepted. The words go to the caller, who may be anybody: they tell nothing about users.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No token was sent.
    #[error("a token is required; send it as Authorization: Bearer TOKEN")]
    Missing,
    /// Over the limit.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not a JWT, or claims are missing, twice there, or of a wrong type.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than the configured one.
    #[error("the token is not signed with the algorithm that this daemon uses")]
    WrongAlgorithm,
    /// `crit` in the header (RFC 7515 section 4.1.11: what is critical and not understood is refused).
    #[error("the token's header has critical extensions, which this daemon does not know")]
    CriticalHeader,
    /// Signed by somebody else, or changed.
    #[error("the token's signature is not valid")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `exp` is more than ten years ahead; often milliseconds where seconds belong.
    #[error("the token's exp is more than ten years ahead; it counts seconds")]
    LivesTooLong,
    /// `iat` is ahead of the clock.
    #[error("the token's iat lies in the future")]
    FromTheFuture,
    /// `iss` is not the configured one.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` is not the configured one.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The user is not in the store, or disabled; the caller is not told which.
    #[error("the token's user is not known or not enabled here")]
    UnknownUser,
    /// Revoked.
    #[error("the token was revoked")]
    Revoked,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
