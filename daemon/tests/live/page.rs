//! A client of the SockJS endpoint by plain requests, as a browser's page makes them: `xhr_streaming` or `xhr`.

use std::collections::VecDeque;

use protocol::api::Role;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Daemon, PATIENCE};

/// How a page receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Streaming,
    Polling,
}

impl Transport {
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Streaming => "xhr_streaming",
            Self::Polling => "xhr",
        }
    }
}

pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Streaming, Transport::Polling];

/// One session of a page.
pub(crate) struct Page {
    http: reqwest::Client,
    /// The session's URL, without the transport.
    url: String,
    /// What stands behind it.
    pub(crate) query: String,
    transport: Transport,
    response: Option<Response>,
    /// The beginning of a line that has not come whole.
    partial: String,
    frames: VecDeque<String>,
    messages: VecDeque<Value>,
}

/// A frame that a page cares about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Open,
    Messages(VecDeque<Value>),
    Close(u16, String),
}

/// A request to a daemon's SockJS endpoint; `path` is what stands behind `/ws/updates`.
pub(crate) fn request(daemon: &Daemon, method: Method, path: &str) -> RequestBuilder {
    let url = format!("http://{}/ws/updates{path}", daemon.authority());
    reqwest::Client::new().request(method, url)
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    let answered = tokio::time::timeout(PATIENCE, request.send()).await;
    answered.expect("no answer in time").unwrap()
}

/// Status, headers, and the code in the envelope of a refusal.
pub(crate) async fn refusal(request: RequestBuilder) -> (u16, HeaderMap, String) {
    let response = send(request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["success"], false, "{body}");
    let code = body["error"]["code"].as_str().unwrap();
    (status, headers, code.to_owned())
}

impl Page {
    /// A session that is not open yet.
    pub(crate) fn new(daemon: &Daemon, transport: Transport, query: &str) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self::named(daemon, &id, transport, query)
    }

    pub(crate) fn named(daemon: &Daemon, id: &str, transport: Transport, query: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: format!("http://{}/ws/updates/000/{id}", daemon.authority()),
            query: query.to_owned(),
            transport,
            response: None,
            partial: String::new(),
            frames: VecDeque::new(),
            messages: VecDeque::new(),
        }
    }

    /// Opens a session of an ordinary user and reads the WELCOME.
    pub(crate) async fn open(daemon: &Daemon, transport: Transport) -> Self {
        let token = daemon.token("user", Role::User);
        Self::open_with(daemon, transport, &format!("token={token}")).await
    }

    pub(crate) async fn open_with(daemon: &Daemon, transport: Transport, query: &str) -> Self {
        let mut page = Self::new(daemon, transport, query);
        assert_eq!(page.next_frame().await, Frame::Open);
        page.expect("WELCOME").await;
        page
    }

    /// A request to one of the session's URLs.
    pub(crate) fn post(&self, endpoint: &str) -> RequestBuilder {
        let Self { url, query, .. } = self;
        self.http.post(format!("{url}/{endpoint}?{query}"))
    }

    pub(crate) async fn say(&self, message: Value) {
        self.say_texts(&[message.to_string()]).await;
    }

    /// Sends messages in one request.
    pub(crate) async fn say_texts(&self, texts: &[String]) {
        let body = serde_json::to_string(texts).unwrap();
        let response = send(self.post("xhr_send").body(body)).await;
        assert_eq!(response.status(), 204);
    }

    /// Registers; the ACK has come when this returns.
    pub(crate) async fn register(&mut self, id: &str, version: &str) {
        self.say_register(id, version).await;
        self.expect("ACK").await;
    }

    pub(crate) async fn say_register(&self, id: &str, version: &str) {
        self.say(json!({
            "type": "REGISTER",
            "id": "registration",
            "data": {"clientVersion": version, "clientId": id, "platform": "windows", "architecture": "x64"}
        }))
        .await;
    }

    /// The next message, which has to have this type; its data.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        while self.messages.is_empty() {
            match self.next_frame().await {
                Frame::Messages(messages) => self.messages = messages,
                other => panic!("expected {kind}, not {other:?}"),
            }
        }
        let message = self.messages.pop_front().unwrap();
        assert_eq!(message["type"], kind, "{message}");
        message["data"].clone()
    }

    /// The next message has to be an ERROR with this code.
    pub(crate) async fn expect_error(&mut self, code: &str) {
        let data = self.expect("ERROR").await;
        assert_eq!(data["code"], code, "{data}");
    }

    /// Nothing has come until now, up to the answer to a PING.
    pub(crate) async fn expect_nothing(&mut self) {
        self.say(json!({"type": "PING", "data": {}})).await;
        self.expect("HEARTBEAT").await;
    }

    /// Reads the close frame, which has to be next; its code.
    pub(crate) async fn closed(&mut self) -> u16 {
        assert_eq!(self.messages, Vec::<Value>::new());
        match self.next_frame().await {
            Frame::Close(code, _) => code,
            other => panic!("expected the close, not {other:?}"),
        }
    }

    /// The next frame that is no heartbeat. Asks again when a response ends, as clients do.
    pub(crate) async fn next_frame(&mut self) -> Frame {
        let reading = async {
            loop {
                match self.frames.pop_front() {
                    Some(text) if text.bytes().all(|b| b == b'h') => {}
                    Some(text) => return parsed(&text),
                    None => self.read_more().await,
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.expect("nothing came in time")
    }

    async fn read_more(&mut self) {
        let mut response = match self.response.take() {
            Some(response) => response,
            None => {
                let response = send(self.post(self.transport.endpoint())).await;
                assert_eq!(response.status(), 200, "{:?}", response.text().await);
                response
            }
        };
        while let Some(chunk) = response.chunk().await.unwrap() {
            self.partial.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((line, rest)) = self.partial.split_once('\n') {
                self.frames.push_back(line.to_owned());
                self.partial = rest.to_owned();
            }
            match self.transport {
                Transport::Streaming => {
                    self.response = Some(response);
                    return;
                }
                // There is one frame in it, and it is read to its end.
                Transport::Polling => {}
            }
        }
    }

    /// Asks for what comes next without reading it: from here on the daemon has somebody to send it to.
    pub(crate) async fn ask_ahead(&mut self) {
        if self.response.is_none() {
            self.response = Some(send(self.post(self.transport.endpoint())).await);
        }
    }
}

fn parsed(text: &str) -> Frame {
    if text == "o" {
        return Frame::Open;
    }
    if let Some(list) = text.strip_prefix('a') {
        let texts: Vec<String> = serde_json::from_str(list).unwrap();
        let message = |text: &String| serde_json::from_str(text).unwrap();
        return Frame::Messages(texts.iter().map(message).collect());
    }
    let close = text.strip_prefix('c').expect("a frame");
    let (code, reason) = serde_json::from_str(close).unwrap();
    Frame::Close(code, reason)
}
