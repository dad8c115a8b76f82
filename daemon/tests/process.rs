//! The program `relctld` as its operator sees it: one line on standard output, exit codes, signals, and a log that
//! holds no secret.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

fn relctld(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relctld"));
    command.args(args).env_clear();
    command
}

/// A daemon that accepts connections. Its log goes to a file beside its data folder: a pipe that nobody reads fills up.
struct Serving {
    child: Child,
    address: String,
    stdout: BufReader<std::process::ChildStdout>,
    log: PathBuf,
}

impl Serving {
    fn start(data: &TempDir, more: &[&str]) -> Self {
        let folder = data_dir(data);
        let log = data.path().join("log");
        let stderr = File::create(&log).expect("a log file");
        let args = [
            &["serve", "--data-dir", &folder, "--listen", "127.0.0.1:0"],
            more,
        ]
        .concat();
        let mut command = relctld(&args);
        let command = command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("relctld starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line comes");
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("not the line: {line:?}; {}", read(&log)));
        Self {
            address: address.to_owned(),
            child,
            stdout,
            log,
        }
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let kill = kill.args([format!("-{name}"), self.child.id().to_string()]);
        assert!(kill.status().expect("kill runs").success());
    }

    /// Sends a request and gives the whole answer.
    fn ask(&self, head: &str) -> String {
        let mut socket = self.connect();
        write!(socket, "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(&self.address).expect("it accepts connections");
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).expect("a time-out");
        socket
    }

    /// Waits for words in the log.
    fn wait_for(&self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !read(&self.log).contains(words) {
            assert!(
                Instant::now() < deadline,
                "never {words:?}: {}",
                read(&self.log)
            );
            std::thread::yield_now();
        }
    }

    /// Waits for its end: exit code, the rest of standard output, the log.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        let code = self.child.wait().expect("it ends").code();
        (code, rest, read(&self.log))
    }

    fn end_well(self) {
        self.signal("TERM");
        let (code, _, log) = self.end();
        assert_eq!(code, Some(0), "{log}");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // After a failed assertion nothing may stay behind; after a good end there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file in UTF-8")
}

/// The daemon's folder, inside of the test's own.
fn data_dir(data: &TempDir) -> String {
    let folder = data.path().join("data");
    folder.to_str().expect("a path in UTF-8").to_owned()
}

fn refused(args: &[&str]) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = relctld(args).output().expect("relctld runs");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    let complaint = String::from_utf8_lossy(&stderr).into_owned();
    (status.code().unwrap_or(-1), complaint)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn it_says_where_it_listens_and_ends_well_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let data = folder();
        let daemon = Serving::start(&data, &[]);
        assert!(
            daemon
                .ask("GET /livez HTTP/1.1")
                .starts_with("HTTP/1.1 200")
        );
        daemon.signal(signal);
        let (code, rest, log) = daemon.end();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(rest, "", "one line and no more");
        assert!(log.contains("relctld has stopped"), "{log}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = folder();
    let daemon = Serving::start(&data, &["--shutdown-grace", "1h"]);
    // Half a request keeps the first signal waiting.
    let mut socket = daemon.connect();
    let token = read(&data.path().join("data/admin.token"));
    let head = format!(
        "POST /api/v1/admin/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        token.trim()
    );
    socket.write_all(head.as_bytes()).expect("it reads");
    let mut continue_line = [0; 12];
    socket
        .read_exact(&mut continue_line)
        .expect("it asks for the body");
    daemon.signal("TERM");
    daemon.wait_for("relctld is stopping");
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(130));
}

#[test]
fn no_secret_is_ever_written() {
    let data = folder();
    let daemon = Serving::start(&data, &["--log-level", "trace", "--log-format", "json"]);
    let token = read(&data.path().join("data/admin.token"));
    let secret = read(&data.path().join("data/jwt.secret"));
    let token = token.trim();
    for head in [
        format!("GET /api/v1/whoami HTTP/1.1\r\nAuthorization: Bearer {token}"),
        format!("GET /api/v1/whoami HTTP/1.1\r\nX-Auth-Token: {token}"),
        format!("GET /api/v1/whoami?token={token}&x=1 HTTP/1.1"),
        format!("GET /api/v1/whoami?%74oken={token} HTTP/1.1"),
        format!("GET /ws/updates?token={token} HTTP/1.1"),
        format!("GET /ws/updates/info?token={token} HTTP/1.1"),
        format!("GET /ws/updates/0/0/jsonp?c=x&token={token} HTTP/1.1"),
        format!("GET /ws/updates/iframe.html?token={token} HTTP/1.1"),
        format!("GET /nope?Token={token} HTTP/1.1"),
        "GET /nope%0d%0aX?x=%1b HTTP/1.1".to_owned(),
    ] {
        assert!(daemon.ask(&head).starts_with("HTTP/1.1"), "{head}");
    }
    daemon.signal("TERM");
    let (code, _, log) = daemon.end();
    assert_eq!(code, Some(0));
    let tail = token.rsplit('.').next().expect("a signature");
    assert!(!log.contains(tail), "a token is in the log");
    assert!(!log.contains(&secret), "the secret is in the log");
    assert!(log.contains("token=***"), "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(line["level"].is_string());
    }
}

