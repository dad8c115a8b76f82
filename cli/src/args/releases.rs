//! Commands for publishers.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use protocol::api::ReleaseState;
use protocol::{Channel, Platform, Version};

use crate::units::parse_percent;

/// Upload a release with its deltas, then announce it
///
/// Checks the JAR, makes deltas from what the fleet runs, uploads everything unannounced, and announces it last. Safe to run again at any point: it goes on where it stopped, and what is already published
/// with the same bytes is a success that uploads nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl publish app-2.1.0.jar
  relctl publish app-2.1.0.jar --channel beta --notes-file CHANGES.md --rollout 10%
  relctl publish app-2.1.0.jar --signing-key publisher.pem
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

#[derive(Debug, Subcommand)]
pub(crate) enum VersionsCommand {
    /// List releases, newest first
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Show one release
    Show {
        /// The version
        version: Version,
    },
    /// Offer a release to clients; announces a draft
    Enable {
        /// The version
        version: Version,
    },
    /// Stop offering a release; clients that have it keep it
    Disable {
        /// The version
        version: Version,
    },
    /// Change the share of clients that are offered a release
    Rollout {
        /// The version
        version: Version,
        /// The share, such as 50%
        #[arg(value_parser = parse_percent)]
        percent: u8,
    },
    /// Take a channel back to an older release; the newer ones are recalled
    Rollback {
        /// The channel
        #[arg(long, short)]
        channel: Channel,
        /// The version to go back to
        #[arg(long, value_name = "V")]
        to: Version,
    },
    /// Show who changed what in a release
    History {
        /// The version
        version: Version,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only of this channel
    #[arg(long, short)]
    pub(crate) channel: Option<Channel>,
    /// Only in this state
    #[arg(long, value_enum)]
    pub(crate) state: Option<StateName>,
    /// Which page, from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) page: u32,
    /// How many on a page, 1 to 100
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) size: u32,
}

/// A state in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateName {
    Draft,
    Active,
    Inactive,
    Recalled,
}

impl From<StateName> for ReleaseState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Draft => Self::Draft,
            StateName::Active => Self::Active,
            StateName::Inactive => Self::Inactive,
            StateName::Recalled => Self::Recalled,
        }
    }
}
