//! Commands that do what an installed application does.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use protocol::{Channel, ClientId, Version};

use super::{InstallArgs, RollbackArgs, RunArgs, SimulateArgs, StatusArgs};
use crate::units::parse_interval;

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Ask what to install next
    Check(CheckArgs),
    /// Download a release, verified and resumable
    Download(DownloadArgs),
    Update(UpdateArgs),
    Run(RunArgs),
    Install(InstallArgs),
    Rollback(RollbackArgs),
    Status(StatusArgs),
    Simulate(SimulateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl client check --current-version 2.0.0 --channel stable
  relctl client check --app-dir ~/app --exit-code   # 100 when there is an update")]
pub(crate) struct CheckArgs {
    /// What runs now
    #[arg(long, value_name = "V", required_unless_present = "app_dir")]
    pub(crate) current_version: Option<Version>,
    /// The application's folder, which knows what runs now
    #[arg(long, value_name = "DIR", conflicts_with = "current_version")]
    pub(crate) app_dir: Option<PathBuf>,
    /// What to follow
    #[arg(
        long,
        short,
        env = "RELCTL_CHANNEL",
        hide_env_values = true,
        value_name = "C",
        default_value = "stable"
    )]
    pub(crate) channel: Channel,
    /// Who asks; without it only releases for everybody count
    #[arg(
        long,
        env = "RELCTL_CLIENT_ID",
        hide_env_values = true,
        value_name = "ID"
    )]
    pub(crate) client_id: Option<ClientId>,
    /// End with exit code 100 when there is an update
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// The version
    #[arg(value_name = "V")]
    pub(crate) version: Version,
    /// Where the file goes [default: the name that it was published with]
    #[arg(long, short, value_name = "FILE|DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Who downloads, for those who watch
    #[arg(
        long,
        env = "RELCTL_CLIENT_ID",
        hide_env_values = true,
        value_name = "ID"
    )]
    pub(crate) client_id: Option<ClientId>,
    #[command(flatten)]
    pub(crate) pinned: Pinned,
}

/// Who follows what.
#[derive(Debug, Args)]
pub(crate) struct Followed {
    /// Who this installation is [default: made once and kept in the folder]
    #[arg(
        long,
        env = "RELCTL_CLIENT_ID",
        hide_env_values = true,
        value_name = "ID"
    )]
    pub(crate) client_id: Option<ClientId>,
    /// What to follow
    #[arg(
        long,
        short,
        env = "RELCTL_CHANNEL",
        hide_env_values = true,
        value_name = "C",
        default_value = "stable"
    )]
    pub(crate) channel: Channel,
}

/// Whose releases are taken.
#[derive(Debug, Args)]
pub(crate) struct Pinned {
    /// Take only what this Ed25519 key signed: a file, or the key itself in base64
    #[arg(
        long,
        env = "RELCTL_PUBLIC_KEY",
        hide_env_values = true,
        value_name = "FILE|BASE64"
    )]
    pub(crate) public_key: Option<String>,
}

/// Keep an application up to date
///
/// The reference desktop client: hears of releases, takes the delta where there
/// is one, rebuilds the file, verifies its SHA-256, switches the application to
/// it and reports how it went. Without --once it follows for ever.
///
///   DIR/current.json            which version runs
///   DIR/versions/V/app.jar      the versions, side by side
///   DIR/staging/                what is on its way
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  relctl client update --app-dir ~/app --client-id desktop-7f3a --channel stable
  relctl client update --app-dir ~/app --once
  relctl client update --app-dir ~/app --poll 10m --public-key publisher.pub"
)]
pub(crate) struct UpdateArgs {
    /// The application's folder; made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) app_dir: PathBuf,
    #[command(flatten)]
    pub(crate) followed: Followed,
    /// End after one update, or when there is none
    #[arg(long)]
    pub(crate) once: bool,
    /// Open no live session; ask this often
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "15m", value_parser = parse_interval)]
    pub(crate) poll: Option<Duration>,
    #[command(flatten)]
    pub(crate) pinned: Pinned,
}
