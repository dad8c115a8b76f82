//! What a user of the crate can set. The defaults are the protocol's where it names one.

use std::time::Duration;

/// How one SockJS endpoint behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path of the endpoint, with a slash at its beginning and none at its end. Paths are compared as they were sent.
    pub prefix: String,
    /// Whether to offer WebSockets, framed and raw.
    pub websocket: bool,
    /// Whether to offer what carries no `Origin` header and so cannot be bound to a page: the iframe page, `jsonp` and
    /// `htmlfile`.
    pub without_origin: bool,
    /// The script that the iframe page loads: a sockjs-client of exactly the version that the outer page uses, since
    /// any other refuses to work.
    pub sockjs_url: String,
    /// Whether sticky load balancers get their cookie.
    pub cookie: Cookie,
    /// A receiving connection that had nothing to carry for so long gets a heartbeat.
    pub heartbeat_interval: Duration,
    /// A session without a receiving connection for so long is over.
    pub disconnect_delay: Duration,
    /// A streaming response ends after so many bytes, so that the browser can free what it holds of it.
    pub response_limit: usize,
    /// The largest request body and WebSocket message that is taken, as it was sent with all its escapes. A client puts
    /// all messages that wait into one.
    pub max_message_bytes: usize,
    /// What may wait for the peer. Past it a send has to wait or is refused.
    pub outbox: Bounds,
    /// What may wait for the application. Past it the peer has to wait; one request's messages may go over it.
    pub inbox: Bounds,
    /// Sessions at one time, of all transports. One more is refused with 503.
    pub max_sessions: usize,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Bytes of text. An empty queue takes one message of any size, since that could never be sent otherwise.
    pub bytes: usize,
}

/// The rule for the cookie `JSESSIONID`, by which load balancers keep a session on one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// None is set, and `/info` tells clients that none is needed.
    Off,
    /// The responses of all session URLs set the value that came, or a dummy that the load balancer replaces.
    JSessionId,
}

impl Options {
    /// The defaults for an endpoint at this path, such as `/echo`.
    pub fn at(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            websocket: true,
            without_origin: true,
            sockjs_url: "/sockjs.min.js".to_owned(),
            cookie: Cookie::Off,
            // Below the 35 s after which a jsonp client gives up.
            heartbeat_interval: Duration::from_secs(25),
            disconnect_delay: Duration::from_secs(5),
            response_limit: 128 * 1024,
            max_message_bytes: 128 * 1024,
            outbox: Bounds {
                messages: 128,
                bytes: 256 * 1024,
            },
            inbox: Bounds {
                messages: 128,
                bytes: 256 * 1024,
            },
            max_sessions: 10_000,
        }
    }
}