#[test]
fn a_refused_setting_ends_it_with_78_and_one_clear_line() {
    let data = folder();
    let path = data.path().join("relctld.toml");
    std::fs::write(&path, "[limits]\nconections-per-minute = 1\n").expect("a file");
    let path = path.to_str().expect("a path in UTF-8");
    for (args, words) in [
        (
            vec!["serve", "--config", path],
            "line 2: there is no key \"limits.conections-per-minute\"; did you mean",
        ),
        (
            vec!["serve", "--config", "/nonexistent/relctld.toml"],
            "/nonexistent/relctld.toml",
        ),
        (
            vec!["serve", "--listen", "127.0.0.1:65536"],
            "--listen: listen: expected",
        ),
        (
            vec!["serve", "--cors-allowed-origins", "*"],
            "--cors-allowed-origins",
        ),
        (
            vec!["check-config", "--jwt-algorithm", "none"],
            "jwt.algorithm",
        ),
    ] {
        let (code, complaint) = refused(&args);
        assert_eq!(code, 78, "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(complaint.contains(words), "{complaint}");
    }
    let from_environment = relctld(&["serve"])
        .env("RELCTLD_LISTEN", "here")
        .output()
        .expect("relctld runs");
    assert_eq!(from_environment.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&from_environment.stderr).contains("RELCTLD_LISTEN"));
    assert_eq!(refused(&["serve", "--no-such-flag"]).0, 2);
    assert_eq!(refused(&[]).0, 2);
}

#[test]
fn an_unsafe_secret_ends_it_with_78_and_is_not_shown() {
    let data = folder();
    Serving::start(&data, &[]).end_well();
    let path = data.path().join("data/jwt.secret");
    let secret = read(&path);
    let folder = data_dir(&data);
    let serve = ["serve", "--data-dir", &folder, "--listen", "127.0.0.1:0"];
    let refused_with = |words: &str| {
        let (code, complaint) = refused(&serve);
        assert_eq!(code, 78, "{complaint}");
        assert!(
            complaint.contains("jwt.secret") && complaint.contains(words),
            "{complaint}"
        );
        assert!(!complaint.contains(&secret), "{complaint}");
    };
    let allow = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode")
    };
    allow(0o644);
    refused_with("0644");
    allow(0o600);
    std::fs::write(&path, &secret[..31]).expect("a file");
    refused_with("31 bytes");
    std::fs::remove_file(&path).expect("the file is there");
    refused_with("is missing");
    std::fs::write(&path, &secret).expect("a file");
    allow(0o600);
    Serving::start(&data, &[]).end_well();
}

#[test]
fn a_folder_or_address_that_is_taken_ends_it_with_its_own_code() {
    let data = folder();
    let daemon = Serving::start(&data, &[]);
    let taken = data_dir(&data);
    let (code, complaint) = refused(&["serve", "--data-dir", &taken, "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 75, "{complaint}");
    assert!(
        complaint.contains(&daemon.child.id().to_string()),
        "it names the process: {complaint}"
    );

    let other = folder();
    let other = data_dir(&other);
    let (code, complaint) = refused(&["serve", "--data-dir", &other, "--listen", &daemon.address]);
    assert_eq!(code, 69, "{complaint}");
    assert!(complaint.contains(&daemon.address), "{complaint}");
    daemon.end_well();

    let file = folder();
    let path = file.path().join("file");
    std::fs::write(&path, "").expect("a file");
    let (code, complaint) = refused(&[
        "serve",
        "--data-dir",
        path.to_str().expect("UTF-8"),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, 73, "{complaint}");
    let nowhere = file.path().join("not/there");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let (code, complaint) = refused(&["serve", "--data-dir", nowhere, "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 73, "{complaint}");
    assert!(complaint.contains("make it first"), "{complaint}");
}

#[test]
fn a_variable_that_is_no_setting_is_named_in_the_log() {
    let data = folder();
    let log = data.path().join("log");
    let mut command = relctld(&[
        "serve",
        "--data-dir",
        &data_dir(&data),
        "--listen",
        "127.0.0.1:0",
    ]);
    let command = command
        .env("RELCTLD_LISTN", "x")
        .stdout(Stdio::piped())
        .stderr(File::create(&log).expect("a file"));
    let mut child = command.spawn().expect("relctld starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(read(&log).contains("RELCTLD_LISTN"), "{}", read(&log));
}

#[test]
fn check_config_prints_what_would_hold_as_a_file_that_can_be_read_again() {
    let data = folder();
    let path = data.path().join("relctld.toml");
    let print = |args: &[&str]| {
        let output = relctld(args)
            .env("RELCTLD_LIMITS_MESSAGES_PER_MINUTE", "7")
            .output()
            .expect("relctld runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    };
    let first = print(&["check-config", "--channels", "nightly"]);
    assert!(
        first.contains("messages-per-minute = 7 # RELCTLD_LIMITS_MESSAGES_PER_MINUTE"),
        "{first}"
    );
    assert!(
        first.contains("shutdown-grace = 30000 # default"),
        "{first}"
    );
    std::fs::write(&path, &first).expect("a file");
    let second = print(&["check-config", "--config", path.to_str().expect("UTF-8")]);
    let values = |text: &str| -> Vec<String> {
        let without_origins = text
            .lines()
            .map(|line| line.split(" # ").next().unwrap_or_default().to_owned());
        without_origins.collect()
    };
    assert_eq!(values(&first), values(&second));
}
