//! What this connection was told about us, which of it was acknowledged, and where in the events we are. Pure.

use std::collections::HashSet;

use protocol::message::{Subscription, Watch};
use protocol::{ClientMessage, Envelope, ServerMessage};

use super::Session;
use super::connection::refusal;
use crate::Error;

/// The opening of one connection.
#[derive(Debug, Default)]
pub(super) struct Said {
    count: u64,
    /// Ids of the opening that no answer came to yet.
    open: HashSet<String>,
    /// The id of WATCH, and the position that it asked to go on from.
    watch: Option<(String, Option<u64>)>,
    gap: bool,
}

/// What a message means for the opening.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing: it is for the user.
    Message,
    /// An acknowledgement of the opening, and others are still to come.
    Noted,
    /// The last acknowledgement of the opening.
    Opened { gap: bool },
    /// Events were counted anew since; they are asked for from the beginning.
    Again(Envelope),
    /// The opening was refused, and would be again.
    Refused(Error),
}

impl Said {
    pub(super) fn next_id(&mut self) -> String {
        self.count += 1;
        self.count.to_string()
    }

    /// What is said first.
    pub(super) fn opening(&mut self, session: &Session) -> Vec<Envelope> {
        let Session {
            register,
            channels,
            watch,
        } = session;
        let mut messages = Vec::new();
        // Channels before REGISTER: a client that registers without one is subscribed to `stable`.
        for channel in channels {
            let channel = channel.clone();
            messages.push(ClientMessage::Subscribe(Subscription { channel }));
        }
        messages.extend(register.clone().map(ClientMessage::Register));
        let mut envelopes: Vec<Envelope> = messages
            .into_iter()
            .map(|message| self.envelope(message))
            .collect();
        if let Some(watch) = watch {
            envelopes.push(self.watch(watch.clone()));
        }
        envelopes
    }

    fn watch(&mut self, watch: Watch) -> Envelope {
        let since = watch.since;
        let envelope = self.envelope(ClientMessage::Watch(watch));
        self.watch = envelope.id.clone().map(|id| (id, since));
        envelope
    }

    fn envelope(&mut self, message: ClientMessage) -> Envelope {
        let id = self.next_id();
        self.open.insert(id.clone());
        Envelope {
            id: Some(id),
            message,
        }
    }

    /// Notes what a message says about the opening, and moves the session's position in the events.
    pub(super) fn hear(&mut self, message: &ServerMessage, session: &mut Session) -> Heard {
        if let (Some(seq), Some(watch)) = (seq(message), session.watch.as_mut()) {
            watch.since = Some(watch.since.map_or(seq, |since| since.max(seq)));
        }
        let ack = match message {
            ServerMessage::Ack(ack) => ack,
            ServerMessage::Error(error) => {
                return match &error.id {
                    Some(id) if self.open.contains(id) => {
                        Heard::Refused(Error::Refused(Box::new(refusal(error))))
                    }
                    _ => Heard::Message,
                };
            }
            _ => return Heard::Message,
        };
        if !self.open.remove(&ack.id) {
            return Heard::Message;
        }
        if let Some((id, asked)) = self.watch.take() {
            if id == ack.id {
                if let Some(again) = self.position(asked, ack.seq, ack.oldest_seq, session) {
                    return Heard::Again(again);
                }
            } else {
                self.watch = Some((id, asked));
            }
        }
        match self.open.is_empty() {
            true => Heard::Opened { gap: self.gap },
            false => Heard::Noted,
        }
    }

    /// Compares where we were with where the daemon is.
    fn position(
        &mut self,
        asked: Option<u64>,
        newest: Option<u64>,
        oldest: Option<u64>,
        session: &mut Session,
    ) -> Option<Envelope> {
        let watch = session.watch.as_mut()?;
        let Some(asked) = asked else {
            // From now on a break can be gone on from, even when no event arrived before it.
            watch.since = watch.since.max(newest);
            return None;
        };
        if newest.is_some_and(|newest| newest < asked) {
            watch.since = Some(0);
            let watch = watch.clone();
            return Some(self.watch(watch));
        }
        self.gap = oldest.is_some_and(|oldest| oldest > asked + 1);
        None
    }
}

