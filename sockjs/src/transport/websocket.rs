//! `websocket`: frames as texts of a WebSocket. The session lives as long as the connection.
//!
//! The loop here serves the raw WebSocket as well; a [`Dialect`] says how the two differ.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::upload;
use crate::frame::{Close, Frame};
use crate::session::{INTERRUPTED, Shared, State};
use crate::socket::{Fault, Gone, Received, Socket};
use crate::stop::Stop;

/// How long one frame may take to leave. The kernel takes some 100 KiB at once, so who needs longer does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// How many pings may go without any sign of life, before the peer counts as gone.
const MAX_UNANSWERED: u32 = 2;

/// How a session speaks over a WebSocket.
pub(crate) trait Dialect: Send + 'static {
    /// The texts that carry a frame.
    fn encode(frame: &Frame) -> Vec<Utf8Bytes>;

    /// The messages in a text; an error ends the connection.
    fn decode(text: Utf8Bytes) -> Result<Vec<Utf8Bytes>, Broken>;
}

/// Not the dialect's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// The dialect of SockJS.
#[derive(Debug)]
pub(crate) struct Framed;

impl Dialect for Framed {
    fn encode(frame: &Frame) -> Vec<Utf8Bytes> {
        vec![frame.text()]
    }

    /// An array of messages, or one alone. Nothing at all is allowed too.
    fn decode(text: Utf8Bytes) -> Result<Vec<Utf8Bytes>, Broken> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if text.starts_with('"') {
            let message: String = serde_json::from_str(&text).map_err(|_| Broken)?;
            return Ok(vec![message.into()]);
        }
        upload::parse(text.as_bytes()).map_err(|_| Broken)
    }
}

/// How a connection ends.
enum Ending {
    /// With a goodbye to a peer that may still listen.
    Goodbye(Close),
    /// Without: it did not speak the protocol.
    HangUp,
    /// The peer is gone.
    Gone,
}

/// One connection at work.
struct Line<'a, D> {
    socket: Socket,
    shared: Arc<Shared>,
    stop: &'a Stop,
    heartbeat_interval: Duration,
    heartbeat_at: Instant,
    /// Pings do not wait for a pause: the answer is what counts.
    ping_at: Instant,
    /// Pings since something came.
    unanswered: u32,
    /// Whether the peer may send more.
    is_reading: bool,
    dialect: PhantomData<D>,
}

/// Carries a session over a WebSocket until one of them ends.
pub(crate) async fn carry<D: Dialect>(
    socket: Socket,
    shared: Arc<Shared>,
    heartbeat_interval: Duration,
    stop: &Stop,
) {
    let first_beat = Instant::now() + heartbeat_interval;
    let mut line = Line::<D> {
        socket,
        shared,
        stop,
        heartbeat_interval,
        heartbeat_at: first_beat,
        ping_at: first_beat,
        unanswered: 0,
        is_reading: true,
        dialect: PhantomData,
    };
    let ending = line.work().await;
    // For the application the session is over before the goodbye, which may take its time.
    line.shared.close(INTERRUPTED);
    match ending {
        Ending::Goodbye(Close { code, reason }) => line.socket.close(code, &reason).await,
        Ending::HangUp => line.socket.hang_up().await,
        Ending::Gone => {}
    }
}

/// What a connection was waiting for.
enum Event {
    Frame(Frame),
    Received(Received),
    Heartbeat,
    Ping,
    Stop(Close),
}

impl<D: Dialect> Line<'_, D> {
    async fn work(&mut self) -> Ending {
        loop {
            let outcome = match self.wait().await {
                Event::Frame(frame) => self.send(frame).await,
                Event::Received(received) => self.take(received),
                Event::Heartbeat => self.send(Frame::Heartbeat).await,
                Event::Ping => self.ping().await,
                Event::Stop(close) => {
                    self.shared.close(close);
                    Ok(())
                }
            };
            if let Err(ending) = outcome {
                return ending;
            }
        }
    }

    async fn wait(&mut self) -> Event {
        let Self { shared, socket, .. } = self;
        let is_open = shared.lock().is_open();
        // What the application does not take stays with the peer.
        let receive = async {
            shared
                .when(|state| state.has_room_to_deliver().then_some(()))
                .await;
            socket.receive().await
        };
        tokio::select! {
            frame = shared.next_frame() => Event::Frame(frame),
            received = receive, if self.is_reading => Event::Received(received),
            () = tokio::time::sleep_until(self.heartbeat_at) => Event::Heartbeat,
            () = tokio::time::sleep_until(self.ping_at) => Event::Ping,
            close = self.stop.begun(), if is_open => Event::Stop(close),
        }
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Ending> {
        let socket = &mut self.socket;
        let sending = async {
            for text in D::encode(&frame) {
                socket.send_text(text).await?;
            }
            Ok::<_, Gone>(())
        };
        match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(Gone)) | Err(_) => return Err(Ending::Gone),
        }
        self.heartbeat_at = Instant::now() + self.heartbeat_interval;
        match frame {
            Frame::Close(close) => Err(Ending::Goodbye(close)),
            Frame::Open | Frame::Heartbeat | Frame::Messages(_) => Ok(()),
        }
    }

    fn take(&mut self, received: Received) -> Result<(), Ending> {
        self.unanswered = 0;
        match received {
            Received::Text(text) => {
                let messages = D::decode(text).map_err(|Broken| Ending::HangUp)?;
                self.shared.change(|state| state.deliver(messages));
            }
            Received::Binary(_) => {
                return Err(Ending::Goodbye(Close::new(1003, "texts only")));
            }
            Received::Sign => self.shared.change(State::sign),
            Received::Closed => return Err(Ending::Goodbye(Close::new(1000, ""))),
            Received::Failed(Fault::TooLarge) => {
                // The application may still have something to say about it.
                self.is_reading = false;
                self.shared.change(State::exceed);
            }
            Received::Failed(Fault::Gone) => return Err(Ending::Gone),
            Received::Failed(fault @ (Fault::Protocol | Fault::NotUtf8)) => {
                let (code, reason) = fault.goodbye();
                return Err(Ending::Goodbye(Close::new(code, reason)));
            }
        }
        Ok(())
    }

    /// Asks for a sign of life, which every WebSocket gives.
    async fn ping(&mut self) -> Result<(), Ending> {
        // While nothing is read, nothing can be heard.
        if self.is_reading && self.shared.lock().has_room_to_deliver() {
            self.unanswered += 1;
        }
        if self.unanswered > MAX_UNANSWERED {
            return Err(Ending::Gone);
        }
        self.ping_at = Instant::now() + self.heartbeat_interval;
        match tokio::time::timeout(SEND_TIMEOUT, self.socket.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Gone)) | Err(_) => Err(Ending::Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_an_array_or_a_single_message() {
        for (text, messages) in [
            ("", vec![]),
            ("[]", vec![]),
            (r#"["a","b"]"#, vec!["a".into(), "b".into()]),
            (r#""a""#, vec!["a".into()]),
        ] {
            assert_eq!(Framed::decode(text.into()), Ok(messages), "{text}");
        }
        for broken in [r#"["a"#, r#""a"#, "{}", "x", "[1]"] {
            assert_eq!(Framed::decode(broken.into()), Err(Broken), "{broken}");
        }
    }
}
