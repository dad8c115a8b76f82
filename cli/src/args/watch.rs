//! The command that follows the fleet.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use protocol::{Channel, ClientId, Version};

use crate::units::{parse_duration, parse_percent};

/// Watch clients take a release
///
/// A live table on a terminal, plain lines with a summary every ten seconds elsewhere, one JSON line per event with
/// --json; the last line is a summary. With --until or --fail-over the fleet becomes an exit code.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl watch
  relctl watch 2.1.0 --until 95% --fail-over 2% --min-sample 20 --timeout 30m
  relctl watch 2.1.0 --until done
  relctl watch 2.1.0 --json | jq -c 'select(.type == \"INSTALLATION_COMPLETED\")'

A client counts as done when it runs the version; the share is that of the clients that were seen
and that the version is meant for. Without a version the newest release that is offered counts.

Keys in the table:
  f failed only   a all, also the finished   s sort   up, down, PgUp, PgDn, Home, End   q quit

Exit codes: 0 reached, 9 too many failed or the version was withdrawn, 10 --timeout, 8 the daemon
stayed away, 130 Ctrl-C, or q before the target was reached")]
pub(crate) struct WatchArgs {
    /// Only this version
    #[arg(value_name = "V")]
    pub(crate) version: Option<Version>,
    /// Only this channel
    #[arg(long, short, value_name = "C")]
    pub(crate) channel: Option<Channel>,
    /// Only this client
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<ClientId>,
    /// End with success when this share of the clients runs the version, or this many of them do; `done` waits until
    /// each one runs it or failed, and allows no failure unless --fail-over does
    #[arg(long, value_name = "X%|done|N")]
    pub(crate) until: Option<Target>,
    /// End with exit code 9 when more than this share of the clients failed
    #[arg(long, value_name = "X%", value_parser = parse_percent)]
    pub(crate) fail_over: Option<u8>,
    /// Judge shares only once this many clients run the version or failed
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) min_sample: NonZeroU64,
    /// End with exit code 8 when the daemon stays away this long [default: 10m with --until or --fail-over, else never]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) give_up_after: Option<Duration>,
    /// Begin behind this position in the events
    #[arg(long, value_name = "SEQ")]
    pub(crate) since: Option<u64>,
    /// How to show it; `auto` is the table on a terminal
    #[arg(long, value_enum, default_value_t = ViewName::Auto)]
    pub(crate) view: ViewName,
}

/// `--view`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewName {
    Auto,
    Table,
    Plain,
}

/// `--until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// This share of the clients runs the version.
    Share(u8),
    /// Every client runs the version or failed to.
    Done,
    /// So many clients run it.
    Clients(NonZeroU64),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "done" {
            return Ok(Self::Done);
        }
        if text.ends_with('%') {
            return parse_percent(text).map(Self::Share);
        }
        text.parse()
            .map(Self::Clients)
            .map_err(|_| "expected a share such as 95%, done, or a number of clients".into())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::Done => f.write_str("done"),
            Self::Clients(number) => write!(f, "{number}"),
        }
    }
}
