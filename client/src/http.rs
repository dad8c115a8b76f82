//! The daemon's HTTP API: one typed call per endpoint, and every failure with what the daemon said about it.

mod identity;
mod probe;
mod releases;
mod updates;
mod upload;
mod uploads;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use protocol::api::{Failure, Success};
use protocol::error::Details;
use protocol::{Code, ErrorBody};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::innermost;
use crate::network::{CONNECT_TIMEOUT, Network};
use crate::{Authorities, Error, Refusal, Token};

pub use probe::Probe;
pub use releases::{ListQuery, NewDelta, NewRelease, Published};
pub(crate) use updates::CLIENT_ID;
pub use upload::Sent;

/// A daemon that says nothing for this long, before an answer or in the middle of one, is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// The same for an upload: the daemon may be busy checking what it got. reqwest's own `read_timeout` would not do, for
/// it counts from the beginning of an upload, however busily that goes on.
const UPLOAD_SILENCE: Duration = Duration::from_secs(120);

/// The largest JSON answer that is read. A page of 100 releases with 64 KiB of notes each fits.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A daemon: where it is, and who we are to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Daemon {
    http: reqwest::Client,
    network: Network,
    base: Url,
    token: Option<Token>,
    silence: Duration,
}

impl Daemon {
    /// The daemon at an address such as `https://releases.example.com`. Nothing is sent yet.
    ///
    /// # Errors
    /// The address is not an `http` or `https` one, or it carries a user name, a query or a fragment.
    pub fn at(url: &str, token: Option<Token>) -> Result<Self, Error> {
        Self::trusting(url, token, Authorities::default())
    }

    /// The same for a daemon whose certificate an authority of the user's own signed.
    ///
    /// # Errors
    /// As [`Daemon::at`]; or there is no authority to trust at all.
    pub fn trusting(
        url: &str,
        token: Option<Token>,
        authorities: Authorities,
    ) -> Result<Self, Error> {
        let base = parse_base(url)?;
        let network = Network::to(&base, authorities)?;
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(CONNECT_TIMEOUT)
            .user_agent(concat!("relctl/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(network.tls().as_ref().clone())
            // A redirect would take the token along, or turn an upload into a GET.
            .redirect(reqwest::redirect::Policy::none());
        if network.is_direct() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Error::Url {
            url: base.to_string(),
            reason: chain(&error),
        })?;
        Ok(Self {
            http,
            network,
            base,
            token,
            silence: SILENCE,
        })
    }

    /// The same, with another patience: a daemon that says nothing for this long, before an answer or in the middle of
    /// one, is taken for gone. 45 seconds at first.
    #[must_use]
    pub fn with_patience(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// The same daemon, to which we show this token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// The daemon's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether there is a token to show.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url()));
        match &self.token {
            Some(token) => request.bearer_auth(token.secret()),
            None => request,
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.answer(self.request(Method::GET, path).query(query))
            .await
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.answer(self.request(method, path).json(body)).await
    }

    /// Sends a request and takes `data` out of its answer.
    pub(crate) async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let response = self.send(request).await?;
        self.read(response).await.map(|(_, data)| data)
    }

    /// The same for an upload, together with the status.
    pub(crate) async fn answer_to_upload<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        moved: &AtomicU64,
    ) -> Result<(u16, T), Error> {
        let response = self.send_upload(request, moved).await?;
        self.read(response).await
    }

    /// Sends a request with a body that takes long; `moved` counts what of it was handed to the connection.
    pub(crate) async fn send_upload(
        &self,
        request: RequestBuilder,
        moved: &AtomicU64,
    ) -> Result<Response, Error> {
        let mut sending = pin!(request.send());
        let mut before = moved.load(Ordering::Relaxed);
        loop {
            if let Ok(sent) = timeout(UPLOAD_SILENCE, &mut sending).await {
                let response = sent.map_err(|error| self.failed(&error))?;
                return self.accepted(response).await;
            }
            let now = moved.load(Ordering::Relaxed);
            if now == before {
                return Err(self.silent());
            }
            before = now;
        }
    }

    /// Takes `data` out of an answer.
    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<(u16, T), Error> {
        let status = response.status().as_u16();
        let url = response.url().to_string();
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let body = self.body(response).await?;
        match serde_json::from_slice::<Success<T>>(&body) {
            Ok(answer) => Ok((status, answer.data)),
            Err(error) => {
                let reason = match kind {
                    Some(kind) if !kind.contains("json") => {
                        format!("it sent {kind} in place of JSON")
                    }
                    _ => error.to_string(),
                };
                Err(Error::Unreadable { url, reason })
            }
        }
    }

