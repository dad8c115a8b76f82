//! A forward proxy, as companies have them: it wants a password, and alone knows where the daemon is.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// `user:secret`, as `Proxy-Authorization` carries it.
const EXPECTED: &str = "proxy-authorization: basic dxnlcjpzzwnyzxq=";

/// A proxy that leads to one address, whatever name it is asked for. Dropping it ends it.
#[derive(Debug)]
pub struct Forward {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Forward {
    /// A proxy to an address such as `127.0.0.1:8081`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn to(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://user:secret@{}", listener.local_addr()?);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (notes, address) = (Arc::clone(&asked), address.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, address.clone(), Arc::clone(&notes)));
            }
        });
        Ok(Self { url, asked, task })
    }

    /// What stands in a proxy variable.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first line of each connection that it carried.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut client: TcpStream,
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if !text.to_ascii_lowercase().contains(EXPECTED) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        return client.write_all(refusal).await;
    }
    let first = text.lines().next().unwrap_or_default().to_owned();
    let is_tunnel = first.starts_with("CONNECT ");
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(first);
    let mut daemon = TcpStream::connect(address).await?;
    match is_tunnel {
        true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
        // A request with a whole URL in its first line; servers understand that (RFC 9112, 3.2.2).
        false => daemon.write_all(&head).await?,
    }
    copy_bidirectional(&mut client, &mut daemon).await.map(drop)
}
