//! A WebSocket client that writes and reads single frames, valid or not.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::in_time;
use super::raw::{Connection, Request};

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
/// Set on the last frame of a message.
pub(crate) const FIN: u8 = 0x80;

/// What a client masks its frames with.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A valid handshake.
pub(crate) fn handshake(path: &str) -> Request {
    Request::new("GET", path)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==")
}

/// A connection after the handshake.
pub(crate) struct Peer<S = BufReader<TcpStream>> {
    stream: S,
}

impl Peer {
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Self {
        let mut connection = Connection::open(address).await;
        connection.write(&handshake(path)).await;
        let head = connection.read_head().await;
        assert_eq!(head.status, 101);
        assert_eq!(
            head.header("sec-websocket-accept"),
            Some("HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
        );
        Self::on(connection.into_inner())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream }
    }

    /// Writes a frame; the first byte holds the flags and the opcode.
    pub(crate) async fn write(&mut self, first: u8, payload: &[u8]) {
        let frame = frame(first, payload);
        in_time(self.stream.write_all(&frame)).await.unwrap();
    }

    pub(crate) async fn write_bytes(&mut self, bytes: &[u8]) {
        in_time(self.stream.write_all(bytes)).await.unwrap();
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.write(FIN | TEXT, text.as_bytes()).await;
    }

    /// The next frame: flags and opcode, and payload. `None` at the end of the connection, which must be in order.
    #[track_caller]
    pub(crate) fn read(&mut self) -> impl Future<Output = Option<(u8, Vec<u8>)>> {
        in_time(read(&mut self.stream))
    }

    /// The next frame, which is a text.
    pub(crate) async fn text(&mut self) -> String {
        let (first, payload) = self.read().await.expect("the connection has ended");
        assert_eq!(first, FIN | TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Reads the goodbye, answers it, and sees the connection end.
    pub(crate) async fn goodbye(&mut self) -> (u16, String) {
        let (code, reason) = self.close_frame().await;
        self.write(FIN | CLOSE, &code.to_be_bytes()).await;
        assert_eq!(self.read().await, None);
        (code, reason)
    }

    /// The next frame, which is a goodbye.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        let (first, payload) = self.read().await.expect("no goodbye");
        assert_eq!(first, FIN | CLOSE, "{payload:?}");
        let (code, reason) = payload.split_first_chunk::<2>().expect("no code");
        let reason = String::from_utf8(reason.to_vec()).unwrap();
        (u16::from_be_bytes(*code), reason)
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend(MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut first = [0];
    if stream.read(&mut first).await.unwrap() == 0 {
        return None;
    }
    let length = match stream.read_u8().await.unwrap() {
        126 => u64::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap(),
        length => u64::from(length),
    };
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    Some((first[0], payload))
}