    /// Sends a request; an answer that is an error becomes one.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        match timeout(self.silence, request.send()).await {
            Ok(sent) => {
                self.accepted(sent.map_err(|error| self.failed(&error))?)
                    .await
            }
            Err(_) => Err(self.silent()),
        }
    }

    async fn accepted(&self, response: Response) -> Result<Response, Error> {
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refusal(response).await),
        }
    }

    /// The next piece of an answer's body.
    pub(crate) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Error> {
        match timeout(self.silence, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> Error {
        Error::Interrupted {
            url: self.url().to_owned(),
            reason: "nothing was heard in time".into(),
        }
    }

    /// The error that a transport failure becomes.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> Error {
        let url = self.url().to_owned();
        let reason = chain(error);
        if error.is_connect() {
            Error::Unreachable { url, reason }
        } else if error.is_builder() {
            Error::Url { url, reason }
        } else {
            Error::Interrupted { url, reason }
        }
    }

    async fn refusal(&self, response: Response) -> Error {
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let request_id = header("x-request-id");
        let retry_after = header(RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let url = response.url().to_string();
        if status.is_redirection() {
            let location = header(LOCATION.as_str());
            let to = location.and_then(|text| Some(Url::parse(&text).ok()?.host_str()?.to_owned()));
            let to = to.map_or_else(String::new, |host| format!(" to {host}"));
            let reason = format!("it redirects{to}, as a sign-in page does ({status})");
            return Error::Unreadable { url, reason };
        }
        let body = match self.body(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Failure>(&body) {
            Ok(Failure { error, .. }) => {
                let ErrorBody {
                    code,
                    message,
                    details,
                    timestamp: _,
                } = error;
                let retry_after = retry_after.or_else(|| asked_in(details.as_ref()?));
                Error::Refused(Box::new(Refusal {
                    code,
                    message,
                    details,
                    status: Some(status.as_u16()),
                    request_id,
                    retry_after,
                }))
            }
            // A gateway in front of the daemon has words of its own; its status still tells the kind.
            Err(_) => match code_of_status(status.as_u16()) {
                Some(code) => Error::Refused(Box::new(Refusal {
                    code,
                    message: format!("{url} answered {status}, without saying why"),
                    details: None,
                    status: Some(status.as_u16()),
                    request_id,
                    retry_after,
                })),
                None => Error::Unreadable {
                    url,
                    reason: format!("status {status}"),
                },
            },
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await? {
            if body.len() + chunk.len() > ANSWER_BYTES {
                return Err(Error::Unreadable {
                    url: response.url().to_string(),
                    reason: format!("the answer is longer than {ANSWER_BYTES} bytes"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn parse_base(text: &str) -> Result<Url, Error> {
    let refused = |reason: &str| Error::Url {
        // What follows an '@' or '?' may be a secret.
        url: text.split(['?', '#']).next().unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text.trim()).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused("expected http://HOST:PORT or https://HOST"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Url {
            url: "****".into(),
            reason: "no user name or password goes into the address; use a token".into(),
        });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("no '?' or '#' belongs into the address"));
    }
    Ok(url)
}

/// A wait that is named in the body only, as some gateways leave the header away.
fn asked_in(details: &Details) -> Option<Duration> {
    match details {
        Details::RateLimit(limit) => Some(Duration::from_secs(limit.retry_after)),
        Details::Fields(_) => None,
    }
}

/// What a gateway says by its status alone. "Not found" is not among them: a server that knows no envelope is not ours,
/// and must not be taken for a daemon that has no such release.
fn code_of_status(status: u16) -> Option<Code> {
    match status {
        401 => Some(Code::Unauthorized),
        403 => Some(Code::Forbidden),
        413 => Some(Code::PayloadTooLarge),
        429 => Some(Code::RateLimited),
        502..=504 => Some(Code::Unavailable),
        _ => None,
    }
}

fn chain(error: &reqwest::Error) -> String {
    match error.is_timeout() {
        true => "no answer in time".into(),
        false => innermost(error),
    }
}

/// A segment of a path, with everything encoded that would end it: `2.1.0+build` must not arrive as `2.1.0 build`.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_perhaps_a_path() {
        for (text, url) in [
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("https://x.example/relctl/", "https://x.example/relctl"),
        ] {
            assert_eq!(Daemon::at(text, None).unwrap().url(), url);
        }
        for text in [
            "",
            "localhost:8081",
            "ws://localhost",
            "http://",
            "http://user:secret@host",
            "http://host/?token=secret",
        ] {
            let message = Daemon::at(text, None).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn a_segment_of_a_path_cannot_leave_it() {
        assert_eq!(segment("2.1.0-rc.1+b"), "2.1.0-rc.1%2Bb");
        assert_eq!(segment("../a?b#c"), "..%2Fa%3Fb%23c");
    }

    #[test]
    fn a_gateway_without_words_still_tells_the_kind() {
        assert_eq!(code_of_status(401), Some(Code::Unauthorized));
        assert_eq!(code_of_status(502), Some(Code::Unavailable));
        assert_eq!(code_of_status(404), None);
    }
}
