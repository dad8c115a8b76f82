//! A daemon in a temporary folder, and a small client for it.

use std::time::Duration;

use daemon::app::{Running, start};
use daemon::config::Config;
use protocol::api::paths;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running daemon.
pub(crate) struct Daemon {
    running: Option<Running>,
    pub(crate) folder: TempDir,
    pub(crate) http: reqwest::Client,
    pub(crate) admin: String,
    url: String,
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = config(&folder, set);
        let running = start(config).await.expect("the daemon starts");
        let admin = std::fs::read_to_string(folder.path().join("admin.token"));
        Self {
            url: format!("http://{}", running.address()),
            running: Some(running),
            // Where somebody else issues the tokens there is none.
            admin: admin.unwrap_or_default().trim().to_owned(),
            http: reqwest::Client::new(),
            folder,
        }
    }

    /// Stops it in order and starts it again on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    /// The same with other settings.
    pub(crate) async fn restart_with(&mut self, set: impl FnOnce(&mut Config)) {
        self.stop().await;
        let running = start(config(&self.folder, set))
            .await
            .expect("the daemon starts again");
        self.url = format!("http://{}", running.address());
        self.running = Some(running);
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("the daemon runs")
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running().address()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A request as the administrator.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_as(&self.admin, method, path)
    }

    pub(crate) fn request_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path)).bearer_auth(token);
        request.timeout(Duration::from_secs(30))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        send(self.request_as(token, Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn publish(&self, upload: Upload) -> Answer {
        self.publish_as(&self.admin, upload).await
    }

    pub(crate) async fn publish_as(&self, token: &str, upload: Upload) -> Answer {
        let request = self.request_as(token, Method::POST, &versions(""));
        send(request.multipart(upload.form())).await
    }

    /// Publishes tiny JARs of these versions on `stable`.
    pub(crate) async fn has(&self, versions: &[&str]) {
        for version in versions {
            let answer = self.publish(Upload::new(version)).await;
            assert_eq!(answer.status, 201, "{version}: {}", answer.text());
        }
    }

    /// Adds a user and gives a token for it.
    pub(crate) async fn token_of(&self, name: &str, role: &str) -> String {
        let user = json!({ "username": name, "role": role });
        assert_eq!(self.post("/api/v1/admin/users", &user).await.status, 201);
        let token = json!({ "username": name, "ttlSeconds": 3600 });
        let answer = self.post("/api/v1/admin/tokens", &token).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.data()["token"].as_str().expect("a token").to_owned()
    }

    /// Files in the staging folder.
    pub(crate) fn staged(&self) -> usize {
        count_files(&self.folder.path().join("staging"))
    }

    /// Files in the blob folders.
    pub(crate) fn blobs(&self) -> usize {
        count_files(&self.folder.path().join("blobs"))
    }
}

fn config(folder: &TempDir, set: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::with_defaults(folder.path().to_owned());
    config.listen = ([127, 0, 0, 1], 0).into();
    config.shutdown_grace = Duration::from_secs(5);
    set(&mut config);
    config
}

fn count_files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { count_files(&path) } else { 1 })
        .sum()
}

/// A path below the publishers' versions.
pub(crate) fn versions(rest: &str) -> String {
    format!("{}/versions{rest}", paths::ADMIN)
}

/// A path below the clients' endpoints.
pub(crate) fn updates(rest: &str) -> String {
    format!("{}{rest}", paths::CLIENT)
}

/// A form for a create.
#[derive(Clone)]
pub(crate) struct Upload {
    fields: Vec<(String, String)>,
    pub(crate) jar: Vec<u8>,
    pub(crate) file_name: String,
    pub(crate) file_first: bool,
}

impl Upload {
    pub(crate) fn new(version: &str) -> Self {
        let upload = Self {
            fields: Vec::new(),
            jar: fixtures::jars::tiny_jar(version),
            file_name: format!("app-{version}.jar"),
            file_first: false,
        };
        upload
            .with("versionNumber", version)
            .with("isMandatory", "false")
            .with("releaseNotes", "Bug fixes and improvements")
            .with("minimumClientVersion", "0.1.0")
            .with("releaseChannel", "stable")
    }

    /// Sets a field.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// Adds a field, also when it is there already.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    pub(crate) fn with_jar(mut self, jar: Vec<u8>) -> Self {
        self.jar = jar;
        self
    }

    pub(crate) fn form(self) -> Form {
        let file = Part::bytes(self.jar).file_name(self.file_name);
        let texts = |form: Form| {
            let fields = self.fields.into_iter();
            fields.fold(form, |form, (name, value)| form.text(name, value))
        };
        if self.file_first {
            texts(Form::new().part("file", file))
        } else {
            texts(Form::new()).part("file", file)
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The data of a success.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        let json = self.json();
        assert_eq!(json["success"], true, "{} {json}", self.status);
        json["data"].clone()
    }

    /// States that it is a refusal with this status and code, in the one error body.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        assert_eq!(json["error"]["code"], code, "{json}");
        assert!(
            json["error"]["timestamp"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
        assert!(self.headers.contains_key("x-request-id"));
        json["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer comes");
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response
            .bytes()
            .await
            .expect("a whole answer comes")
            .to_vec(),
    }
}

/// Waits until something holds; nothing tells us when.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
