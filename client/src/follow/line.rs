//! How a follower hears of releases, and how it is heard: by a live session, or by HTTP alone.

use protocol::ClientMessage;
use tracing::debug;

use crate::live::{Event, LiveSender};
use crate::{Error, Live, Session, Updater};

/// What a follower listens to.
#[derive(Debug)]
pub(super) enum Line {
    Live(Live),
    /// Nothing is heard; the clock alone says when to ask.
    Silent,
}

/// Says how an update goes, by the session where it stands, else by HTTP.
#[derive(Clone, Debug)]
pub(super) struct Reporter<'a> {
    updater: &'a Updater,
    sender: Option<LiveSender>,
}

impl Line {
    pub(super) fn live(updater: &Updater) -> Result<Self, Error> {
        let session = Session {
            register: Some(updater.register(updater.version()?)),
            channels: vec![updater.channel.clone()],
            watch: None,
        };
        Ok(Self::Live(Live::start(updater.daemon.clone(), session)))
    }

    /// What is heard next. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Event, Error> {
        match self {
            Self::Live(live) => live.next().await.unwrap_or(Err(Error::Abandoned)),
            Self::Silent => std::future::pending().await,
        }
    }

    pub(super) fn reporter<'a>(&self, updater: &'a Updater) -> Reporter<'a> {
        let sender = match self {
            Self::Live(live) => Some(live.sender()),
            Self::Silent => None,
        };
        Reporter { updater, sender }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Live(live) => live.close().await,
            Self::Silent => {}
        }
    }
}

impl Reporter<'_> {
    /// Reports something, twice if need be. What is not heard then is not heard: an update does not wait for its audience.
    pub(super) async fn report(&self, report: ClientMessage) {
        if let Some(sender) = self.connected()
            && sender.say(report.clone()).await.is_ok()
        {
            return;
        }
        let Updater {
            daemon, client_id, ..
        } = self.updater;
        if let Err(error) = daemon.report(client_id, &report).await {
            debug!(%error, "a report was not heard");
        }
    }

    /// From now on the session is that of a new version; so are later ones.
    pub(super) async fn register_again(&self) -> Result<(), Error> {
        let Some(sender) = &self.sender else {
            return Ok(());
        };
        let register = self.updater.register(self.updater.version()?);
        if let Err(error) = sender.say(ClientMessage::Register(register)).await {
            debug!(%error, "the new version is said at the next connect");
        }
        Ok(())
    }

    fn connected(&self) -> Option<&LiveSender> {
        self.sender.as_ref().filter(|sender| sender.is_ready())
    }
}
