//! One input, worked on: every rule of what a session answers stands here.

use std::time::Duration;

use protocol::api::Role;
use protocol::error::RateLimitDetails;
use protocol::message::{
    Ack, ErrorData, InstallationResult, Register, Subscription, Watch, Welcome,
};
use protocol::{
    Channel, ClientMessage, Code, Envelope, FieldProblem, InvalidMessage, ServerMessage,
};

use super::state::{Action, Input, State, World};
use super::transport::{Fault, Goodbye};
use crate::hub::event::Filter;
use crate::hub::follower::Follower;
use crate::ops::reports::Report;

/// Texts for people quote what was sent; a quote of 64 KiB helps nobody.
const QUOTED_CHARS: usize = 1000;

/// One input being worked on.
pub(super) struct Turn<'a> {
    state: &'a mut State,
    world: &'a World<'a>,
    follower: &'a mut Follower,
    actions: Vec<Action>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        state: &'a mut State,
        world: &'a World<'a>,
        follower: &'a mut Follower,
    ) -> Self {
        Self {
            state,
            world,
            follower,
            actions: Vec::new(),
        }
    }

    /// What this input makes the session do.
    pub(super) fn take(mut self, input: Input<'_>) -> Vec<Action> {
        self.decide(input);
        self.actions
    }

    fn decide(&mut self, input: Input<'_>) {
        let now = self.world.now;
        match input {
            Input::Opened => self.send(ServerMessage::Welcome(Welcome {
                session_id: self.state.session_id,
                server_time: now.time,
                heartbeat_interval: u64::try_from(self.state.heartbeat_interval.as_millis())
                    .unwrap_or(u64::MAX),
            })),
            Input::Text(text) => {
                self.state.pace.heard(now);
                match Envelope::parse(text) {
                    Ok(envelope) => self.carry_out(envelope),
                    Err(invalid) => self.refuse_text(invalid),
                }
            }
            Input::TextOverLimit(details) => {
                self.state.pace.heard(now);
                self.tell_of_limit(details);
            }
            Input::Binary => {
                self.state.pace.heard(now);
                let problem = FieldProblem::new("", "expected a text message, not a binary one");
                self.refuse_text(InvalidMessage {
                    id: None,
                    problems: vec![problem],
                });
            }
            Input::Sign => {
                self.state.pace.heard(now);
                if self.state.strikes.is_too_many_signs(now.instant) {
                    self.end(1008, "too many control frames");
                }
            }
            Input::Closed => self.end(1000, ""),
            Input::Failed(fault) => self.end_after(fault),
            Input::Look => self.tell_news(),
            Input::Recognised(role) => self.recognise(role),
            Input::TokenEnded => self.end_token(),
            Input::Stopped => self.end(1001, "the daemon is stopping"),
            Input::Tick => self.tick(),
        }
    }

    fn carry_out(&mut self, envelope: Envelope) {
        let Envelope { id, message } = envelope;
        match message {
            ClientMessage::Register(register) => self.register(register, id),
            ClientMessage::Subscribe(Subscription { channel }) => self.subscribe(channel, id),
            ClientMessage::Unsubscribe(Subscription { channel }) => {
                let World {
                    catalog, channels, ..
                } = *self.world;
                self.follower.unsubscribe(&channel, catalog, channels);
                self.ack(id);
            }
            ClientMessage::Ping(_) => {
                self.actions.push(Action::SendHeartbeat);
                self.ack(id);
            }
            ClientMessage::DownloadProgress(report) => self.report(Report::Download(report), id),
            ClientMessage::InstallationProgress(report) => {
                self.report(Report::Installation(report), id);
            }
            ClientMessage::InstallationCompleted(result) => self.report_result(result, id),
            ClientMessage::Watch(watch) => self.watch(&watch, id),
            ClientMessage::Unwatch {} => {
                self.state.is_watching = false;
                self.actions.push(Action::Unwatch);
                self.ack(id);
            }
        }
    }

    fn register(&mut self, register: Register, id: Option<String>) {
        self.follower.register(register, self.world.now.time);
        self.actions.push(Action::Register);
        self.ack(id);
        self.tell_news();
    }

    fn subscribe(&mut self, channel: Channel, id: Option<String>) {
        if !self.world.channels.contains(&channel) {
            let known = self.world.channels.as_slice().iter().map(Channel::as_str);
            let known = known.collect::<Vec<_>>().join(", ");
            let message = format!("there is no channel {channel}; this daemon has {known}");
            self.error(Code::UnknownChannel, message, id);
            return;
        }
        // What came before is told before, since a session without a client hears only of what comes after.
        self.tell_news();
        let World {
            catalog, channels, ..
        } = *self.world;
        self.follower.subscribe(channel, catalog, channels);
        self.ack(id);
        self.tell_news();
    }

    fn report(&mut self, report: Report, id: Option<String>) {
        let Some(client) = self.follower.client() else {
            self.error(Code::NotRegistered, "send REGISTER before a report", id);
            return;
        };
        self.actions.push(Action::Report(client.id.clone(), report));
        self.ack(id);
    }

    fn report_result(&mut self, result: InstallationResult, id: Option<String>) {
        let registered = self.follower.client().map(|client| client.version.clone());
        // Without a client there is no report either, so the version is never made up.
        let previous_version = result.previous_version.clone().or(registered);
        let previous_version = previous_version.unwrap_or_else(|| result.version.clone());
        let report = Report::Result {
            result,
            previous_version,
        };
        self.report(report, id);
    }

    fn watch(&mut self, watch: &Watch, id: Option<String>) {
        if self.state.role < Role::Publisher {
            self.error(
                Code::Forbidden,
                "watching needs the role PUBLISHER or ADMIN",
                id,
            );
            return;
        }
        self.state.is_watching = true;
        self.actions.push(Action::Watch {
            filter: Filter::new(watch),
            since: watch.since,
            id,
        });
    }

    fn recognise(&mut self, role: Role) {
        self.state.role = role;
        if self.state.is_watching && role < Role::Publisher {
            self.state.is_watching = false;
            self.actions.push(Action::Unwatch);
            self.error(
                Code::Forbidden,
                "watching needs the role PUBLISHER or ADMIN",
                None,
            );
        }
    }

    fn tick(&mut self) {
        let now = self.world.now;
        if self.state.pace.has_token_ended(now) {
            self.end_token();
        } else if self.state.pace.is_silent(now) {
            self.error(
                Code::ConnectionTimeout,
                "WebSocket connection timed out",
                None,
            );
            self.end(1001, "nothing was heard for too long");
        } else if self.state.pace.take_heartbeat(now) {
            self.actions.push(Action::AskForSign);
            self.actions.push(Action::SendHeartbeat);
        }
    }

    fn tell_news(&mut self) {
        let World {
            catalog,
            channels,
            now,
        } = *self.world;
        let news = self.follower.take_news(catalog, channels, now.time);
        self.actions.extend(news.into_iter().map(Action::Tell));
    }

    fn tell_of_limit(&mut self, details: RateLimitDetails) {
        let now = self.world.now.instant;
        if self
            .state
            .told_of_limit_until
            .is_some_and(|until| now < until)
        {
            return;
        }
        self.state.told_of_limit_until = Some(now + Duration::from_secs(details.retry_after));
        self.actions.push(Action::SendRateLimited(details));
    }

    fn refuse_text(&mut self, invalid: InvalidMessage) {
        let message = shortened(&invalid.to_string());
        let details = self.follower.is_extended().then_some(invalid.problems);
        self.send(ServerMessage::Error(ErrorData {
            code: Code::InvalidMessage,
            message,
            timestamp: self.world.now.time,
            id: invalid.id,
            details,
        }));
        if self
            .state
            .strikes
            .is_too_many_mistakes(self.world.now.instant)
        {
            self.end(1008, "too many invalid messages");
        }
    }

    fn end_after(&mut self, fault: Fault) {
        match fault {
            Fault::Protocol => self.end(1002, "protocol error"),
            Fault::NotUtf8 => self.end(1007, "not UTF-8"),
            Fault::TooLarge => {
                self.error(
                    Code::MessageTooLarge,
                    "the message is over the size limit",
                    None,
                );
                self.end(1009, "message too large");
            }
            Fault::Gone => {
                self.state.is_over = true;
                self.actions.push(Action::Abandon);
            }
        }
    }

    fn end_token(&mut self) {
        self.error(
            Code::AuthenticationFailed,
            "Invalid or expired JWT token",
            None,
        );
        self.end(1008, "the token is no longer valid");
    }

    fn end(&mut self, code: u16, reason: &'static str) {
        self.state.is_over = true;
        self.actions.push(Action::End(Goodbye { code, reason }));
    }

    fn ack(&mut self, id: Option<String>) {
        if let Some(id) = id {
            self.send(ServerMessage::Ack(Ack {
                id,
                seq: None,
                oldest_seq: None,
            }));
        }
    }

    fn error(&mut self, code: Code, message: impl Into<String>, id: Option<String>) {
        self.send(ServerMessage::Error(ErrorData {
            code,
            message: message.into(),
            timestamp: self.world.now.time,
            id,
            details: None,
        }));
    }

    fn send(&mut self, message: ServerMessage) {
        self.actions.push(Action::Send(message));
    }
}

/// Cuts a text for people, and takes out what could do something to their terminal.
fn shortened(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTED_CHARS)
        .collect()
}
