//! One WebSocket connection, from the handshake to whatever ends it.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::message::{Ack, ErrorData, Ping};
use protocol::{ClientMessage, Code, Envelope, ServerMessage, Timestamp};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::debug;

use super::handshake::{refused, request};
use super::said::{Heard, Said};
use super::{Command, Event, Outlet, Session};
use crate::error::words;
use crate::{Daemon, Error, Refusal};

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// We said goodbye, or nobody listens any more.
    ByUs,
    /// The daemon refused us for good.
    Refused(Error),
    /// Anything that may be better next time.
    Lost {
        reason: String,
        /// How long the daemon asked us to stay away.
        asked: Option<Duration>,
    },
}

pub(super) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    said: Said,
    answers: HashMap<String, oneshot::Sender<Result<Ack, Error>>>,
    last_heard: Instant,
    /// What RATE_LIMITED asked for, and when, in case the daemon closes after it.
    asked: Option<(Instant, Duration)>,
}

/// A handshake or a greeting that takes longer is not coming.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// An announcement carries up to 64 KiB of notes, which JSON may write six times as long.
const MESSAGE_BYTES: usize = 1024 * 1024;

/// Room for what one read takes: nearly every message fits. The library's 128 KiB would be most of what a session costs.
const READ_BYTES: usize = 8 * 1024;

/// Bounds of the daemon's heartbeat interval as we follow it: not a flood, and not a line that dies unnoticed.
const PING_INTERVAL: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(60);

/// Heartbeats that may be missed in a row.
const SILENT_INTERVALS: u32 = 3;

/// With a short heartbeat a busy machine may still be silent for a while.
const SILENCE_MIN: Duration = Duration::from_secs(10);

