//! The launcher of an installed application: starts it, keeps it up to date while it runs, and takes back what does not work.
//!
//! The application comes first. It is started before a word is said to any daemon, from a file whose SHA-256 is right,
//! and nothing that fails about an update keeps it from starting. A new version is on probation until it has confirmed,
//! by touching the file that `RELCTL_CONFIRM_FILE` names, by a report to the daemon, or by staying up. Where it crashes
//! instead, the previous version comes back.
//!
//! [`supervisor`] decides, `desk` writes, `keeper` talks to the daemon, and `launcher` joins them to a process.

mod desk;
pub mod ending;
pub mod fetch;
mod first;
mod happening;
mod keeper;
mod launcher;
mod process;
pub mod supervisor;
mod talker;

use std::time::Duration;

use crate::{AppFolder, Error, Updater};
use desk::Desk;
use ending::Ending;
use launcher::Launcher;
use process::Signals;
use supervisor::Rules;

pub use happening::{Happening, Tell};
pub use process::Java;

/// What is to be launched, and how.
#[derive(Debug)]
pub struct Plan {
    /// The application's folder, by an absolute path: the application may work elsewhere.
    pub app: AppFolder,
    /// How the application is started.
    pub java: Java,
    /// How patient to be with it.
    pub rules: Rules,
    /// What keeps it up to date; without one it is only started.
    pub updater: Option<Updater>,
    /// How long a first installation may take.
    pub first_timeout: Option<Duration>,
}

/// Starts the application and stays with it until it ends. Gives back its exit code.
///
/// # Errors
/// There is nothing to start, or `java` cannot be started.
pub async fn launch(plan: Plan, tell: Tell<'_>) -> Result<u8, Error> {
    let mut signals = Signals::listen()?;
    let Plan {
        app,
        java,
        rules,
        updater,
        first_timeout,
    } = plan;
    let desk = Desk::open(app, rules.max_crashes, tell);
    let current = match desk.next_version(None, tell) {
        Some(current) => current,
        None => {
            let installing = first::install(&desk, updater.as_ref(), first_timeout, tell);
            tokio::select! {
                current = installing => current?,
                signal = signals.next() => return Ok(Ending::from(signal).exit_code()),
            }
        }
    };
    if desk.is_keeper()
        && current
            .probation
            .is_some_and(|probation| probation.starts == 0)
    {
        // It was switched to just now, and nothing is on its way to the next one yet.
        desk.app.clear_staging();
    }
    let client_id = match &updater {
        Some(updater) => Some(updater.client_id.clone()),
        None => desk.app.client_id().ok(),
    };
    let launcher = Launcher::new(java, rules, client_id, desk, current);
    launcher.run(updater, signals, tell).await
}
