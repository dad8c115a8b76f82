//! The servers that are compared: how each is started, how a client subscribes there, and how something is published.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tempfile::TempDir;
use tests::{Binaries, Daemon, Setup, Upload};

use crate::flock::Hello;
use crate::gauge::Gauge;

const BINARIES: Binaries = Binaries {
    relctl: env!("CARGO_BIN_EXE_relctl"),
    relctld: env!("CARGO_BIN_EXE_relctld"),
};

/// Bytes of the message that is published, as in the earlier measurements that `docs/bench-fanout.md` names.
pub(crate) const MESSAGE_BYTES: usize = 600;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian has the modules of nginx.
const NGINX_MODULES: &str = "/usr/lib/nginx/modules";

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Relctld,
    Nchan,
    Nats,
    Uws,
    Ws,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Relctld, Self::Nchan, Self::Nats, Self::Uws, Self::Ws];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relctld => "relctld",
            Self::Nchan => "nchan",
            Self::Nats => "nats",
            Self::Uws => "uws",
            Self::Ws => "ws",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.with_context(|| {
            format!("there is no server {name}; there are relctld, nchan, nats, uws and ws")
        })
    }

    /// Starts it. `publishes` is how often something will be published.
    pub(crate) fn start(self, publishes: usize) -> Result<Server> {
        match self {
            Self::Relctld => relctld(publishes),
            Self::Nchan => nchan(),
            Self::Nats => nats(),
            Self::Uws => node("uws.js"),
            Self::Ws => node("ws.js"),
        }
    }
}

/// A running server.
pub(crate) struct Server {
    process: Running,
    pub(crate) hello: Hello,
    pub(crate) publisher: Publisher,
    _folder: Option<TempDir>,
}

enum Running {
    Daemon(Daemon),
    Peer(Child),
}

impl Server {
    pub(crate) fn gauge(&self) -> Gauge {
        Gauge::of(match &self.process {
            Running::Daemon(daemon) => daemon.process_id(),
            Running::Peer(child) => child.id(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Peer(child) = self {
            // nginx takes its workers along only when it is asked to stop.
            let id = child.id().to_string();
            Command::new("kill").args(["-TERM", &id]).status().ok();
            child.wait().ok();
        }
    }
}

/// How something is published.
pub(crate) enum Publisher {
    /// By activating a draft.
    Release { token: String, address: SocketAddr },
    /// By posting the message.
    Post { address: SocketAddr },
    /// In the protocol of NATS.
    Nats { address: SocketAddr },
}

/// A connection that publishes. It has to be used soon: servers close what is silent.
pub(crate) struct Press<'a> {
    publisher: &'a Publisher,
    stream: BufReader<TcpStream>,
}

/// What a session hears of a publish.
pub(crate) fn marker(number: usize) -> String {
    format!("\"version\":\"1.{number}.0\"")
}

impl Publisher {
    pub(crate) fn connect(&self) -> Result<Press<'_>> {
        let (Self::Release { address, .. } | Self::Post { address } | Self::Nats { address }) =
            self;
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        if let Self::Nats { .. } = self {
            stream.write_all(b"CONNECT {\"verbose\":false}\r\n")?;
        }
        Ok(Press {
            publisher: self,
            stream: BufReader::new(stream),
        })
    }
}

impl Press<'_> {
    /// Sends one publish on its way.
    pub(crate) fn send(&mut self, number: usize) -> Result<()> {
        let mut message = format!(
            "{{\"type\":\"NEW_VERSION_AVAILABLE\",\"data\":{{{}",
            marker(number)
        );
        message.push_str(&" ".repeat(MESSAGE_BYTES - message.len() - 2));
        message.push_str("}}");
        let request = match self.publisher {
            Publisher::Release { token, address } => {
                let body = "{\"state\":\"ACTIVE\"}";
                format!(
                    "PATCH /api/v1/admin/updates/versions/1.{number}.0 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
            Publisher::Post { address } => format!(
                "POST /pub HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{message}",
                message.len()
            ),
            Publisher::Nats { .. } => {
                format!("PUB releases {}\r\n{message}\r\nPING\r\n", message.len())
            }
        };
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    /// Reads that it was taken.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.publisher {
            Publisher::Release { .. } | Publisher::Post { .. } => self.read_answer(),
            Publisher::Nats { .. } => {
                let mut line = String::new();
                while line.trim_end() != "PONG" {
                    line.clear();
                    ensure!(
                        self.stream.read_line(&mut line)? > 0,
                        "the connection ended"
                    );
                    ensure!(!line.starts_with("-ERR"), "refused: {line}");
                }
                Ok(())
            }
        }
    }

    fn read_answer(&mut self) -> Result<()> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(
                self.stream.read_line(&mut line)? > 0,
                "the connection ended: {head:?}"
            );
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_lowercase());
        }
        let value = |name: &str| {
            head.iter()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        if let Some(length) = value("content-length") {
            let mut body = vec![0; length.trim().parse()?];
            self.stream.read_exact(&mut body)?;
        } else if value("transfer-encoding").is_some() {
            let mut line = String::new();
            while line.trim_end() != "0" {
                line.clear();
                ensure!(
                    self.stream.read_line(&mut line)? > 0,
                    "the answer broke off"
                );
            }
            self.stream.read_line(&mut line)?;
        }
        let status = head.first().map_or("", String::as_str);
        ensure!(status.starts_with("http/1.1 20"), "refused: {head:?}");
        Ok(())
    }
}

