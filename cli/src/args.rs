//! The shape of the command line, and nothing else.

mod client;
mod deltas;
mod files;
mod identity;
mod launch;
mod releases;
mod simulate;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::units::parse_duration;

pub(crate) use client::{CheckArgs, ClientCommand, DownloadArgs, Pinned, UpdateArgs};
pub(crate) use deltas::{DeltaApplyArgs, DeltaCommand, DeltaCreateArgs, DeltaFormat};
pub(crate) use files::{
    CheckingArgs, ChecksumCommand, ChecksumCreateArgs, ChecksumVerifyArgs, InspectArgs, PackageArgs,
};
pub(crate) use identity::{TokenCommand, TokenCreateArgs, UserCommand};
pub(crate) use launch::{InstallArgs, RollbackArgs, RunArgs, StatusArgs};
pub(crate) use releases::{DeltaFrom, PublishArgs, VersionsCommand, WatchArgs};
pub(crate) use simulate::{SimulateArgs, Until};

const EXAMPLES: &str = "\
Examples:
  relctl publish app-2.1.0.jar --notes-file CHANGES.md
  relctl watch 2.1.0 --until 95% --fail-over 2% --timeout 30m
  relctl versions rollback --channel stable --to 2.0.5
  relctl client update --app-dir ~/app --client-id desktop-7f3a --channel stable
  relctl client run --app-dir ~/app -- -Xmx256m

Environment:
  RELCTL_URL         the daemon; http://127.0.0.1:8081 when absent
  RELCTL_TOKEN       the token itself (there is no flag: others could read it in the process list)
  RELCTL_TOKEN_FILE  a file that holds the token; --token-file wins over both
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY   as elsewhere; never used for this machine

Exit codes:
  0 done   1 error   2 usage   3 check failed   4 not allowed   5 not found   6 conflict
  7 rate limited   8 network   9 rollout failed   10 timeout   12 configuration
  100 update available (client check --exit-code)   130 Ctrl-C   143 SIGTERM
  client run ends with the exit code of its application";

/// Publish releases of a desktop application, and watch them arrive
#[derive(Debug, Parser)]
#[command(name = "relctl", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The daemon's address [default: http://127.0.0.1:8081]
    #[arg(
        long,
        global = true,
        env = "RELCTL_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) url: Option<String>,
    /// A file that holds the token, or - for stdin; without it RELCTL_TOKEN or RELCTL_TOKEN_FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A PEM file with authorities to trust for TLS, besides those of this machine
    #[arg(
        long,
        global = true,
        env = "RELCTL_CA_CERT",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Print one JSON document, or one JSON line per event
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress and no remarks
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Give up after this long, such as 30s, 15m or 1h (exit code 10)
    #[arg(long, global = true, env = "RELCTL_TIMEOUT", hide_env_values = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Package(PackageArgs),
    Inspect(InspectArgs),
    /// Write and verify SHA-256 sums, as sha256sum does
    #[command(subcommand)]
    Checksum(ChecksumCommand),
    /// Make, apply and inspect deltas between two files
    #[command(subcommand)]
    Delta(DeltaCommand),
    Publish(PublishArgs),
    /// List, show and change releases
    #[command(subcommand, visible_alias = "version")]
    Versions(VersionsCommand),
    Watch(WatchArgs),
    Simulate(SimulateArgs),
    /// Be a desktop client: run, update, install, roll back
    #[command(subcommand)]
    Client(ClientCommand),
    /// Add, list and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list and revoke tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Show whose token this is
    Whoami,
}

#[cfg(test)]
mod tests;
