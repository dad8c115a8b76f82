//! Asking the launcher that runs in a folder.

use std::time::Duration;

use client::AppFolder;
use client::install::Request;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// A launcher looks twice a second.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks, and waits until the launcher has taken the request.
pub(super) async fn ask(app: &AppFolder, request: &Request) -> Result<(), Failure> {
    app.ask(request)?;
    let deadline = Instant::now() + PATIENCE;
    while app.is_asked() {
        if Instant::now() >= deadline {
            app.take_request()?;
            return Err(Failure::from(app.busy()));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}
