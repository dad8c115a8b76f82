//! Thousands of WebSocket sessions in one thread, without a buffer or a task for each.
//!
//! It knows as much of WebSocket as it needs: whole frames from the server, of which it counts those that hold a marker.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// Connections that are being opened at a time.
const OPENING: usize = 64;

/// What one read may bring.
const BUFFER_BYTES: usize = 64 * 1024;

/// What a session says first, and how it knows that it is ready.
pub(crate) struct Hello {
    pub(crate) address: SocketAddr,
    /// Path and query of the handshake.
    pub(crate) target: String,
    /// Messages to send once the connection stands, by the number of the session.
    pub(crate) messages: fn(usize) -> Vec<String>,
    /// A session is ready when it hears this; with none, when the connection stands.
    pub(crate) ready: Option<&'static str>,
}

/// All sessions.
pub(crate) struct Flock {
    poll: Poll,
    members: Vec<Member>,
    buffer: Vec<u8>,
    /// What the messages hold that are waited for.
    marker: Vec<u8>,
    /// When each session heard it, in the order of hearing.
    heard: Vec<Instant>,
    /// Messages of the length of an announcement, of all sessions.
    delivered: u64,
}

struct Member {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a frame whose rest has not come yet.
    rest: Vec<u8>,
    has_heard: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Shaking,
    Waiting,
    Ready,
}

/// Shorter messages are no announcements: greetings, heartbeats.
const SHORTEST_ANNOUNCEMENT: usize = 400;
/// A longer frame holds several.
const LONGEST_ANNOUNCEMENT: usize = 800;
/// What each announcement holds once.
const ANNOUNCED: &[u8] = b"NEW_VERSION_AVAILABLE";

impl Flock {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            members: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            marker: Vec::new(),
            heard: Vec::new(),
            delivered: 0,
        })
    }

    /// Opens all sessions. Gives the time until the last handshake was answered, and until the last session was ready.
    pub(crate) fn open(
        &mut self,
        count: usize,
        hello: &Hello,
        patience: Duration,
    ) -> Result<(Duration, Duration)> {
        let began = Instant::now();
        let (mut connected, mut ready) = (0, 0);
        let mut last_connected = began;
        let mut events = Events::with_capacity(1024);
        while ready < count {
            if began.elapsed() > patience {
                bail!(
                    "{connected} of {count} sessions were opened in {patience:?}, {ready} were ready"
                );
            }
            while self.members.len() < count && self.members.len() - connected < OPENING {
                self.connect(hello.address)?;
            }
            self.wait(&mut events, Duration::from_millis(100))?;
            for event in &events {
                let index = event.token().0;
                let before = self.members[index].stage;
                self.advance(index, hello)?;
                let after = self.members[index].stage;
                let is_open = |stage| matches!(stage, Stage::Waiting | Stage::Ready);
                if is_open(after) && !is_open(before) {
                    connected += 1;
                    last_connected = Instant::now();
                }
                if after == Stage::Ready && before != Stage::Ready {
                    ready += 1;
                }
            }
        }
        Ok((last_connected - began, began.elapsed()))
    }

    /// From now on a session has heard when a message holds this.
    pub(crate) fn listen_for(&mut self, marker: &str) {
        self.marker = marker.as_bytes().to_vec();
        self.heard.clear();
        for member in &mut self.members {
            member.has_heard = false;
        }
    }

    /// Reads until every session has heard.
    pub(crate) fn read_until_heard(&mut self, patience: Duration) -> Result<&[Instant]> {
        let until = Instant::now() + patience;
        let count = self.members.len();
        self.read_while(|flock| flock.heard.len() < count && Instant::now() < until)?;
        if self.heard.len() < count {
            bail!(
                "{} of {count} sessions heard within {patience:?}",
                self.heard.len()
            );
        }
        Ok(&self.heard)
    }

    /// Reads for a time.
    pub(crate) fn read_for(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        self.read_while(|_| Instant::now() < until)
    }

    /// Messages of the length of an announcement that all sessions have read.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    fn read_while(&mut self, goes_on: impl Fn(&Self) -> bool) -> Result<()> {
        let mut events = Events::with_capacity(4096);
        while goes_on(self) {
            self.wait(&mut events, Duration::from_millis(20))?;
            for event in &events {
                self.read(event.token().0)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, time: Duration) -> Result<()> {
        match self.poll.poll(events, Some(time)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn connect(&mut self, address: SocketAddr) -> Result<()> {
        let mut stream = TcpStream::connect(address)?;
        let token = Token(self.members.len());
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, token, interests)?;
        self.members.push(Member {
            stream,
            stage: Stage::Connecting,
            rest: Vec::new(),
            has_heard: false,
        });
        Ok(())
    }

    /// What an event means for a session that is being opened.
    fn advance(&mut self, index: usize, hello: &Hello) -> Result<()> {
        let member = &mut self.members[index];
        if member.stage == Stage::Connecting {
            if member.stream.peer_addr().is_err() {
                return match member.stream.take_error()? {
                    Some(error) => Err(error).context("cannot connect"),
                    None => Ok(()),
                };
            }
            let target = &hello.target;
            // In one piece, as clients send it.
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                hello.address
            );
            member.stream.write_all(request.as_bytes())?;
            member.stage = Stage::Shaking;
        }
        if member.stage == Stage::Shaking && !member.read_head(&mut self.buffer)? {
            return Ok(());
        }
        if member.stage == Stage::Shaking {
            for message in (hello.messages)(index) {
                member.stream.write_all(&frame(0x1, message.as_bytes()))?;
            }
            member.stage = match hello.ready {
                Some(_) => Stage::Waiting,
                None => Stage::Ready,
            };
        }
        if let (Stage::Waiting, Some(ready)) = (member.stage, hello.ready) {
            self.marker = ready.as_bytes().to_vec();
            self.read(index)?;
            let member = &mut self.members[index];
            if member.has_heard {
                member.stage = Stage::Ready;
            }
        }
        Ok(())
    }

    /// Reads what has come for a session.
    fn read(&mut self, index: usize) -> Result<()> {
        let member = &mut self.members[index];
        loop {
            let taken = match member.stream.read(&mut self.buffer) {
                Ok(0) => bail!("session {index} was closed by the server"),
                Ok(taken) => taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).with_context(|| format!("session {index} broke")),
            };
            let bytes = &self.buffer[..taken];
            let is_whole = taken < self.buffer.len();
            let mut heard = Heard::default();
            if member.rest.is_empty() {
                let used = heard.take(bytes, &self.marker)?;
                member.rest.extend_from_slice(&bytes[used..]);
            } else {
                member.rest.extend_from_slice(bytes);
                let used = heard.take(&member.rest, &self.marker)?;
                member.rest.drain(..used);
            }
            if member.rest.is_empty() && member.rest.capacity() > 0 {
                member.rest = Vec::new();
            }
            if heard.pings > 0 {
                member.stream.write_all(&frame(0xA, &[]))?;
            }
            self.delivered += heard.announcements;
            if heard.has_marker && !member.has_heard {
                member.has_heard = true;
                self.heard.push(Instant::now());
            }
            // Edge-triggered: what did not fill the buffer was all there was.
            if is_whole {
                return Ok(());
            }
        }
    }
}

