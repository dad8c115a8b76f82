//! How a daemon is, for whoever wants to know why something does not work.

use std::time::{Duration, Instant, SystemTime};

use http::header::DATE;
use protocol::api::Health;
use reqwest::Method;

use super::Daemon;
use crate::Error;

/// What a daemon said of itself.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Whether it is well, and its version.
    pub health: Health,
    /// What its clock showed, to the second; a proxy may leave it away.
    pub clock: Option<SystemTime>,
    /// How long the answer took, the connection included.
    pub took: Duration,
}

impl Daemon {
    /// Asks the daemon how it is. It needs no token for that.
    ///
    /// # Errors
    /// The daemon cannot be reached, is stopping, or is none.
    pub async fn probe(&self) -> Result<Probe, Error> {
        let began = Instant::now();
        let response = self.send(self.request(Method::GET, "/readyz")).await?;
        let date = response.headers().get(DATE);
        let clock = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let (_, health) = self.read(response).await?;
        Ok(Probe {
            health,
            clock,
            took: began.elapsed(),
        })
    }
}
