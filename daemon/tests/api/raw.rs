//! A client that decides itself how much it reads, and how it leaves.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{Daemon, Upload};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kernel's buffer of the client; the daemon's is some megabytes.
const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;

/// More than all buffers between the two together, and incompressible.
const LARGE_BYTES: usize = 24 << 20;

/// A daemon's release that does not fit into the buffers between it and a client; its size.
pub(crate) async fn publish_large(daemon: &Daemon, version: &str) -> u64 {
    let (jar, _) = fixtures::jars::jar_pair(5, LARGE_BYTES);
    let size = jar.len() as u64;
    let answer = daemon.publish(Upload::new(version).with_jar(jar)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    size
}

/// A download whose answer has begun.
pub(crate) struct RawDownload(pub(crate) TcpStream);

impl RawDownload {
    /// Asks for a path as a client, with more header lines, and reads the head of the answer, which is to be a success.
    pub(crate) async fn begin(daemon: &Daemon, path: &str, client: &str, lines: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
            .expect("a small buffer");
        let mut stream = socket
            .connect(daemon.address())
            .await
            .expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nX-Client-Id: {client}\r\n{lines}\r\n",
            daemon.admin
        );
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, stream.read_u8()).await;
            head.push(byte.expect("a head in time").expect("a head"));
        }
        let head = String::from_utf8(head).expect("a head of ASCII");
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        Self(stream)
    }

    /// Waits until nothing more arrives: all buffers on the way are full, and the daemon waits.
    pub(crate) async fn fill_buffers(&self) {
        let mut unread = vec![0; 2 * RECEIVE_BUFFER_BYTES as usize];
        let (mut seen, mut same) = (0, 0);
        while seen == 0 || same < 10 {
            let arrived = timeout(PATIENCE, self.0.peek(&mut unread)).await;
            let arrived = arrived.expect("bytes in time").expect("bytes");
            same = if arrived == seen { same + 1 } else { 0 };
            seen = arrived;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Reads so many bytes; fewer when the answer breaks off.
    pub(crate) async fn read(&mut self, bytes: u64) -> Vec<u8> {
        let mut body = Vec::new();
        let mut rest = (&mut self.0).take(bytes);
        // A reset is one way to break off.
        let _ = timeout(PATIENCE, rest.read_to_end(&mut body))
            .await
            .expect("bytes in time");
        body
    }
}
