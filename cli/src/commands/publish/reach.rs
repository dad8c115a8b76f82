//! Whom a release reaches at once: the clients that are connected and follow its channel, as far as the rollout goes.

use client::http::NewRelease;
use protocol::api::Statistics;
use schemars::JsonSchema;
use serde::Serialize;

use super::deltas::receives;
use crate::units::count;

/// About how many clients are offered a release in the moment in which it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reach {
    /// Clients that are connected and follow the channel, or one that receives it as well.
    connected_clients: u64,
    /// The share of them that is offered it.
    rollout_percentage: u8,
    /// About how many that are: which ones is decided client by client.
    offered_to: u64,
}

impl Reach {
    pub(super) fn of(statistics: &Statistics, release: &NewRelease) -> Self {
        let followers = statistics.clients_by_channel.iter();
        let following: u64 = followers
            .filter(|(name, _)| {
                let followed = name.parse();
                followed.is_ok_and(|followed| receives(&followed, &release.channel))
            })
            .map(|(_, clients)| clients)
            .sum();
        // A session that follows two channels is counted in both.
        let connected_clients = following.min(statistics.connected_clients);
        let percentage = release.rollout_percentage;
        Self {
            connected_clients,
            rollout_percentage: percentage,
            offered_to: (connected_clients * u64::from(percentage)).div_ceil(100),
        }
    }

    /// `352 clients are connected; about 36 of them are offered it (rollout 10 %)`.
    pub(super) fn describe(&self) -> String {
        let all = count(self.connected_clients, "client");
        let verb = if self.connected_clients == 1 {
            "is"
        } else {
            "are"
        };
        match self.rollout_percentage {
            100 => format!("{all} {verb} connected and offered it at once"),
            percentage => format!(
                "{all} {verb} connected; about {} offered it at once (rollout {percentage} %)",
                self.offered_to
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::publish::deltas::samples;

    #[test]
    fn followers_of_less_stable_channels_are_reached_too_and_rollout_counts() {
        let mut statistics = samples::statistics(&[]);
        statistics.connected_clients = 350;
        for (channel, clients) in [("stable", 300), ("beta", 50), ("alpha", 10)] {
            statistics
                .clients_by_channel
                .insert(channel.into(), clients);
        }
        let mut release = samples::release("2.1.0", None);
        release.rollout_percentage = 10;
        let reach = Reach::of(&statistics, &release);
        assert_eq!((reach.connected_clients, reach.offered_to), (350, 35));
        assert_eq!(
            reach.describe(),
            "350 clients are connected; about 35 offered it at once (rollout 10 %)"
        );
        release.channel = "alpha".parse().unwrap();
        release.rollout_percentage = 100;
        let reach = Reach::of(&statistics, &release);
        assert_eq!(
            reach.describe(),
            "10 clients are connected and offered it at once"
        );
    }
}
