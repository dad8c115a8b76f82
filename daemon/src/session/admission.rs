//! Whether a connection is within its limits, and who hears of it when it is not.

use std::net::IpAddr;

use protocol::Timestamp;
use protocol::error::RateLimitDetails;
use tokio::time::Instant;

use super::Visitor;
use crate::app::App;
use crate::limit::rate_limited;

/// Counts a connection from an address, before it is made.
///
/// # Errors
/// The address came so often that it is refused outright.
pub fn admit_address(
    app: &App,
    visitor: &Visitor,
    address: IpAddr,
) -> Result<(), RateLimitDetails> {
    let admission = app.limits.take_address(address, Instant::now().into_std());
    admission.inspect_err(|details| tell_watchers(app, visitor, details))
}

/// Counts a connection of a client.
pub(super) fn admit_client(app: &App, visitor: &Visitor) -> Result<(), RateLimitDetails> {
    let admission = app
        .limits
        .take_connection(&visitor.limit_key, Instant::now().into_std());
    admission.inspect_err(|details| tell_watchers(app, visitor, details))
}

fn tell_watchers(app: &App, visitor: &Visitor, details: &RateLimitDetails) {
    // Only of the first one in a window: who hammers on must not push everything else out of their log.
    if details.current_count > details.max_allowed + 1 {
        return;
    }
    let message = rate_limited(&visitor.limit_key, details, Timestamp::now());
    app.hub.rate_limited(visitor.client_id.as_ref(), message);
}
