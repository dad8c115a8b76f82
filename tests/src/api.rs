//! The daemon's HTTP API as any program would use it: paths and JSON, not our SDK.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use protocol::api::paths;

/// Every answer comes within this, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon's address and the token to use there.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Api {
    #[must_use]
    pub fn new(url: &str, token: Option<&str>) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// A request that the caller completes; `path` starts with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .timeout(PATIENCE);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> impl Future<Output = Answer> + use<> {
        send(self.request(Method::GET, path))
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> impl Future<Output = Answer> + use<> {
        send(self.request(Method::POST, path).json(body))
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> impl Future<Output = Answer> + use<> {
        send(self.request(Method::PATCH, path).json(body))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> impl Future<Output = Answer> + use<> {
        send(self.request(Method::DELETE, path))
    }

    /// `GET /check`.
    #[track_caller]
    pub fn check(&self, version: &str, channel: &str) -> impl Future<Output = Answer> + use<> {
        self.get(&format!(
            "{}/check?currentVersion={version}&channel={channel}",
            paths::CLIENT
        ))
    }

    /// `GET /download/{version}`.
    #[track_caller]
    pub fn download(&self, version: &str) -> impl Future<Output = Answer> + use<> {
        self.get(&format!("{}/download/{version}", paths::CLIENT))
    }

    /// `GET …/admin/updates/versions/{version}`.
    #[track_caller]
    pub fn release(&self, version: &str) -> impl Future<Output = Answer> + use<> {
        self.get(&format!("{}/versions/{version}", paths::ADMIN))
    }

    /// `POST …/admin/updates/versions`.
    #[track_caller]
    pub fn publish(&self, upload: &Upload) -> impl Future<Output = Answer> + use<> {
        let request = self
            .request(Method::POST, &format!("{}/versions", paths::ADMIN))
            .multipart(upload.form());
        send(request)
    }

    /// `PATCH …/versions/{version}` with a new state.
    #[track_caller]
    pub fn set_state(&self, version: &str, state: &str) -> impl Future<Output = Answer> + use<> {
        self.patch(
            &format!("{}/versions/{version}", paths::ADMIN),
            &serde_json::json!({ "state": state }),
        )
    }
}

/// Sends a request.
///
/// # Panics
/// When no whole answer comes.
#[track_caller]
pub fn send(request: RequestBuilder) -> impl Future<Output = Answer> {
    let caller = std::panic::Location::caller();
    async move {
        match try_send(request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{caller}: no answer: {error:?}"),
        }
    }
}

/// Sends a request that may well fail, such as one to a daemon that is being killed.
///
/// # Errors
/// No whole answer came.
pub async fn try_send(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await?.to_vec(),
    })
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// States the status that it must have.
    #[track_caller]
    #[must_use]
    pub fn is(self, status: u16) -> Self {
        if self.status != status {
            crate::fail(
                format!("expected status {status}, got {}", self.status),
                &self.text(),
            );
        }
        self
    }

    /// States the refusal that it must be.
    #[track_caller]
    pub fn is_refused(self, status: u16, code: &str) {
        let answer = self.is(status);
        if answer.json()["error"]["code"] != code {
            crate::fail(format!("expected the code {code}"), &answer.text());
        }
    }

    /// The body as text, for people.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which must be JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(document) => document,
            Err(error) => crate::fail(format!("not JSON: {error}"), &self.text()),
        }
    }

    /// The `data` of a success.
    #[track_caller]
    #[must_use]
    pub fn data(&self) -> Value {
        let mut document = self.json();
        if document["success"] != true {
            crate::fail(format!("not a success: {}", self.status), &self.text());
        }
        document["data"].take()
    }

    /// A header's text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A release to publish, with the fields of the specification's form.
#[derive(Clone, Debug)]
pub struct Upload {
    jar: Vec<u8>,
    fields: Vec<(String, String)>,
}

impl Upload {
    /// An ordinary release on `stable` that every client may take.
    #[must_use]
    pub fn new(version: &str, jar: Vec<u8>) -> Self {
        Self {
            jar,
            fields: Vec::new(),
        }
        .with("versionNumber", version)
        .with("isMandatory", "false")
        .with("releaseNotes", "Bug fixes and improvements")
        .with("minimumClientVersion", "0.0.0")
        .with("releaseChannel", "stable")
    }

    /// Sets a field of the form, in place of what it was.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uploads it without telling anybody.
    #[must_use]
    pub fn draft(self) -> Self {
        self.with("draft", "true")
    }

    /// The multipart form.
    #[must_use]
    pub fn form(&self) -> Form {
        let file = Part::bytes(self.jar.clone()).file_name("app.jar");
        // The file comes last, so that a refusal of the other fields need not wait for it.
        self.fields
            .iter()
            .fold(Form::new(), |form, (name, value)| {
                form.text(name.clone(), value.clone())
            })
            .part("file", file)
    }
}
