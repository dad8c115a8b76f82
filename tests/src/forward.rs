//! A forward proxy, as companies have them: it alone knows where the daemon is. By HTTP it wants a password; it speaks
//! SOCKS 5 as well.

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

    /// The same, for whoever shall speak SOCKS to it.
    #[must_use]
    pub fn socks_url(&self) -> String {
        self.url.replace("http://user:secret@", "socks5h://")
    }

    /// The first line of each connection that it carried; `SOCKS HOST:PORT` for one by SOCKS.
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
    let note = |line: String| {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(line);
    };
    let mut first = [0];
    client.peek(&mut first).await?;
    let mut daemon;
    if first == [5] {
        note(socks_target(&mut client).await?);
        daemon = TcpStream::connect(address).await?;
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    } else {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        if !text.to_ascii_lowercase().contains(EXPECTED) {
            let refusal =
                b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            return client.write_all(refusal).await;
        }
        note(text.lines().next().unwrap_or_default().to_owned());
        daemon = TcpStream::connect(address).await?;
        match text.starts_with("CONNECT ") {
            true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
            // A request with a whole URL in its first line; servers understand that (RFC 9112, 3.2.2).
            false => daemon.write_all(&head).await?,
        }
    }
    copy_bidirectional(&mut client, &mut daemon).await.map(drop)
}

/// Which name a client of SOCKS 5 wants to reach (RFC 1928); an address is of no use to a test.
async fn socks_target(client: &mut TcpStream) -> io::Result<String> {
    let [_version, methods] = client.read_u16().await?.to_be_bytes();
    client
        .read_exact(&mut vec![0; usize::from(methods)])
        .await?;
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 5];
    client.read_exact(&mut request).await?;
    let [5, 1, 0, 3, length] = request else {
        return Err(io::Error::other("a name was expected"));
    };
    let mut name = vec![0; usize::from(length)];
    client.read_exact(&mut name).await?;
    let port = client.read_u16().await?;
    Ok(format!("SOCKS {}:{port}", String::from_utf8_lossy(&name)))
}
