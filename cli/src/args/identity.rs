//! Commands for administrators.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use protocol::api::Role;
use protocol::{TokenId, Username};

use crate::units::parse_duration;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum RoleName {
    /// Check, download, report
    User,
    /// All but users and tokens
    Publisher,
    /// Everything
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::User => Self::User,
            RoleName::Publisher => Self::Publisher,
            RoleName::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user
    Add {
        /// The name
        name: Username,
        /// What the user may do
        #[arg(long, value_enum, ignore_case = true)]
        role: RoleName,
    },
    /// List users
    #[command(visible_alias = "ls")]
    List,
    /// Refuse a user's tokens, and end its sessions
    Disable {
        /// The name
        name: Username,
    },
    /// Take a user's tokens again
    Enable {
        /// The name
        name: Username,
    },
    /// Change what a user may do
    SetRole {
        /// The name
        name: Username,
        /// What the user may do
        #[arg(long, value_enum, ignore_case = true)]
        role: RoleName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, alone, on standard output
    Create(TokenCreateArgs),
    /// List tokens; the tokens themselves are kept nowhere
    #[command(visible_alias = "ls")]
    List,
    /// End a token and the sessions that were opened with it
    Revoke {
        /// The token's id, from `token list`
        id: TokenId,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  export RELCTL_TOKEN=$(relctl token create --user ci --ttl 1h)")]
pub(crate) struct TokenCreateArgs {
    /// Whose token it is
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Username,
    /// How long it counts, such as 1h or 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    pub(crate) ttl: Duration,
}
