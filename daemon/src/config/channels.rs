//! The channels of this daemon, from the most stable one to the least.

use protocol::Channel;

/// The configured channels, most stable first: `stable`, `beta`, `alpha`, then the operator's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels(Vec<Channel>);

/// The channels that every daemon has (contract section 3).
const BUILT_IN: [&str; 3] = ["stable", "beta", "alpha"];

impl Channels {
    /// The built-in channels, and behind them the operator's own in their order. A name that is there twice counts once.
    #[must_use]
    pub fn with_extra(extra: impl IntoIterator<Item = Channel>) -> Self {
        let built_in = BUILT_IN.iter().filter_map(|name| name.parse().ok());
        let mut channels: Vec<Channel> = built_in.collect();
        for channel in extra {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        Self(channels)
    }

    /// All of them, most stable first.
    #[must_use]
    pub fn as_slice(&self) -> &[Channel] {
        &self.0
    }

    /// The operator's own.
    #[must_use]
    pub fn extra(&self) -> &[Channel] {
        self.0.get(BUILT_IN.len()..).unwrap_or_default()
    }

    /// Whether the daemon has this channel.
    #[must_use]
    pub fn contains(&self, channel: &Channel) -> bool {
        self.0.contains(channel)
    }

    /// Whether who is subscribed to one channel hears of what is published on another: a less stable channel also
    /// receives what the more stable ones publish.
    #[must_use]
    pub fn receives(&self, subscribed: &Channel, published: &Channel) -> bool {
        match (self.position(subscribed), self.position(published)) {
            (Some(subscribed), Some(published)) => published <= subscribed,
            (None, _) | (_, None) => false,
        }
    }

    fn position(&self, channel: &Channel) -> Option<usize> {
        self.0.iter().position(|known| known == channel)
    }
}

impl Default for Channels {
    fn default() -> Self {
        Self::with_extra([])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> Channel {
        name.parse().unwrap()
    }

    #[test]
    fn a_less_stable_channel_receives_what_the_more_stable_ones_publish() {
        let channels = Channels::with_extra([channel("nightly"), channel("beta")]);
        assert_eq!(channels.as_slice().len(), 4);
        assert!(channels.receives(&channel("beta"), &channel("stable")));
        assert!(channels.receives(&channel("beta"), &channel("beta")));
        assert!(!channels.receives(&channel("beta"), &channel("alpha")));
        assert!(channels.receives(&channel("nightly"), &channel("alpha")));
        assert!(!channels.receives(&channel("nope"), &channel("stable")));
    }
}
