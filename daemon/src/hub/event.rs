//! One thing that happened in the fleet, as watchers and the client's own sessions are told of it.

use std::sync::OnceLock;

use protocol::message::Watch;
use protocol::{Channel, ClientId, ServerMessage, Version};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// An event. It is written at most once in each of its two forms, however many read it.
#[derive(Debug)]
pub struct Event {
    message: ServerMessage,
    seq: u64,
    subject: Subject,
    for_watchers: OnceLock<Utf8Bytes>,
    for_clients: OnceLock<Utf8Bytes>,
}

/// What an event is about; filters look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The client.
    pub client_id: Option<ClientId>,
    /// The release, or what the client runs where there is no release.
    pub version: Option<Version>,
    /// The channel of the release, or those that the client follows where there is no release.
    pub channels: Vec<Channel>,
}

/// What a watcher wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    channel: Option<Channel>,
    version: Option<Version>,
    client_id: Option<ClientId>,
}

impl Filter {
    /// The filter of a WATCH.
    #[must_use]
    pub fn new(watch: &Watch) -> Self {
        let Watch {
            channel,
            version,
            client_id,
            since: _,
        } = watch;
        Self {
            channel: channel.clone(),
            version: version.clone(),
            client_id: client_id.clone(),
        }
    }

    /// Whether the watcher wants to see what is about this.
    #[must_use]
    pub fn matches(&self, subject: &Subject) -> bool {
        let Subject {
            client_id,
            version,
            channels,
        } = subject;
        self.channel
            .as_ref()
            .is_none_or(|wanted| channels.contains(wanted))
            && (self.version.is_none() || self.version == *version)
            && (self.client_id.is_none() || self.client_id == *client_id)
    }
}

impl Event {
    /// An event at a position. The message comes without `seq`.
    #[must_use]
    pub fn new(message: ServerMessage, subject: Subject, seq: u64) -> Self {
        Self {
            message,
            seq,
            subject,
            for_watchers: OnceLock::new(),
            for_clients: OnceLock::new(),
        }
    }

    /// What happened.
    #[must_use]
    pub fn message(&self) -> &ServerMessage {
        &self.message
    }

    /// Its position in the stream.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The text for watchers, with `seq`.
    #[must_use]
    pub fn text_for_watchers(&self) -> Utf8Bytes {
        let text = self.for_watchers.get_or_init(|| {
            let mut message = self.message.clone();
            set_seq(&mut message, self.seq);
            message.to_text().into()
        });
        text.clone()
    }

    /// The text for sessions of the client: exactly the fields of the specification.
    #[must_use]
    pub fn text_for_clients(&self) -> Utf8Bytes {
        let text = self.for_clients.get_or_init(|| {
            let mut message = self.message.clone();
            if let ServerMessage::DownloadProgress(progress) = &mut message {
                progress.format = None;
            }
            message.to_text().into()
        });
        text.clone()
    }

    /// Whether only the newest of its kind counts.
    #[must_use]
    pub fn is_progress(&self) -> bool {
        matches!(
            self.message,
            ServerMessage::DownloadProgress(_) | ServerMessage::InstallationProgress(_)
        )
    }

    /// Whether it makes an older event worthless: progress of the same client with the same version, of the same kind.
    #[must_use]
    pub fn replaces(&self, older: &Self) -> bool {
        self.is_progress()
            && std::mem::discriminant(&self.message) == std::mem::discriminant(&older.message)
            && self.subject.client_id == older.subject.client_id
            && self.subject.version == older.subject.version
    }
}

fn set_seq(message: &mut ServerMessage, value: u64) {
    let seq = match message {
        ServerMessage::DownloadProgress(data) => &mut data.seq,
        ServerMessage::InstallationProgress(data) => &mut data.seq,
        ServerMessage::InstallationCompleted(data) => &mut data.seq,
        ServerMessage::RateLimited(data) => &mut data.seq,
        ServerMessage::CompatibilityIssue(data) => &mut data.seq,
        ServerMessage::ClientConnected(data) => &mut data.seq,
        ServerMessage::ClientDisconnected(data) => &mut data.seq,
        ServerMessage::ReleaseChanged(data) => &mut data.seq,
        ServerMessage::Welcome(_)
        | ServerMessage::NewVersionAvailable(_)
        | ServerMessage::Error(_)
        | ServerMessage::Heartbeat(_)
        | ServerMessage::Ack(_) => return,
    };
    *seq = Some(value);
}

#[cfg(test)]
pub(super) mod tests;