impl Member {
    /// Whether the handshake has been answered, with what follows the answer in `rest`.
    fn read_head(&mut self, buffer: &mut [u8]) -> Result<bool> {
        match self.stream.read(buffer) {
            Ok(0) => bail!("a handshake was answered by the end of the connection"),
            Ok(taken) => self.rest.extend_from_slice(&buffer[..taken]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("a handshake broke"),
        }
        let Some(end) = find(&self.rest, b"\r\n\r\n") else {
            return Ok(false);
        };
        if !self.rest.starts_with(b"HTTP/1.1 101") {
            bail!("refused: {}", String::from_utf8_lossy(&self.rest));
        }
        self.rest.drain(..end + 4);
        Ok(true)
    }
}

/// What a piece of the stream held.
#[derive(Default)]
struct Heard {
    has_marker: bool,
    announcements: u64,
    pings: u32,
}

impl Heard {
    /// Takes the whole frames at the beginning of `bytes`; gives what they took up.
    fn take(&mut self, bytes: &[u8], marker: &[u8]) -> Result<usize> {
        let mut used = 0;
        while let Some((opcode, payload, length)) = first_frame(&bytes[used..]) {
            used += length;
            match opcode {
                0x8 => bail!(
                    "the server closed a session: {}",
                    String::from_utf8_lossy(payload)
                ),
                0x9 => self.pings += 1,
                _ => {
                    self.announcements += announcements_in(payload);
                    self.has_marker |= !marker.is_empty() && find(payload, marker).is_some();
                }
            }
        }
        Ok(used)
    }
}

/// NATS puts what waits for a session into one frame.
fn announcements_in(payload: &[u8]) -> u64 {
    match payload.len() {
        0..SHORTEST_ANNOUNCEMENT => 0,
        SHORTEST_ANNOUNCEMENT..LONGEST_ANNOUNCEMENT => 1,
        _ => payload
            .windows(ANNOUNCED.len())
            .filter(|part| *part == ANNOUNCED)
            .count() as u64,
    }
}

/// Opcode, payload and whole length of the frame that `bytes` begin with (RFC 6455 section 5.2).
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let [first, second, ..] = bytes else {
        return None;
    };
    let (length, head) = match second & 0x7F {
        126 => (
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let end = head + usize::try_from(length).ok()?;
    Some((first & 0xF, bytes.get(head..end)?, end))
}

/// A frame as a client sends it. The mask is zero, so that there is nothing to do.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
