//! The live session: hears of releases at once, and comes back by itself after whatever broke it.
//!
//! A task owns the connection. After every connect it says again who we are and what we follow, so a user of
//! [`Live`] only sees that messages go on. It never gives up on a network; it ends when the daemon says that the
//! token or the request is wrong, since trying again cannot mend that.

mod connection;
mod handshake;
mod said;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::message::{Ack, Register, Watch, Welcome};
use protocol::{Channel, ClientMessage, ServerMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use crate::{Backoff, Daemon, Error};
use connection::{Connection, Ended};

/// What the session says about itself after every connect.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Makes it a client.
    pub register: Option<Register>,
    /// What it follows.
    pub channels: Vec<Channel>,
    /// Makes it a watcher; after a break it goes on behind the last event that arrived.
    pub watch: Option<Watch>,
}

/// What happens on the line.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection stands and the daemon greeted.
    Connected(Welcome),
    /// The daemon acknowledged all that the session says about itself.
    Ready,
    /// A message that is not about the line itself.
    Message(ServerMessage),
    /// The daemon no longer has all events since the last one that arrived: some are lost.
    Gap,
    /// The connection broke or could not be made; the next try comes after `wait`.
    Waiting {
        /// Why.
        reason: String,
        /// How long until the next try.
        wait: Duration,
        /// How many tries failed in a row.
        failures: u32,
    },
}

/// A live session. Dropping it ends it.
#[derive(Debug)]
pub struct Live {
    events: mpsc::Receiver<Result<Event, Error>>,
    sender: LiveSender,
    _task: AbortOnDropHandle<()>,
}

/// Says things in a live session from elsewhere.
#[derive(Clone, Debug)]
pub struct LiveSender {
    commands: mpsc::Sender<Command>,
    is_ready: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Command {
    Say {
        message: ClientMessage,
        answer: oneshot::Sender<Result<Ack, Error>>,
    },
    Close,
}

/// Events that wait for their reader. Beyond it the socket is not read, which the daemon bounds in turn.
const EVENTS: usize = 1024;

/// A connection that lived this long was a good one: the next wait is short again.
const STABLE: Duration = Duration::from_secs(60);

/// How long [`LiveSender::say`] waits for the daemon's acknowledgement.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

impl Live {
    /// Starts a session. It connects in the background; [`Live::next`] tells how that goes.
    #[must_use]
    pub fn start(daemon: Daemon, session: Session) -> Self {
        let (event_sender, events) = mpsc::channel(EVENTS);
        let (commands, command_receiver) = mpsc::channel(16);
        let is_ready = Arc::new(AtomicBool::new(false));
        let outlet = Outlet {
            events: event_sender,
            is_ready: Arc::clone(&is_ready),
        };
        let task = tokio::spawn(run(daemon, session, outlet, command_receiver));
        Self {
            events,
            sender: LiveSender { commands, is_ready },
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// What happens next; `None` after an error, which is final. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        self.events.recv().await
    }

    /// A handle that says things in this session.
    #[must_use]
    pub fn sender(&self) -> LiveSender {
        self.sender.clone()
    }

    /// Ends the session with a proper goodbye, if that can be said quickly.
    pub async fn close(mut self) {
        let goodbye = async {
            self.sender.commands.send(Command::Close).await.ok();
            while self.events.recv().await.is_some() {}
        };
        tokio::time::timeout(Duration::from_secs(1), goodbye)
            .await
            .ok();
    }
}

/// Where a session tells what happens on it.
#[derive(Debug)]
struct Outlet {
    events: mpsc::Sender<Result<Event, Error>>,
    is_ready: Arc<AtomicBool>,
}

impl Outlet {
    /// False when nobody listens any more.
    async fn tell(&self, event: Result<Event, Error>) -> bool {
        match &event {
            Ok(Event::Ready) => self.is_ready.store(true, Ordering::Relaxed),
            Ok(Event::Waiting { .. }) | Err(_) => self.is_ready.store(false, Ordering::Relaxed),
            Ok(Event::Connected(_) | Event::Message(_) | Event::Gap) => {}
        }
        self.events.send(event).await.is_ok()
    }
}

impl LiveSender {
    /// Whether a connection stands, as far as is known.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Says something, and waits until the daemon carried it out. REGISTER replaces what is said after each connect.
    ///
    /// # Errors
    /// The daemon refused it, or the connection broke first: whether it was heard is then unknown.
    pub async fn say(&self, message: ClientMessage) -> Result<Ack, Error> {
        let (answer, answered) = oneshot::channel();
        let said = async {
            self.commands
                .send(Command::Say { message, answer })
                .await
                .ok()?;
            answered.await.ok()
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, said).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) | Err(_) => Err(Error::Interrupted {
                url: "the live session".into(),
                reason: "no acknowledgement came".into(),
            }),
        }
    }
}

/// Connects, talks, waits; until the end.
async fn run(
    daemon: Daemon,
    mut session: Session,
    outlet: Outlet,
    mut commands: mpsc::Receiver<Command>,
) {
    let mut backoff = Backoff::new();
    loop {
        let began = Instant::now();
        let ended = match Connection::open(&daemon, &session).await {
            Ok(connection) => connection.talk(&mut session, &outlet, &mut commands).await,
            Err(ended) => ended,
        };
        if began.elapsed() >= STABLE {
            backoff.reset();
        }
        let (reason, wait) = match ended {
            Ended::ByUs => return,
            Ended::Refused(error) => {
                outlet.tell(Err(error)).await;
                return;
            }
            Ended::Lost { reason, asked } => {
                let wait = match asked {
                    Some(asked) => backoff.next_wait_after(asked),
                    None => backoff.next_wait(),
                };
                (reason, wait)
            }
        };
        debug!(%reason, ?wait, "the live session comes back after a wait");
        let waiting = Event::Waiting {
            reason,
            wait,
            failures: backoff.failures(),
        };
        if !outlet.tell(Ok(waiting)).await {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = closed(&mut commands, &mut session) => return,
        }
    }
}

/// Waits for a goodbye. What is to be said fails at once, since there is no connection to say it in; only who we are
/// is remembered for the next one.
async fn closed(commands: &mut mpsc::Receiver<Command>, session: &mut Session) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Close => return,
            Command::Say { message, answer } => {
                if let ClientMessage::Register(register) = message {
                    session.register = Some(register);
                }
                let refused = Error::Interrupted {
                    url: "the live session".into(),
                    reason: "it is not connected".into(),
                };
                answer.send(Err(refused)).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests;