/// Ours: a client registers, subscribes, and knows by the answer to its PING that both were carried out.
fn relctld(publishes: usize) -> Result<Server> {
    let config = "[limits]\nconnections-per-minute = 0\nmessages-per-minute = 0\n";
    let daemon = Setup::new(BINARIES).config(config).start();
    upload_drafts(&daemon, publishes)?;
    let address = daemon.url().trim_start_matches("http://").parse()?;
    let token = daemon.admin_token();
    let messages = |number: usize| {
        let register = json!({ "clientId": format!("desktop-{number}"), "clientVersion": "0.1.0", "platform": "linux", "architecture": "x64" });
        let subscribe = json!({ "channel": "stable" });
        [
            ("REGISTER", register),
            ("SUBSCRIBE", subscribe),
            ("PING", json!({})),
        ]
        .map(|(kind, data)| json!({ "type": kind, "data": data }).to_string())
        .to_vec()
    };
    Ok(Server {
        hello: Hello {
            address,
            target: format!("{}?token={token}", protocol::api::paths::LIVE),
            messages,
            ready: Some("\"HEARTBEAT\""),
        },
        publisher: Publisher::Release { token, address },
        process: Running::Daemon(daemon),
        _folder: None,
    })
}

/// What is published later is there already, so that a publish is what `relctl publish` does last: activating it.
fn upload_drafts(daemon: &Daemon, count: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for number in 0..count {
            let version = format!("1.{number}.0");
            // What an announcement has beside its notes takes up about 340 bytes.
            let upload = Upload::new(&version, fixtures::jars::tiny_jar(&version))
                .with("releaseNotes", &"n".repeat(MESSAGE_BYTES - 340))
                .draft();
            let _ = daemon.api().publish(&upload).await.is(201);
        }
    });
    Ok(())
}

fn nchan() -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let config = template("nginx.conf")?
        .replace("MODULES", NGINX_MODULES)
        .replace("FOLDER", &folder.path().display().to_string())
        .replace("PORT", &address.port().to_string());
    let path = folder.path().join("nginx.conf");
    std::fs::write(&path, config)?;
    let mut command = Command::new("nginx");
    command.env("PATH", path_with_sbin()).arg("-c").arg(&path);
    peer(command, address, Some(folder))
}

fn node(script: &str) -> Result<Server> {
    let address = free_address()?;
    let mut command = Command::new("node");
    command
        .arg(peers_folder().join(script))
        .arg(address.port().to_string());
    peer(command, address, None)
}

fn nats() -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let (address, live) = (free_address()?, free_address()?);
    let config = template("nats.conf")?
        .replace("PORT", &address.port().to_string())
        .replace("LIVE", &live.port().to_string());
    let path = folder.path().join("nats.conf");
    std::fs::write(&path, config)?;
    let mut command = Command::new("nats-server");
    command.env("PATH", path_with_sbin()).arg("-c").arg(&path);
    let mut server = peer(command, live, Some(folder))?;
    server.hello.target = "/".into();
    server.hello.messages =
        |_| vec!["CONNECT {\"verbose\":false}\r\nSUB releases 1\r\nPING\r\n".into()];
    server.hello.ready = Some("PONG");
    server.publisher = Publisher::Nats { address };
    Ok(server)
}

fn peer(mut command: Command, address: SocketAddr, folder: Option<TempDir>) -> Result<Server> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let mut process = Running::Peer(child);
    wait_for(address, &mut process)?;
    Ok(Server {
        hello: Hello {
            address,
            target: "/sub".into(),
            messages: |_| Vec::new(),
            ready: None,
        },
        publisher: Publisher::Post { address },
        process,
        _folder: folder,
    })
}

fn wait_for(address: SocketAddr, process: &mut Running) -> Result<()> {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Running::Peer(child) = process
            && let Some(status) = child.try_wait()?
        {
            bail!("it ended with {status} at once");
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "it does not listen at {address}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Somebody else may take it meanwhile; a benchmark can live with that.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn peers_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/fanout/peers")
}

fn template(name: &str) -> Result<String> {
    Ok(std::fs::read_to_string(peers_folder().join(name))?)
}

/// Debian has servers where the path of an ordinary user does not lead.
fn path_with_sbin() -> String {
    format!(
        "{}:/usr/sbin:/sbin",
        std::env::var("PATH").unwrap_or_default()
    )
}
