//! Commands about this machine: what is configured, and whose tokens are stored.

use clap::{Args, Subcommand};

/// Store a token for the daemon, where only you can read it
///
/// The token is read from standard input, or asked for on a terminal; it is tried before it is stored. Every command
/// that talks to this daemon then uses it, unless it is given another one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl login --url https://releases.example.com
  relctl login < admin.token
  relctl login --token-file relctl-data/admin.token")]
pub(crate) struct LoginArgs {
    /// Store it without trying it
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Show(ConfigShowArgs),
    /// Print what counts for one setting; exit code 5 when nothing does
    Get {
        /// The setting, such as url or publish.delta-from
        key: String,
    },
    /// Show which files are read
    Path,
}

/// Show what counts: flags, then variables, then files, then defaults
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl config show --origin
  relctl config show --profile prod --json")]
pub(crate) struct ConfigShowArgs {
    /// Say of each who said so
    #[arg(long)]
    pub(crate) origin: bool,
    /// Also what nobody has set
    #[arg(long)]
    pub(crate) all: bool,
}