/// The position of an event.
fn seq(message: &ServerMessage) -> Option<u64> {
    match message {
        ServerMessage::DownloadProgress(event) => event.seq,
        ServerMessage::InstallationProgress(event) => event.seq,
        ServerMessage::InstallationCompleted(event) => event.seq,
        ServerMessage::RateLimited(event) => event.seq,
        ServerMessage::CompatibilityIssue(event) => event.seq,
        ServerMessage::ClientConnected(event) => event.seq,
        ServerMessage::ClientDisconnected(event) => event.seq,
        ServerMessage::ReleaseChanged(event) => event.seq,
        ServerMessage::Welcome(_)
        | ServerMessage::NewVersionAvailable(_)
        | ServerMessage::Error(_)
        | ServerMessage::Heartbeat(_)
        | ServerMessage::Ack(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watching(since: Option<u64>) -> Session {
        Session {
            watch: Some(Watch {
                since,
                ..Watch::default()
            }),
            ..Session::default()
        }
    }

    fn ack(id: &str, seq: u64, oldest_seq: u64) -> ServerMessage {
        let text = format!(
            r#"{{"type":"ACK","data":{{"id":"{id}","seq":{seq},"oldestSeq":{oldest_seq}}}}}"#
        );
        ServerMessage::parse(&text).unwrap().unwrap()
    }

    fn disconnected(seq: u64) -> ServerMessage {
        let text = format!(
            r#"{{"type":"CLIENT_DISCONNECTED","data":{{"clientId":"a","sessionId":"019376f4-0000-7000-8000-000000000000","timestamp":"2026-01-15T10:30:00Z","seq":{seq}}}}}"#
        );
        ServerMessage::parse(&text).unwrap().unwrap()
    }

    #[test]
    fn a_watch_goes_on_behind_the_last_event() {
        let mut session = watching(None);
        let mut said = Said::default();
        said.opening(&session);
        assert!(matches!(
            said.hear(&ack("1", 7, 1), &mut session),
            Heard::Opened { gap: false }
        ));
        assert_eq!(session.watch.as_ref().unwrap().since, Some(7));
        said.hear(&disconnected(9), &mut session);
        assert_eq!(session.watch.as_ref().unwrap().since, Some(9));
    }

    #[test]
    fn events_that_the_daemon_no_longer_has_are_a_gap() {
        let mut session = watching(Some(9));
        let mut said = Said::default();
        said.opening(&session);
        assert!(matches!(
            said.hear(&ack("1", 50, 20), &mut session),
            Heard::Opened { gap: true }
        ));
        let mut said = Said::default();
        said.opening(&session);
        assert!(matches!(
            said.hear(&ack("1", 50, 10), &mut session),
            Heard::Opened { gap: false }
        ));
    }

    #[test]
    fn a_daemon_that_counts_anew_is_asked_from_the_beginning() {
        let mut session = watching(Some(90));
        let mut said = Said::default();
        said.opening(&session);
        let Heard::Again(again) = said.hear(&ack("1", 3, 1), &mut session) else {
            panic!("expected to be asked again");
        };
        assert!(matches!(&again.message, ClientMessage::Watch(watch) if watch.since == Some(0)));
        let id = again.id.unwrap();
        assert!(matches!(
            said.hear(&ack(&id, 3, 1), &mut session),
            Heard::Opened { gap: false }
        ));
    }

    #[test]
    fn a_refused_opening_is_final_and_a_refused_report_is_not() {
        let mut session = watching(None);
        let mut said = Said::default();
        said.opening(&session);
        let error = |id: &str| {
            let text = format!(
                r#"{{"type":"ERROR","data":{{"code":"FORBIDDEN","message":"no","timestamp":"2026-01-15T10:30:00Z","id":"{id}"}}}}"#
            );
            ServerMessage::parse(&text).unwrap().unwrap()
        };
        assert!(matches!(
            said.hear(&error("9"), &mut session),
            Heard::Message
        ));
        assert!(matches!(
            said.hear(&error("1"), &mut session),
            Heard::Refused(_)
        ));
    }
}
