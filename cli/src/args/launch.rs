//! Commands of an installed application that is started by relctl.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use protocol::Version;

use super::{Followed, Pinned};
use crate::units::parse_duration;

/// Start an application, and keep it up to date while it runs
///
/// The launcher: starts the current version at once, whether a daemon can be
/// reached or not, and passes on its streams, signals and exit code. Updates
/// are fetched and verified meanwhile, and run from the next start on; a
/// mandatory one stops the application and starts it again.
///
/// A new version is on probation until it confirms: by touching the file that
/// RELCTL_CONFIRM_FILE names, by a report of success to the daemon, or by
/// staying up for --probation. If it crashes instead, --max-crashes times, the
/// previous version comes back, the bad one is held back, and the daemon is
/// told why. Closing the application (exit code 0, SIGTERM) decides nothing.
///
/// What stands after -- goes to java before `-jar app.jar`, what stands after
/// a second -- to the application. {jar} stands for the JAR where -jar does
/// not do. Nothing of it may be needed by one version only.
///
/// The application finds RELCTL_CONFIRM_FILE, RELCTL_VERSION, RELCTL_APP_DIR,
/// RELCTL_CLIENT_ID and, where there is one, RELCTL_PREVIOUS_VERSION.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  relctl client run --app-dir ~/app
  relctl client run --app-dir ~/app --require-confirmation -- -Xmx256m -- --open notes.txt
  relctl client run --app-dir ~/app --java jre/bin/java -- -cp '{jar}:lib/*' app.Main

The exit code is the application's; 12 when java cannot be started, 8 when there is nothing to start
and no daemon. With --json, one JSON line for each event on standard error: standard output is the
application's. --timeout bounds a first installation, and nothing else."
)]
pub(crate) struct RunArgs {
    /// The application's folder; made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) app_dir: PathBuf,
    #[command(flatten)]
    pub(crate) followed: Followed,
    #[command(flatten)]
    pub(crate) pinned: Pinned,
    /// The program to start [default: java of JAVA_HOME, else of the path]
    #[arg(long, value_name = "PATH")]
    pub(crate) java: Option<PathBuf>,
    /// How long a new version has to stay up, or has time to confirm
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub(crate) probation: Duration,
    /// Only the application's own word confirms a new version, not that it stays up
    #[arg(long)]
    pub(crate) require_confirmation: bool,
    /// Failed starts of a new version after which the previous one comes back
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) max_crashes: u32,
    /// How long an application that is to be started again has to stop before it is killed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) grace: Duration,
    /// Options of java, and behind a second -- arguments of the application
    #[arg(last = true, value_name = "JAVA-ARGS")]
    pub(crate) java_args: Vec<OsString>,
}

/// Install what is staged, or a version, and hold to the rules of probation
///
/// Without V: what waits for the next start, else what the daemon offers. With
/// V: that version, newer or older; an older one stays until a newer one is
/// fetched, unless `relctl client rollback --to V` chose it. It runs from the
/// next start on. A launcher that runs in the folder (relctl client run) is
/// asked to do it, and starts the application again at once.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  relctl client install --app-dir ~/app           # now rather than at the next start
  relctl client install 2.1.0 --app-dir ~/app --force   # though it was held back"
)]
pub(crate) struct InstallArgs {
    /// The version [default: what is staged, else what is offered]
    #[arg(value_name = "V")]
    pub(crate) version: Option<Version>,
    /// The application's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) app_dir: PathBuf,
    #[command(flatten)]
    pub(crate) followed: Followed,
    #[command(flatten)]
    pub(crate) pinned: Pinned,
    /// Also a version that is held back here
    #[arg(long, requires = "version")]
    pub(crate) force: bool,
}

/// Go back to the previous version, and hold the one that is left back
///
/// The version that is left is not installed again by itself; a newer one is.
/// With --to, another version than the previous one is fetched first. A
/// launcher that runs in the folder is asked to do it, and starts the
/// application again at once.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  relctl client rollback --app-dir ~/app
  relctl client rollback --app-dir ~/app --to 2.0.3"
)]
pub(crate) struct RollbackArgs {
    /// The application's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) app_dir: PathBuf,
    /// What to go to [default: the previous version]
    #[arg(long, value_name = "V")]
    pub(crate) to: Option<Version>,
    #[command(flatten)]
    pub(crate) pinned: Pinned,
}

/// Show what is installed, staged, on probation and held back
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl client status --app-dir ~/app
  relctl client status --app-dir ~/app --json")]
pub(crate) struct StatusArgs {
    /// The application's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) app_dir: PathBuf,
}