impl Connection {
    pub(super) async fn open(daemon: &Daemon, session: &Session) -> Result<Self, Ended> {
        let request = request(daemon, session).map_err(Ended::Refused)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let network = daemon.network();
        let connecting = async {
            let stream = network.connect().await.map_err(|reason| lost(&reason))?;
            let tls = Some(Connector::Rustls(network.tls()));
            client_async_tls_with_config(request, stream, Some(config), tls)
                .await
                .map_err(|error| refused(daemon, error))
        };
        match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(connected) => Ok(Self {
                socket: connected?.0,
                said: Said::default(),
                answers: HashMap::new(),
                last_heard: Instant::now(),
                asked: None,
            }),
            Err(_) => Err(lost("no answer to the WebSocket handshake in time")),
        }
    }

    /// Talks until the connection ends.
    pub(super) async fn talk(
        mut self,
        session: &mut Session,
        outlet: &Outlet,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Ended {
        let ended = self.converse(session, outlet, commands).await;
        for (_, answer) in self.answers.drain() {
            let reason = "the connection broke before the answer".into();
            let url = "the live session".into();
            answer.send(Err(Error::Interrupted { url, reason })).ok();
        }
        match ended {
            Err(ended) => ended,
            Ok(()) => {
                timeout(Duration::from_millis(500), self.socket.close(None))
                    .await
                    .ok();
                Ended::ByUs
            }
        }
    }

    /// `Ok` when we are done with the daemon, `Err` when something else ended it.
    async fn converse(
        &mut self,
        session: &mut Session,
        outlet: &Outlet,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), Ended> {
        let interval = match timeout(HANDSHAKE_TIMEOUT, self.greeting(outlet)).await {
            Ok(greeted) => greeted?,
            Err(_) => return Err(lost("the daemon did not greet in time")),
        };
        let opening = self.said.opening(session);
        if opening.is_empty() && !outlet.tell(Ok(Event::Ready)).await {
            return Ok(());
        }
        for envelope in opening {
            self.send(envelope.to_text()).await?;
        }
        let silence = (interval * SILENT_INTERVALS).max(SILENCE_MIN);
        let mut tick = tokio::time::interval_at(Instant::now() + interval, interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                text = self.receive() => {
                    let text = text?;
                    if !self.handle(&text, session, outlet).await? {
                        return Ok(());
                    }
                }
                command = commands.recv() => match command {
                    Some(Command::Say { message, answer }) => self.say(message, answer, session).await?,
                    Some(Command::Close) | None => return Ok(()),
                },
                _ = tick.tick() => {
                    if self.last_heard.elapsed() > silence {
                        return Err(lost("nothing was heard from the daemon for too long"));
                    }
                    let timestamp = Some(Timestamp::now());
                    self.send(ClientMessage::Ping(Ping { timestamp }).to_text()).await?;
                }
            }
        }
    }

    /// Waits for WELCOME; its heartbeat is how often we ping.
    async fn greeting(&mut self, outlet: &Outlet) -> Result<Duration, Ended> {
        loop {
            let text = self.receive().await?;
            match parse(&text) {
                Some(ServerMessage::Welcome(welcome)) => {
                    let interval = Duration::from_millis(welcome.heartbeat_interval)
                        .clamp(*PING_INTERVAL.start(), *PING_INTERVAL.end());
                    if !outlet.tell(Ok(Event::Connected(welcome))).await {
                        return Err(Ended::ByUs);
                    }
                    return Ok(interval);
                }
                Some(message) => self.note_end(&message)?,
                None => {}
            }
        }
    }

    /// False when nobody listens any more.
    async fn handle(
        &mut self,
        text: &str,
        session: &mut Session,
        outlet: &Outlet,
    ) -> Result<bool, Ended> {
        let Some(message) = parse(text) else {
            return Ok(true);
        };
        self.note_end(&message)?;
        let heard = self.said.hear(&message, session);
        match heard {
            Heard::Message => {}
            Heard::Refused(error) => return Err(Ended::Refused(error)),
            Heard::Opened { gap } => {
                if gap && !outlet.tell(Ok(Event::Gap)).await {
                    return Ok(false);
                }
                return Ok(outlet.tell(Ok(Event::Ready)).await);
            }
            Heard::Again(envelope) => {
                self.send(envelope.to_text()).await?;
                return Ok(outlet.tell(Ok(Event::Gap)).await);
            }
            Heard::Noted => return Ok(true),
        }
        if self.answer(&message) {
            return Ok(true);
        }
        Ok(outlet.tell(Ok(Event::Message(message))).await)
    }

    /// Remembers what the daemon says before it closes, and ends at once where nothing can follow.
    fn note_end(&mut self, message: &ServerMessage) -> Result<(), Ended> {
        match message {
            ServerMessage::RateLimited(limited) => {
                let asked = Duration::from_secs(limited.retry_after);
                self.asked = Some((Instant::now(), asked));
                Ok(())
            }
            ServerMessage::Error(error) if error.code == Code::AuthenticationFailed => {
                Err(Ended::Refused(Error::SessionEnded {
                    code: error.code,
                    message: error.message.clone(),
                }))
            }
            _ => Ok(()),
        }
    }

    /// Hands an acknowledgement or its refusal to whoever waits for it.
    fn answer(&mut self, message: &ServerMessage) -> bool {
        let (id, outcome) = match message {
            ServerMessage::Ack(ack) => (&ack.id, Ok(ack.clone())),
            ServerMessage::Error(error) => match &error.id {
                Some(id) => (id, Err(Error::Refused(Box::new(refusal(error))))),
                None => return false,
            },
            _ => return false,
        };
        match self.answers.remove(id) {
            Some(answer) => answer.send(outcome).is_ok(),
            None => false,
        }
    }

    async fn say(
        &mut self,
        message: ClientMessage,
        answer: oneshot::Sender<Result<Ack, Error>>,
        session: &mut Session,
    ) -> Result<(), Ended> {
        if let ClientMessage::Register(register) = &message {
            session.register = Some(register.clone());
        }
        let id = self.said.next_id();
        self.answers.insert(id.clone(), answer);
        let id = Some(id);
        self.send(Envelope { id, message }.to_text()).await
    }

    async fn send(&mut self, text: String) -> Result<(), Ended> {
        let sending = self.socket.send(Message::text(text));
        match timeout(HANDSHAKE_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(lost("the daemon does not read")),
        }
    }

    /// The next text. Cancel-safe: the socket keeps what is half read.
    async fn receive(&mut self) -> Result<String, Ended> {
        loop {
            let frame = self.socket.next().await;
            self.last_heard = Instant::now();
            match frame {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let words = match frame.reason.as_str() {
                        "" => format!("the daemon closed the session ({})", frame.code),
                        reason => {
                            format!("the daemon closed the session: {reason} ({})", frame.code)
                        }
                    };
                    return Err(self.lost(words));
                }
                Some(Ok(Message::Close(None))) | None => {
                    return Err(self.lost("the daemon closed the session".into()));
                }
                // Pings are answered by the library; binary frames are none of ours.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.broken(&error)),
            }
        }
    }

    fn broken(&self, error: &tungstenite::Error) -> Ended {
        self.lost(match error {
            tungstenite::Error::Io(error) => words(error),
            other => other.to_string(),
        })
    }

    fn lost(&self, reason: String) -> Ended {
        let left = |(when, asked): (Instant, Duration)| asked.checked_sub(when.elapsed());
        Ended::Lost {
            reason,
            asked: self.asked.and_then(left),
        }
    }
}

pub(super) fn lost(reason: &str) -> Ended {
    Ended::Lost {
        reason: reason.to_owned(),
        asked: None,
    }
}

fn parse(text: &str) -> Option<ServerMessage> {
    match ServerMessage::parse(text) {
        Ok(message) => message,
        Err(error) => {
            debug!(%error, "a message is passed over");
            None
        }
    }
}

/// An ERROR message as the refusal that it is.
pub(super) fn refusal(error: &ErrorData) -> Refusal {
    Refusal {
        code: error.code,
        message: error.message.clone(),
        details: error.details.clone().map(protocol::error::Details::Fields),
        status: None,
        request_id: None,
        retry_after: None,
    }
}
