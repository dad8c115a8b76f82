//! The command that plays a fleet.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use client::simulate::Scenario;
use protocol::{Architecture, Channel, Platform, Version};

use crate::units::{parse_duration, parse_rate};

/// How many clients one process plays at most: more connections than this leave no port free on one address.
const CLIENTS_MAX: i64 = 25_000;

/// Play a fleet of clients, for demos and tests
///
/// Real sessions, made-up installations: each client connects, hears of releases, and reports a download and an
/// installation as the scenario wants it. The same seed gives the same clients, paces and failures.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl simulate --clients 200
  relctl simulate --clients 200 --scenario fail:5% --until updated
  relctl simulate --clients 50 --scenario slow --download --until 10m

Scenarios:
  happy      every client installs what it is offered, in about two seconds
  slow       the same, ten times as slowly
  flaky      connections break on the way and come back
  fail:P%    this share of the clients reports a failed installation

A daemon lets one address connect 50 times a minute, unless limits.connections-per-minute says
otherwise; clients that it turns away come back when they may.")]
pub(crate) struct SimulateArgs {
    /// How many clients
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    pub(crate) clients: u32,
    /// What they follow
    #[arg(
        long,
        short,
        env = "RELCTL_CHANNEL",
        hide_env_values = true,
        value_name = "C",
        default_value = "stable"
    )]
    pub(crate) channel: Channel,
    /// How their updates go
    #[arg(long, value_name = "happy|slow|flaky|fail:P%", default_value = "happy")]
    pub(crate) scenario: Scenario,
    /// What they run at first [default: the release before the newest of the channel, or 0.0.0]
    #[arg(long, value_name = "V")]
    pub(crate) current: Option<Version>,
    /// End when every client has installed a release or failed to, or after this long; without it Ctrl-C ends it
    #[arg(long, value_name = "updated|TIME")]
    pub(crate) until: Option<Until>,
    /// How many clients connect in a second
    #[arg(long, value_name = "N/s", default_value = "50/s", value_parser = parse_rate)]
    pub(crate) rate: NonZeroU32,
    /// Where chance begins; it is part of the client ids, sim-SEED-N
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Fetch the bytes, too, and drop them
    #[arg(long)]
    pub(crate) download: bool,
    /// What they run on [default: this machine's]
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<Platform>,
    /// Their processor [default: this machine's]
    #[arg(long, value_name = "NAME")]
    pub(crate) architecture: Option<Architecture>,
}

/// `--until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Updated,
    Passed(Duration),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "updated" => Ok(Self::Updated),
            text => parse_duration(text)
                .map(Self::Passed)
                .map_err(|error| format!("expected updated, or a time: {error}")),
        }
    }
}
