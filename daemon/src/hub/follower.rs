//! What a session says of its client, and what it was told: all that deciding on its news needs.
//!
//! A pure value. The session changes it as messages arrive; the hub reads it to count and to name who is connected.

use std::sync::Arc;

use protocol::message::{CompatibilityIssue, Register};
use protocol::{Architecture, Channel, ClientId, Platform, ReleaseId, Timestamp, Version};

use crate::compat::{self, Offer, Query};
use crate::config::Channels;
use crate::store::{Catalog, Release};

/// What one session follows.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    client: Option<Client>,
    channels: Vec<Channel>,
    /// A session that left its channels on purpose is not subscribed to the default one again.
    has_subscribed: bool,
    /// A few entries in the life of a session, so looking through them is cheaper than hashing.
    told: Vec<(ReleaseId, Telling)>,
    is_extended: bool,
    /// While no client is registered: the newest release when the session subscribed. It hears of newer ones only.
    known: Option<Version>,
}

/// The client that registered on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Who it is.
    pub id: ClientId,
    /// What it runs; an installation that it reports changes it.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// Its processor.
    pub architecture: Architecture,
    /// When it registered.
    pub registered_at: Timestamp,
}

/// How a session was told of a release. The way back to a version, and being able to install one that was out of
/// reach before, are news even where the version itself was told already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// As something to install.
    Offered,
    /// As the way back from a recalled version.
    RolledBack,
    /// As something that it cannot install.
    Refused,
}

/// Something that a session has to be told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// There is a release to install.
    Offer {
        /// Which.
        release: Arc<Release>,
        /// Whether it is the way back from a recalled version.
        is_rollback: bool,
    },
    /// There is a release that the client cannot install.
    Issue {
        /// Which.
        release: Arc<Release>,
        /// Why, and what to do.
        issue: CompatibilityIssue,
    },
}

impl News {
    /// The release that it is about.
    #[must_use]
    pub fn release(&self) -> &Arc<Release> {
        match self {
            Self::Offer { release, .. } | Self::Issue { release, .. } => release,
        }
    }

    fn telling(&self) -> Telling {
        match self {
            Self::Offer {
                is_rollback: true, ..
            } => Telling::RolledBack,
            Self::Offer {
                is_rollback: false, ..
            } => Telling::Offered,
            Self::Issue { .. } => Telling::Refused,
        }
    }
}

impl Follower {
    /// The client, once it registered.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// What it follows.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Whether it asked for more than the specification shows.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// Takes what a REGISTER says, in place of what an earlier one said.
    pub fn register(&mut self, register: Register, now: Timestamp) {
        let Register {
            client_version,
            client_id,
            platform,
            architecture,
            capabilities,
        } = register;
        self.is_extended = capabilities
            .iter()
            .any(|name| name.as_str() == protocol::message::Capability::EXTENDED);
        self.client = Some(Client {
            id: client_id,
            version: client_version,
            platform,
            architecture,
            registered_at: now,
        });
        if !self.has_subscribed {
            self.follow(Channel::stable());
        }
    }

    /// Follows a channel.
    ///
    /// A session without a client has no version that could be behind, so what is there already is no news to it.
    pub fn subscribe(&mut self, channel: Channel, catalog: &Catalog, channels: &Channels) {
        self.follow(channel);
        self.known = self.newest(catalog, channels);
    }

    fn follow(&mut self, channel: Channel) {
        self.has_subscribed = true;
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
    }

    /// Leaves a channel; one that was not followed is left already.
    pub fn unsubscribe(&mut self, channel: &Channel, catalog: &Catalog, channels: &Channels) {
        self.channels.retain(|followed| followed != channel);
        // What only the channel that was left had must not hide what the others publish from now on.
        self.known = self.newest(catalog, channels).min(self.known.take());
    }

    fn newest(&self, catalog: &Catalog, channels: &Channels) -> Option<Version> {
        let newest = compat::newest_for_anybody(catalog, channels, &self.channels);
        newest.map(|release| release.version.clone())
    }

    /// The client runs another version now.
    pub fn set_version(&mut self, version: &Version) {
        if let Some(client) = &mut self.client {
            client.version = version.clone();
        }
    }

    /// What this session was not told yet; the obstacle first, then the way around it.
    #[must_use]
    pub fn news(&self, catalog: &Catalog, channels: &Channels, now: Timestamp) -> Vec<News> {
        let Some(client) = &self.client else {
            let news = self.news_for_anybody(catalog, channels);
            return news.into_iter().collect();
        };
        let query = Query {
            current_version: &client.version,
            channels: &self.channels,
            client_id: Some(&client.id),
            platform: Some(&client.platform),
        };
        let Offer {
            install,
            is_rollback,
            newest,
            issue,
        } = compat::offer(catalog, channels, &query, now);
        let issue = newest
            .zip(issue)
            .map(|(release, issue)| News::Issue { release, issue });
        let install = install.map(|release| News::Offer {
            release,
            is_rollback,
        });
        issue
            .into_iter()
            .chain(install)
            .filter(|news| !self.was_told(news))
            .collect()
    }

    /// What is news where nobody registered: a release for everybody that came after the session subscribed. Whether it
    /// can be installed is for the listener to find out.
    fn news_for_anybody(&self, catalog: &Catalog, channels: &Channels) -> Option<News> {
        let newest = compat::newest_for_anybody(catalog, channels, &self.channels)?;
        let known = self.known.as_ref();
        let news = News::Offer {
            release: Arc::clone(newest),
            is_rollback: false,
        };
        let is_newer = known.is_none_or(|known| newest.version.is_newer_than(known));
        (is_newer && !self.was_told(&news)).then_some(news)
    }

    /// The news, which count as told from now on.
    pub fn take_news(
        &mut self,
        catalog: &Catalog,
        channels: &Channels,
        now: Timestamp,
    ) -> Vec<News> {
        let news = self.news(catalog, channels, now);
        self.told
            .extend(news.iter().map(|news| (news.release().id, news.telling())));
        news
    }

    fn was_told(&self, news: &News) -> bool {
        self.told.contains(&(news.release().id, news.telling()))
    }
}
