//! The specification's own JavaScript classes, unmodified, over each transport of the stock SockJS client: in headless
//! Chromium from a page of `http://localhost:3000`, and in Node.
//!
//! `tests/browser` has the page and what drives it. For each transport it opens a session and says so; then a release is
//! published here, and it has to hear of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use tests::process::{Process, Stream};
use tests::{Daemon, Setup};

use crate::jars::{large_jar, small_jar};
use crate::{BINARIES, sha256, specification};

/// What the page's origin is in the specification's own CORS settings.
const PAGE: &str = "http://localhost:3000";

/// What breaks transports that do not escape it: `decodeURI`, inline scripts, line ends of JavaScript, surrogate pairs.
const NOTES: &str =
    "100% %41 </script><script>alert(1)</script> a\u{2028}b\u{2029}c \u{1f600} \"quoted\\\"";

/// Every transport that Chromium has for a page of another origin.
const IN_CHROMIUM: &[&str] = &[
    "websocket",
    "xhr-streaming",
    "eventsource",
    "iframe-eventsource",
    "iframe-htmlfile",
    "xhr-polling",
    "iframe-xhr-polling",
    "jsonp-polling",
];
/// The one that needs a page of the same origin.
const IN_CHROMIUM_SAME_ORIGIN: &str = "htmlfile";
const IN_NODE: &[&str] = &["websocket", "xhr-streaming", "eventsource", "xhr-polling"];

/// The releases for UpdateAPIClient: large ones, with a delta. UpdateManager says that it is 2.0.0, and is not offered them.
const FROM: &str = "1.0.0";
const TO: &str = "1.1.0";

