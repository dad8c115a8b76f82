//! The shape of the command line, and nothing else.

mod client;
mod deltas;
mod files;
mod identity;
mod launch;
mod publish;
mod releases;
mod scripts;
mod setup;
mod simulate;
mod variables;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use ::client::Token;
use clap::{Args, Parser, Subcommand};

use crate::output::Color;
use crate::units::parse_duration;

pub(crate) use client::{CheckArgs, ClientCommand, DownloadArgs, Followed, Pinned, UpdateArgs};
pub(crate) use deltas::{DeltaApplyArgs, DeltaCommand, DeltaCreateArgs, DeltaFormat};
pub(crate) use files::{
    CheckingArgs, ChecksumCommand, ChecksumCreateArgs, ChecksumVerifyArgs, InspectArgs, PackageArgs,
};
pub(crate) use identity::{TokenCommand, TokenCreateArgs, UserCommand};
pub(crate) use launch::{InstallArgs, RollbackArgs, RunArgs, StatusArgs};
pub(crate) use publish::{DeltaFrom, PublishArgs};
pub(crate) use releases::VersionsCommand;
pub(crate) use scripts::{CompletionsArgs, HelpArgs, ManArgs, SchemaArgs};
pub(crate) use setup::{ConfigCommand, ConfigShowArgs, LoginArgs};
pub(crate) use simulate::{SimulateArgs, Until};
pub(crate) use variables::{command, short_variable, without_empty_variables};
pub(crate) use watch::{Target, ViewName, WatchArgs};

const EXAMPLES: &str = "\
Examples:
  relctl publish app-2.1.0.jar --notes-file CHANGES.md
  relctl watch 2.1.0 --until 95% --fail-over 2% --timeout 30m
  relctl versions rollback --channel stable --to 2.0.5
  relctl client update --app-dir ~/app --client-id desktop-7f3a --channel stable
  relctl client run --app-dir ~/app -- -Xmx256m

Environment:
  RELCTL_TOKEN       the token itself (there is no flag: others could read it in the process list)
  RELCTL_TOKEN_FILE  a file that holds the token; --token-file wins over both

Exit codes:
  0 done   1 error   2 usage   3 check failed   4 not allowed   5 not found   6 conflict
  7 rate limited   8 network   9 rollout failed   10 timeout   11 incompatible
  12 configuration   100 update available (client check --exit-code)   101 bug
  130 Ctrl-C   143 SIGTERM

More:  relctl help COMMAND, exit-codes, environment, json";

/// Publish releases of a desktop application, and watch them arrive
#[derive(Debug, Parser)]
#[command(
    name = "relctl",
    version,
    max_term_width = 100,
    after_help = EXAMPLES,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
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
    /// A file that holds the token, or - for stdin; without it RELCTL_TOKEN, then RELCTL_TOKEN_FILE, then
    /// what `relctl login` stored
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The token file that a file of configuration names: weaker than the variables, and so kept apart.
    #[arg(skip)]
    pub(crate) configured_token_file: Option<PathBuf>,
    /// What `--token-file -` read.
    #[arg(skip)]
    pub(crate) token: Option<Token>,
    /// A PEM file with authorities to trust for TLS, besides those of this machine
    #[arg(
        long,
        global = true,
        env = "RELCTL_CA_CERT",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) ca_cert: Option<PathBuf>,
    /// A file of settings in place of the nearest relctl.toml, or none
    #[arg(long, global = true, env = "RELCTL_CONFIG", value_name = "FILE|none")]
    pub(crate) config: Option<PathBuf>,
    /// Which [profiles.NAME] of the settings counts
    #[arg(long, global = true, env = "RELCTL_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print one JSON document, or one JSON line per event
    #[arg(long, global = true, env = "RELCTL_JSON")]
    pub(crate) json: bool,
    /// Print no progress and no remarks
    #[arg(long, short, global = true, env = "RELCTL_QUIET")]
    pub(crate) quiet: bool,
    /// When to use colours; NO_COLOR, CLICOLOR_FORCE and CLICOLOR count as elsewhere
    #[arg(
        long,
        global = true,
        env = "RELCTL_COLOR",
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub(crate) color: Color,
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
    Login(LoginArgs),
    /// Forget the token that is stored for the daemon
    Logout,
    /// Show whose token this is
    Whoami,
    /// Show what is configured, and where
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the way to the daemon, and say how to mend it
    Doctor,
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    Help(HelpArgs),
}

#[cfg(test)]
mod tests;
