//! What callers can do, one function for each: allow, limit, do, announce.
//!
//! HTTP and live sessions both come here, so the checks cannot differ by transport. The functions are synchronous
//! where they work and run on the blocking pool ([`crate::app::App::blocking`]).

pub mod check;
pub mod deltas;
pub mod lifecycle;
pub mod publish;
pub mod reports;
pub mod statistics;
pub mod uploads;
pub mod users;
mod views;

use protocol::api::Role;

use crate::auth::Caller;
use crate::error::ApiError;

/// Lets only callers through who have at least this role.
///
/// # Errors
/// `FORBIDDEN`.
pub fn require(caller: &Caller, role: Role) -> Result<(), ApiError> {
    if caller.role >= role {
        return Ok(());
    }
    let needed = role.as_str();
    let has = caller.role.as_str();
    Err(ApiError::forbidden(format!(
        "this needs the role {needed}; {} has {has}",
        caller.username
    )))
}
