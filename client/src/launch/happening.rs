//! What a launcher tells of what it does.

use std::time::Duration;

use protocol::Version;
use protocol::message::CompatibilityIssue;

use crate::Error;
use crate::install::HeldBack;
use crate::state::State;

/// What happens, for a line on a screen.
#[derive(Debug)]
pub enum Happening {
    /// The application was started.
    Started {
        /// Which version.
        version: Version,
        /// Whether it is on probation.
        is_on_probation: bool,
    },
    /// A new version failed, and is started once more.
    Crashed {
        /// Which version.
        version: Version,
        /// What was wrong.
        what: String,
    },
    /// Nothing can be started before something was fetched.
    FirstInstallation,
    /// The application is stopped, to be started again with another version.
    Restarting,
    /// An update goes on, up to its confirmation or the way back from it.
    Update(State),
    /// Nothing to install.
    UpToDate,
    /// What is offered did not work here.
    HeldBack(HeldBack),
    /// The session stands.
    Connected,
    /// It broke, or could not be made; it comes back by itself.
    Waiting {
        /// Why.
        reason: String,
        /// How long until the next try.
        wait: Duration,
    },
    /// An update could not be made or asked for; it is tried again after `wait`.
    Failed {
        /// Why.
        error: Error,
        /// How long until the next try.
        wait: Duration,
    },
    /// The daemon has something newer that cannot be installed from here.
    Blocked(CompatibilityIssue),
    /// The daemon does not want this client; the application runs on without updates.
    Refused(Error),
    /// The application is started without updates.
    NotUpdating(Error),
    /// The file of a version is not what it was.
    Damaged(Version),
    /// Something could not be noted or done; the application runs all the same.
    Trouble(Error),
}

/// Where a launcher tells what happens.
pub type Tell<'a> = &'a mut (dyn FnMut(Happening) + Send);
