//! The command that publishes a release.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};
use protocol::{Channel, Platform, Version};

use super::watch::Target;
use crate::units::{parse_duration, parse_percent};

/// Upload a release with its deltas, then announce it
///
/// Checks the JAR, makes deltas from what the fleet runs, uploads everything unannounced, and announces it last. Safe to run again at any point: it goes on where it stopped, in the
/// middle of a file too, and what is already published with the same bytes is a success that uploads nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl publish app-2.1.0.jar
  relctl publish app-2.1.0.jar --channel beta --notes-file CHANGES.md --rollout 10%
  relctl publish app-2.1.0.jar --signing-key publisher.pem
  relctl publish app-2.1.0.jar --dry-run
  relctl publish app-2.1.0.jar --rollout 10% --wait 95% --fail-over 2% --wait-timeout 30m
  git log -1 --format=%B | relctl publish app-2.1.0.jar --notes-file -")]
pub(crate) struct PublishArgs {
    /// The JAR
    #[arg(value_name = "FILE.jar")]
    pub(crate) file: PathBuf,
    /// The version; without it the one that the JAR names
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<Version>,
    /// Where to publish
    #[arg(
        long,
        short,
        env = "RELCTL_CHANNEL",
        hide_env_values = true,
        value_name = "C",
        default_value = "stable"
    )]
    pub(crate) channel: Channel,
    /// Notes for users
    #[arg(long, short = 'm', value_name = "TEXT", conflicts_with = "notes_file")]
    pub(crate) notes: Option<String>,
    /// A file with notes for users; - reads standard input
    #[arg(long, short = 'F', value_name = "FILE|-")]
    pub(crate) notes_file: Option<PathBuf>,
    /// Clients must take it
    #[arg(long)]
    pub(crate) mandatory: bool,
    /// Clients below this version cannot take it directly
    #[arg(long, value_name = "V")]
    pub(crate) minimum_client_version: Option<Version>,
    /// The share of clients that are offered it, such as 10%
    #[arg(long, value_name = "PERCENT", default_value = "100", value_parser = parse_percent)]
    pub(crate) rollout: u8,
    /// From which versions to make deltas, beside the compressed file: what the fleet runs most, at most five, or else
    /// the last three of the channel; these; or none of all that
    #[arg(long, value_name = "auto|none|V1,V2", default_value = "auto")]
    pub(crate) delta_from: DeltaFrom,
    /// Upload it, and leave it unannounced
    #[arg(long)]
    pub(crate) draft: bool,
    /// Allow a version below the newest of the channel: a maintenance release
    #[arg(long)]
    pub(crate) allow_older: bool,
    /// Sign it with this Ed25519 key, a PEM file
    #[arg(
        long,
        env = "RELCTL_SIGNING_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub(crate) signing_key: Option<PathBuf>,
    /// The signature, in base64, where the key is elsewhere
    #[arg(long, value_name = "BASE64", conflicts_with = "signing_key")]
    pub(crate) signature: Option<String>,
    /// Show what would be uploaded, which deltas at which sizes, and whom it reaches; change nothing
    #[arg(long, short = 'n', conflicts_with_all = ["wait", "fail_over"])]
    pub(crate) dry_run: bool,
    /// How often to try again what fails for a reason that passes, such as a broken connection
    #[arg(
        long,
        env = "RELCTL_RETRIES",
        hide_env_values = true,
        value_name = "N",
        default_value = "5"
    )]
    pub(crate) retries: u32,
    /// Then watch, until this share of the clients runs it, or this many do (see relctl watch --until)
    #[arg(long, value_name = "X%|done|N", conflicts_with = "draft")]
    pub(crate) wait: Option<Target>,
    /// Then watch, and end with exit code 9 when more than this share of the clients failed
    #[arg(long, value_name = "X%", value_parser = parse_percent, requires = "wait")]
    pub(crate) fail_over: Option<u8>,
    /// Watch for at most this long (exit code 10)
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30m")]
    pub(crate) wait_timeout: Duration,
    /// Only for this platform; may be given several times
    #[arg(long = "platform", value_name = "NAME", action = ArgAction::Append)]
    pub(crate) platforms: Vec<Platform>,
}

/// `--delta-from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeltaFrom {
    Auto,
    None,
    Versions(Vec<Version>),
}

impl FromStr for DeltaFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => return Ok(Self::Auto),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let mut versions: Vec<Version> = Vec::new();
        for part in text.split(',') {
            let version = part
                .trim()
                .parse()
                .map_err(|error| format!("expected auto, none, or versions: {error}"))?;
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        Ok(Self::Versions(versions))
    }
}