/// A browser starts within a second or two; on a busy machine it takes many.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_page_in_chromium_uses_the_specifications_classes_over_every_transport() {
    let suite = Suite::start();
    let mut sessions = sessions(IN_CHROMIUM);
    sessions.push(json!({
        "transport": IN_CHROMIUM_SAME_ORIGIN,
        "version": "2.1.100",
        "base": PAGE,
    }));
    let said = suite.run("chromium.mjs", &sessions);
    suite.check(&said, &sessions);
    // A refused `/info` is the one request of a client that gives up at once.
    let refusals = said["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 1, "{refusals:#?}");
}

#[test]
fn a_program_in_node_uses_the_specifications_classes_over_every_transport() {
    let suite = Suite::start();
    let sessions = sessions(IN_NODE);
    let said = suite.run("node.mjs", &sessions);
    suite.check(&said, &sessions);
}

/// A session for each transport, and the release that it waits for.
fn sessions(transports: &[&str]) -> Vec<Value> {
    let session = |(at, transport)| json!({"transport": transport, "version": format!("2.1.{at}")});
    transports.iter().enumerate().map(session).collect()
}

/// A daemon with two releases, and users for the page.
struct Suite {
    daemon: Daemon,
    token: String,
    /// Of a user with no other session, so that the daemon knows whose download it is.
    reader_token: String,
}

impl Suite {
    fn start() -> Self {
        let config = format!(
            "[cors]\nallowed-origins = [\"{PAGE}\"]\n\
             [sockjs]\nclient-url = \"{PAGE}/sockjs.min.js\"\n\
             [limits]\nconnections-per-minute = 0\n\
             [log]\nlevel = \"debug\"\n"
        );
        let daemon = Setup::new(BINARIES).config(config).start();
        let [token, reader_token] = ["page", "reader"].map(|user| {
            daemon
                .relctl(["user", "add", user, "--role", "USER"])
                .succeed();
            let token = daemon.relctl(["token", "create", "--user", user]).succeed();
            token.trim().to_owned()
        });
        let suite = Self {
            daemon,
            token,
            reader_token,
        };
        suite.publish(FROM, &large_jar(FROM), "none");
        suite.publish(TO, &large_jar(TO), FROM);
        suite
    }

    fn publish(&self, version: &str, jar: &[u8], delta_from: &str) {
        let path = self.daemon.home().join("app.jar");
        std::fs::write(&path, jar).unwrap();
        let notes = self.daemon.home().join("notes.txt");
        std::fs::write(&notes, NOTES).unwrap();
        self.daemon
            .relctl(["publish"])
            .path(&path)
            .args(["--version", version, "--delta-from", delta_from])
            .args(["--notes-file"])
            .path(&notes)
            .succeed();
    }

    /// Runs a driver, publishes a release for each session that it opens, and gives its result.
    fn run(&self, driver: &str, sessions: &[Value]) -> Value {
        let daemon = &self.daemon;
        let base = daemon.url().replace("127.0.0.1", "localhost");
        let task = json!({
            "base": base,
            "daemon": daemon.url(),
            "token": self.token,
            "sessions": sessions,
            "api": {"token": self.reader_token, "base": base, "from": FROM, "to": TO},
        });
        let classes = daemon.home().join("specification.js");
        let text = ["UpdateManager", "UpdateAPIClient"].map(specification::javascript_class);
        std::fs::write(&classes, text.join("\n")).unwrap();
        let mut command = Command::new("node");
        command
            .arg(installed().join(driver))
            .env("TASK_WITH_TOKENS", task.to_string())
            .env("SPECIFICATION", classes)
            .env("PROFILE", daemon.home().join("profile"))
            // What a browser that was killed leaves behind goes with the test.
            .env("TMPDIR", daemon.home());
        let mut node = Process::start(&mut command);
        for session in sessions {
            let transport = session["transport"].as_str().unwrap();
            let ready = format!("ready {transport}\n");
            node.wait_for(&ready, Stream::Stdout, PATIENCE, |said| {
                said.contains(&ready).then_some(())
            });
            let version = session["version"].as_str().unwrap();
            self.publish(version, &small_jar(version), "none");
        }
        let status = node.wait(PATIENCE);
        assert!(status.success(), "{node:?}\n{}", daemon.story());
        let said = node.said(Stream::Stdout);
        let result = said.lines().find_map(|line| line.strip_prefix("result "));
        serde_json::from_str(result.expect("a result")).unwrap()
    }

    fn check(&self, said: &Value, sessions: &[Value]) {
        for session in sessions {
            let transport = session["transport"].as_str().unwrap();
            let version = session["version"].as_str().unwrap();
            let told = &said["sessions"][transport];
            assert_eq!(told["used"], transport);
            assert_eq!(told["update"]["releaseNotes"], NOTES, "{transport}");
            let jar = small_jar(version);
            assert_eq!(told["update"]["fileSize"], jar.len(), "{transport}");
            let goodbye = json!({"code": 1000, "reason": "Client disconnect"});
            assert_eq!(told["closed"], goodbye, "{transport}");
            assert_eq!(told["errors"], json!([]), "{transport}");
        }
        check_api(&said["api"]);
        let gave_up = json!({"code": 1002, "reason": "Cannot connect to server"});
        assert_eq!(said["refused"], gave_up);
        let log = self.daemon.log();
        for token in [&self.token, &self.reader_token] {
            assert!(!log.contains(token.as_str()), "a token is in the log");
        }
        assert!(log.contains("/ws/updates/info?token=***"));
    }
}

/// What UpdateAPIClient was told.
fn check_api(told: &Value) {
    let jar = large_jar(TO);
    assert_eq!(told["check"]["data"]["updateAvailable"], true);
    assert_eq!(told["sha256"], sha256(&jar));
    let last_step = json!({"loaded": jar.len(), "total": jar.len(), "percentage": 100});
    assert_eq!(told["lastStep"], last_step);
    assert_eq!(told["isGrowing"], true);
    let metadata = &told["metadata"]["data"];
    assert_eq!(metadata["version"], TO);
    assert_eq!(metadata["releaseNotes"], NOTES);
    let delta = &told["delta"]["data"];
    assert_eq!(delta["fromVersion"], FROM);
    assert_eq!(delta["targetChecksum"], sha256(&jar));
    assert_eq!(told["missing"], "HTTP 404: Not Found");
    assert_eq!(told["unauthorized"], "HTTP 401: Unauthorized");
}

/// The folder of the drivers, whose packages `make setup-tests` installs.
pub(crate) fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(
        folder.join("node_modules/.package-lock.json").exists(),
        "the packages of {} are not installed; run `make setup-tests`",
        folder.display()
    );
    folder
}
