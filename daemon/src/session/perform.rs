//! Doing what the state of a session decided. Nothing here waits.

use protocol::message::{Ack, Heartbeat};
use protocol::{ServerMessage, Timestamp};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::moment;
use super::state::{Action, Input, World};
use super::work::{Ending, Outgoing, Session};
use crate::hub::follower::News;
use crate::{limit, ops};

impl<T> Session<T> {
    /// Lets the state decide what an input means, and does it; what is to be said waits in `outgoing`.
    pub(super) fn apply(&mut self, input: Input<'_>) {
        let world = World {
            catalog: &self.app.store.catalog(),
            channels: &self.app.config.channels,
            now: moment(),
        };
        let actions = self.state.apply(input, &world, &mut self.seat.follower());
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(message) => self.say(&message),
            Action::SendHeartbeat => self.say(&ServerMessage::Heartbeat(Heartbeat {
                timestamp: Timestamp::now(),
                connected_clients: self.app.hub.connected_sessions(),
            })),
            Action::SendRateLimited(details) => {
                let key = &self.visitor.limit_key;
                let mut message = limit::rate_limited(key, &details, Timestamp::now());
                let registered = self
                    .seat
                    .follower()
                    .client()
                    .map(|client| client.id.clone());
                if let Some(client_id) = &registered {
                    message.client_id = client_id.to_string();
                }
                let client_id = registered.or_else(|| self.visitor.client_id.clone());
                self.app
                    .hub
                    .rate_limited(client_id.as_ref(), message.clone());
                self.say(&ServerMessage::RateLimited(message));
            }
            Action::Tell(news) => self.tell(news),
            Action::AskForSign => self.outgoing.push(Outgoing::Question),
            Action::Register => self.app.hub.registered(&self.seat, Timestamp::now()),
            Action::Report(client_id, report) => {
                let from = self.seat.session_id();
                let caller = &self.visitor.caller;
                ops::reports::report(&self.app, caller, &client_id, report, Some(from));
            }
            Action::Watch { filter, since, id } => {
                let watching = self.app.hub.watch(&self.seat, filter, since);
                let (seq, oldest_seq) = (Some(watching.seq), Some(watching.oldest_seq));
                self.watching = Some(Box::new(watching));
                if let Some(id) = id {
                    self.say(&ServerMessage::Ack(Ack {
                        id,
                        seq,
                        oldest_seq,
                    }));
                }
            }
            Action::Unwatch => {
                self.app.hub.unwatch(&self.seat);
                self.watching = None;
            }
            Action::End(goodbye) => self.ending = Some(Ending::Goodbye(goodbye)),
            Action::Abandon => self.ending = Some(Ending::Gone),
        }
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Offer {
                release,
                is_rollback,
            } => {
                let is_extended = self.seat.follower().is_extended();
                let is_rollback = (is_rollback && is_extended).then_some(true);
                let hub = &self.app.hub;
                let text = hub.announcement(&release, is_rollback, Timestamp::now());
                self.say_text(text);
            }
            News::Issue { release: _, issue } => {
                if let Some(client_id) = &issue.client_id {
                    self.app.hub.compatibility_issue(client_id, issue.clone());
                }
                self.say(&ServerMessage::CompatibilityIssue(issue));
            }
        }
    }

    fn say(&mut self, message: &ServerMessage) {
        self.say_text(message.to_text().into());
    }

    pub(super) fn say_text(&mut self, text: Utf8Bytes) {
        self.outgoing.push(Outgoing::Text(text));
    }
}
