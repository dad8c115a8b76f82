//! HTTP/1 on a bare socket.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::in_time;

/// A request to be sent as it is written here.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    version: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            version: "1.1",
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    pub(crate) fn form(self, body: &str) -> Self {
        self.header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// The request as it goes over the wire.
    pub(crate) fn text(&self) -> String {
        let Self {
            method,
            path,
            version,
            headers,
            body,
        } = self;
        let mut text = format!("{method} {path} HTTP/{version}\r\nHost: localhost\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if *method == "POST" {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text + "\r\n" + body
    }

    pub(crate) async fn stream(self, address: SocketAddr) -> Streaming {
        let mut connection = Connection::open(address).await;
        connection.write(&self).await;
        let head = connection.read_head().await;
        Streaming { head, connection }
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        let is_head = self.method == "HEAD";
        let mut streaming = self.stream(address).await;
        let body = if is_head {
            String::new()
        } else {
            streaming.body().await
        };
        let Head { status, headers } = streaming.head;
        Answer {
            status,
            headers,
            body,
        }
    }
}

/// What stands before a body.
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(key, _)| key == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} comes twice");
    value
}

/// An answer whose body is still coming. Dropped, it hangs up.
pub(crate) struct Streaming {
    pub(crate) head: Head,
    connection: Connection,
}

impl Streaming {
    /// The next chunk; `None` at the end.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> impl Future<Output = Option<String>> {
        in_time(self.connection.read_chunk())
    }

    /// The body to its end.
    async fn body(&mut self) -> String {
        if matches!(self.head.status, 204 | 304) {
            return String::new();
        }
        if self.head.header("transfer-encoding") == Some("chunked") {
            let mut body = String::new();
            while let Some(chunk) = self.chunk().await {
                body.push_str(&chunk);
            }
            return body;
        }
        match self.head.header("content-length") {
            Some(length) => self.connection.read_text(length.parse().unwrap()).await,
            None => self.connection.read_to_end().await,
        }
    }
}

/// A connection that may carry several requests.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        Self { stream }
    }

    pub(crate) async fn write(&mut self, request: &Request) {
        let text = request.text();
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        assert!(line.ends_with("\r\n"), "a line breaks off: {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    pub(crate) async fn read_head(&mut self) -> Head {
        let reading = async {
            let status_line = self.read_line().await;
            let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
            let mut headers = Vec::new();
            loop {
                let line = self.read_line().await;
                let Some((name, value)) = line.split_once(": ") else {
                    assert_eq!(line, "");
                    return Head { status, headers };
                };
                headers.push((name.to_lowercase(), value.to_owned()));
            }
        };
        in_time(reading).await
    }

    pub(crate) async fn read_chunk(&mut self) -> Option<String> {
        let size = self.read_line().await;
        let size = usize::from_str_radix(&size, 16).unwrap();
        let chunk = self.read_text(size).await;
        assert_eq!(self.read_line().await, "");
        (size > 0).then_some(chunk)
    }

    pub(crate) async fn read_text(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        in_time(self.stream.read_exact(&mut bytes)).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut text = String::new();
        in_time(self.stream.read_to_string(&mut text))
            .await
            .unwrap();
        text
    }

    pub(crate) fn into_inner(self) -> BufReader<TcpStream> {
        self.stream
    }
}
