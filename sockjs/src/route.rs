//! What a path beneath the prefix stands for. Pure: paths are compared as they were sent, never decoded.

use axum::http::Method;

/// The longest session id that is taken. Clients make eight characters; each session keeps its own.
const MAX_SESSION_ID_BYTES: usize = 256;

/// A place beneath the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Greeting,
    Info,
    Iframe,
    RawWebsocket,
    /// A session whose id does not matter, since it lives as long as its connection.
    Websocket,
    /// A session over many requests.
    Session {
        session_id: &'a str,
        endpoint: Endpoint,
    },
}

/// The last part of a session's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Xhr,
    XhrSend,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
    JsonpSend,
}

impl<'a> Place<'a> {
    /// The place that a path names. The server part of a session's URL is for load balancers only.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        if matches!(path, "" | "/") {
            return Some(Self::Greeting);
        }
        let mut parts = path.strip_prefix('/')?.split('/');
        match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            ("info", None, ..) => Some(Self::Info),
            ("websocket", None, ..) => Some(Self::RawWebsocket),
            (page, None, ..) => is_iframe_page(page).then_some(Self::Iframe),
            (server_id, Some(session_id), Some(endpoint), None) => {
                let is_valid = is_id(server_id)
                    && is_id(session_id)
                    && session_id.len() <= MAX_SESSION_ID_BYTES;
                match endpoint {
                    _ if !is_valid => None,
                    "websocket" => Some(Self::Websocket),
                    endpoint => Some(Self::Session {
                        session_id,
                        endpoint: Endpoint::of(endpoint)?,
                    }),
                }
            }
            _ => None,
        }
    }

    /// The one method besides `OPTIONS` that it answers.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Greeting | Self::Info | Self::Iframe | Self::RawWebsocket | Self::Websocket => {
                Method::GET
            }
            Self::Session { endpoint, .. } => match endpoint {
                Endpoint::EventSource | Endpoint::HtmlFile | Endpoint::Jsonp => Method::GET,
                Endpoint::Xhr
                | Endpoint::XhrSend
                | Endpoint::XhrStreaming
                | Endpoint::JsonpSend => Method::POST,
            },
        }
    }

    /// What it answers, as the headers `Allow` and `Access-Control-Allow-Methods` say it.
    pub(crate) fn allowed_methods(&self) -> &'static str {
        match (self.has_preflight(), self.method() == Method::GET) {
            (true, true) => "OPTIONS, GET",
            (true, false) => "OPTIONS, POST",
            (false, true) => "GET",
            (false, false) => "POST",
        }
    }

    /// Whether a page of another origin reads it with a script, and so may ask before it does.
    pub(crate) fn has_preflight(&self) -> bool {
        match self {
            Self::Info => true,
            Self::Greeting | Self::Iframe | Self::RawWebsocket | Self::Websocket => false,
            Self::Session { endpoint, .. } => match endpoint {
                Endpoint::Xhr | Endpoint::XhrSend | Endpoint::XhrStreaming => true,
                Endpoint::EventSource
                | Endpoint::HtmlFile
                | Endpoint::Jsonp
                | Endpoint::JsonpSend => false,
            },
        }
    }
}

impl Endpoint {
    /// Whether a client receives by it, which is also how it opens a session.
    pub(crate) fn is_received_by(self) -> bool {
        match self {
            Self::Xhr | Self::XhrStreaming | Self::EventSource | Self::HtmlFile | Self::Jsonp => {
                true
            }
            Self::XhrSend | Self::JsonpSend => false,
        }
    }

    /// Whether its answers are read by scripts, so that a browser has to be told whose may.
    pub(crate) fn is_read_by_scripts(self) -> bool {
        match self {
            Self::Xhr | Self::XhrSend | Self::XhrStreaming | Self::EventSource => true,
            Self::HtmlFile | Self::Jsonp | Self::JsonpSend => false,
        }
    }

    fn of(name: &str) -> Option<Self> {
        match name {
            "xhr" => Some(Self::Xhr),
            "xhr_send" => Some(Self::XhrSend),
            "xhr_streaming" => Some(Self::XhrStreaming),
            "eventsource" => Some(Self::EventSource),
            "htmlfile" => Some(Self::HtmlFile),
            "jsonp" => Some(Self::Jsonp),
            "jsonp_send" => Some(Self::JsonpSend),
            _ => None,
        }
    }
}

/// Anything but nothing and dots.
fn is_id(part: &str) -> bool {
    !part.is_empty() && !part.contains('.')
}

/// `iframe[0-9-.a-z_]*.html`: clients put their version into the name.
fn is_iframe_page(part: &str) -> bool {
    part.strip_prefix("iframe")
        .and_then(|rest| rest.strip_suffix(".html"))
        .is_some_and(|version| {
            version
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_places_are_found() {
        assert_eq!(Place::of(""), Some(Place::Greeting));
        assert_eq!(Place::of("/"), Some(Place::Greeting));
        assert_eq!(Place::of("/info"), Some(Place::Info));
        assert_eq!(Place::of("/websocket"), Some(Place::RawWebsocket));
        assert_eq!(Place::of("/0/0/websocket"), Some(Place::Websocket));
        for page in [
            "/iframe.html",
            "/iframe-.html",
            "/iframe-0.1.2abc-dirty.2144.html",
        ] {
            assert_eq!(Place::of(page), Some(Place::Iframe), "{page}");
        }
    }

    #[test]
    fn sessions_take_any_id_without_dots() {
        for (path, session_id) in [
            ("/a/a/xhr", "a"),
            ("/_/_/xhr", "_"),
            ("/abcdefgh_i-j%20/abcdefg_i-j%20/xhr", "abcdefg_i-j%20"),
        ] {
            let place = Place::Session {
                session_id,
                endpoint: Endpoint::Xhr,
            };
            assert_eq!(Place::of(path), Some(place));
        }
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in [
            "a",
            "//",
            "///",
            "/a",
            "/a.html",
            "/a/a",
            "/a/a/",
            "/a/",
            "/iframe",
            "/iframe.htm",
            "/IFRAME.HTML",
            "/iframe-/.html",
            "/iframe-A.html",
            "///xhr",
            "/a./a/xhr",
            "/a/a./xhr",
            "/././/xhr",
            "//a/xhr",
            "/a//xhr",
            "//xhr",
            "/a/a/xhr/",
            "/a/a/xhr;x.bat",
            "/a/a/b/xhr",
            "/info/",
            "/a/a/XHR",
        ] {
            assert_eq!(Place::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_session_id_has_a_longest_length() {
        let path = |length| format!("/000/{}/xhr", "x".repeat(length));
        assert!(Place::of(&path(MAX_SESSION_ID_BYTES)).is_some());
        assert!(Place::of(&path(MAX_SESSION_ID_BYTES + 1)).is_none());
    }
}
