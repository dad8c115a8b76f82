//! Commands that look at releases and change them.

use clap::{Args, Subcommand, ValueEnum};
use protocol::api::ReleaseState;
use protocol::{Channel, Version};

use crate::units::parse_percent;

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
