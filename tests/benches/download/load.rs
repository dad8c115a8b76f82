//! The client: so many connections, each with one download after the other, and nobody who reads what comes.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::RecvFlags;
use sha2::{Digest, Sha256};
use tests::Daemon;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Bytes that the client has thrown away at a time.
const DISCARD_BYTES: usize = 4 << 20;

/// More than any head.
const HEAD_BYTES: usize = 8 * 1024;

/// Where the file is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// Needed by one server and passed over by the other.
    pub(crate) token: String,
}

/// What is downloaded in a round.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    requests: usize,
    part: Part,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Whole,
    SecondHalf,
    Piece(u64),
}

impl Load {
    pub(crate) const fn whole(name: &'static str, connections: usize, requests: usize) -> Self {
        Self::new(name, connections, requests, Part::Whole)
    }

    pub(crate) const fn rest(name: &'static str, connections: usize, requests: usize) -> Self {
        Self::new(name, connections, requests, Part::SecondHalf)
    }

    pub(crate) const fn piece(
        name: &'static str,
        connections: usize,
        bytes: u64,
        requests: usize,
    ) -> Self {
        Self::new(name, connections, requests, Part::Piece(bytes))
    }

    const fn new(name: &'static str, connections: usize, requests: usize, part: Part) -> Self {
        Self {
            name,
            connections,
            requests,
            part,
        }
    }

    /// Puts the load on a server; the bytes that came.
    pub(crate) async fn run(&self, target: &Target, size: u64) -> Result<u64> {
        let left = Rc::new(Cell::new(self.requests));
        let local = LocalSet::new();
        let connections: Vec<_> = (0..self.connections)
            .map(|index| {
                let (target, left, part) = (target.clone(), Rc::clone(&left), self.part);
                local.spawn_local(async move {
                    let mut connection = Connection::open(&target, index).await?;
                    let mut bytes = 0;
                    while let Some(rest) = left.get().checked_sub(1) {
                        left.set(rest);
                        bytes += connection.discard(part.range(size, rest as u64)).await?;
                    }
                    anyhow::Ok(bytes)
                })
            })
            .collect();
        local
            .run_until(async {
                let mut bytes = 0;
                for connection in connections {
                    bytes += connection.await??;
                }
                Ok(bytes)
            })
            .await
    }
}

impl Part {
    /// First and last byte, where it is not all; pieces are taken from all over the file.
    fn range(self, size: u64, index: u64) -> Option<(u64, u64)> {
        match self {
            Self::Whole => None,
            Self::SecondHalf => Some((size / 2, size - 1)),
            Self::Piece(bytes) => {
                let first = index * 7_654_321 % (size - bytes);
                Some((first, first + bytes - 1))
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    request: String,
    trash: Vec<u8>,
}

impl Connection {
    async fn open(target: &Target, index: usize) -> Result<Self> {
        let Target {
            address,
            path,
            token,
        } = target;
        Ok(Self {
            stream: TcpStream::connect(address).await?,
            request: format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nX-Client-Id: bench-{index}\r\n"
            ),
            trash: vec![0; DISCARD_BYTES],
        })
    }

    /// Asks for a part; the length of the answer's body, which comes next.
    async fn ask(&mut self, range: Option<(u64, u64)>) -> Result<u64> {
        let mut request = self.request.clone();
        if let Some((first, last)) = range {
            request.push_str(&format!("Range: bytes={first}-{last}\r\n"));
        }
        request.push_str("\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let mut head = [0; HEAD_BYTES];
        loop {
            let arrived = self.stream.peek(&mut head).await?;
            let end = head[..arrived]
                .windows(4)
                .position(|end| end == b"\r\n\r\n");
            if let Some(end) = end {
                self.stream.read_exact(&mut head[..end + 4]).await?;
                return body_length(&head[..end], range.is_some());
            }
            // Only the first bytes of the head are there; this happens too seldom to be worth more than trying again.
            ensure!(arrived > 0, "the connection ended before an answer came");
            tokio::task::yield_now().await;
        }
    }

    /// Downloads a part and lets the kernel throw it away.
    async fn discard(&mut self, range: Option<(u64, u64)>) -> Result<u64> {
        let length = self.ask(range).await?;
        let mut left = length;
        while left > 0 {
            let trash = &mut self.trash[..DISCARD_BYTES.min(usize::try_from(left)?)];
            // On TCP this flag means: do not even copy it.
            let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
            let stream = &self.stream;
            let receive = || {
                rustix::net::recv(stream.as_fd(), &mut *trash, flags)
                    .map(|(_, received)| received)
                    .map_err(io::Error::from)
            };
            let received = stream.async_io(Interest::READABLE, receive).await?;
            ensure!(received > 0, "an answer broke off");
            left -= received as u64;
        }
        Ok(length)
    }
}

fn body_length(head: &[u8], is_part: bool) -> Result<u64> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    let expected = if is_part {
        "http/1.1 206"
    } else {
        "http/1.1 200"
    };
    if !head.starts_with(expected) {
        bail!("expected {expected}: {head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("an answer has no length")?;
    Ok(length.parse()?)
}

/// Downloads all of it, to look at it.
pub(crate) async fn fetch(target: &Target) -> Result<Vec<u8>> {
    let mut connection = Connection::open(target, 0).await?;
    let length = connection.ask(None).await?;
    let mut body = vec![0; usize::try_from(length)?];
    connection.stream.read_exact(&mut body).await?;
    Ok(body)
}

/// The path of a published file below the daemon's blobs, which nginx serves.
pub(crate) fn blob_of(daemon: &Daemon, jar: &[u8]) -> String {
    let name: String = Sha256::digest(jar)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let path = format!("/{}/{name}", &name[..2]);
    let blob = daemon.data_dir().join("blobs").join(&path[1..]);
    assert!(blob.is_file(), "{} is not there", blob.display());
    path
}
