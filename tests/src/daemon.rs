//! The real `relctld` on a free port of the loopback interface, with a data folder that is thrown away.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, Stream};
use crate::wait::PATIENCE;
use crate::{Api, Binaries, Relctl, fail};

/// How a daemon shall be started.
#[derive(Clone, Debug)]
pub struct Setup {
    binaries: Binaries,
    data_dir: Option<PathBuf>,
    config: Option<String>,
}

impl Setup {
    #[must_use]
    pub const fn new(binaries: Binaries) -> Self {
        Self {
            binaries,
            data_dir: None,
            config: None,
        }
    }

    /// A data folder that belongs to the test, in place of one that goes with the daemon.
    #[must_use]
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// The text of its configuration file.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Some(toml.into());
        self
    }

    /// Starts it and waits until it accepts connections.
    #[track_caller]
    pub fn start(self) -> Daemon {
        let home = match TempDir::with_prefix("relctld-test-") {
            Ok(home) => home,
            Err(error) => fail(format!("cannot make a temporary folder: {error}"), ""),
        };
        let data_dir = self
            .data_dir
            .unwrap_or_else(|| home.path().join("relctl-data"));
        let config = self.config.map(|toml| {
            let path = home.path().join("relctld.toml");
            if let Err(error) = std::fs::write(&path, toml) {
                fail(
                    format!("cannot write: {error}"),
                    &path.display().to_string(),
                );
            }
            path
        });
        let process = start_process(self.binaries, &data_dir, config.as_deref(), ANY_PORT);
        let url = listening_url(&process);
        Daemon {
            binaries: self.binaries,
            home,
            data_dir,
            config,
            process,
            url,
            earlier_logs: String::new(),
        }
    }
}

/// A running daemon. Dropping it kills it and removes its folder, unless the test failed.
#[derive(Debug)]
pub struct Daemon {
    binaries: Binaries,
    home: TempDir,
    data_dir: PathBuf,
    config: Option<PathBuf>,
    process: Process,
    url: String,
    earlier_logs: String,
}

impl Daemon {
    /// A daemon as it is without any configuration.
    #[track_caller]
    pub fn start(binaries: Binaries) -> Self {
        Setup::new(binaries).start()
    }

    /// `http://127.0.0.1:PORT`; another port after each start.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `ws://127.0.0.1:PORT/ws/updates`.
    #[must_use]
    pub fn live_url(&self) -> String {
        let rest = self.url.trim_start_matches("http");
        format!("ws{rest}{}", protocol::api::paths::LIVE)
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A folder for the test's own files; it goes with the daemon.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The token that the first start wrote.
    #[must_use]
    #[track_caller]
    pub fn admin_token(&self) -> String {
        let path = self.data_dir.join("admin.token");
        match std::fs::read_to_string(&path) {
            Ok(token) => token.trim().to_owned(),
            Err(error) => fail(
                format!("cannot read {}: {error}", path.display()),
                &self.process.story(),
            ),
        }
    }

    /// What it has logged since its latest start.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.said(Stream::Stderr)
    }

    /// Its outputs over all starts.
    #[must_use]
    pub fn story(&self) -> String {
        format!("{}{}", self.earlier_logs, self.process.story())
    }

    /// Waits until a line of its log holds `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.process
            .wait_for(text, Stream::Stderr, PATIENCE, |log| {
                log.contains(text).then_some(())
            });
    }

    /// The HTTP API as the administrator of the first start.
    #[must_use]
    #[track_caller]
    pub fn api(&self) -> Api {
        self.api_as(&self.admin_token())
    }

    /// The HTTP API with a token.
    #[must_use]
    pub fn api_as(&self, token: &str) -> Api {
        Api::new(&self.url, Some(token))
    }

    /// The HTTP API with no token.
    #[must_use]
    pub fn api_without_token(&self) -> Api {
        Api::new(&self.url, None)
    }

    /// The folder of the command line tool.
    pub(crate) fn tools(&self) -> &Path {
        let relctl = Path::new(self.binaries.relctl);
        relctl.parent().unwrap_or(relctl)
    }

    /// The command line tool as the administrator of the first start.
    #[must_use]
    #[track_caller]
    pub fn relctl<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Relctl<'_> {
        Relctl::new(self.binaries.relctl)
            .on(self)
            .token(self.admin_token())
            // What a killed call leaves behind goes with the test.
            .env("TMPDIR", &self.home.path().to_string_lossy())
            .args(arguments)
    }

    /// Asks it to stop and waits until it has.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(PATIENCE)
    }

    /// Ends it at once, as SIGKILL does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same folder, on another port.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.start_again_at(ANY_PORT);
    }

    /// Starts it again on the same folder and port, so that clients find it again.
    #[track_caller]
    pub fn start_again_where_it_was(&mut self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        self.start_again_at(&address);
    }

    #[track_caller]
    fn start_again_at(&mut self, address: &str) {
        self.process.kill();
        self.earlier_logs.push_str(&self.process.story());
        self.earlier_logs.push('\n');
        let config = self.config.as_deref();
        self.process = start_process(self.binaries, &self.data_dir, config, address);
        self.url = listening_url(&self.process);
    }

    /// Its process; another one after each start.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// How much memory it holds now, in bytes.
    #[must_use]
    #[track_caller]
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process_id());
        let status = match std::fs::read_to_string(&path) {
            Ok(status) => status,
            Err(error) => fail(format!("cannot read {path}: {error}"), &self.story()),
        };
        let kilobytes = status.lines().find_map(|line| {
            let rest = line.strip_prefix("VmRSS:")?;
            rest.trim_end_matches("kB").trim().parse::<u64>().ok()
        });
        match kilobytes {
            Some(kilobytes) => kilobytes * 1024,
            None => fail(format!("{path} does not tell VmRSS"), &status),
        }
    }

    /// Stops it politely and starts it again.
    #[track_caller]
    pub fn restart(&mut self) {
        let status = self.terminate();
        if !status.success() {
            fail(
                format!("it ended with {status} when asked to stop"),
                &self.story(),
            );
        }
        self.start_again();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            // The damage is the evidence.
            self.home.disable_cleanup(true);
        }
    }
}

/// A free port of the loopback interface.
const ANY_PORT: &str = "127.0.0.1:0";

fn start_process(
    binaries: Binaries,
    data_dir: &Path,
    config: Option<&Path>,
    listen: &str,
) -> Process {
    let mut command = Command::new(binaries.relctld);
    command.args(["serve", "--listen", listen, "--data-dir"]);
    command.arg(data_dir);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    without_settings(&mut command);
    Process::start(&mut command)
}

/// Nothing that the caller has set, in the shell or in files of settings, shall reach the binaries.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        let of_style = [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "FORCE_COLOR",
            "CI",
        ];
        let is_ours = name_text.starts_with("RELCTL") || name_text == "RUST_LOG";
        if is_ours || of_style.contains(&&*name_text) {
            command.env_remove(&name);
        }
    }
    command.env("XDG_CONFIG_HOME", "/nowhere");
}

/// Where it listens, once it does, and once all that it logged while it started has been read.
#[track_caller]
fn listening_url(process: &Process) -> String {
    let started = "accepts connections";
    process.wait_for(started, Stream::Stderr, PATIENCE, |log| {
        log.contains(started).then_some(())
    });
    process.wait_for("listening on http://…", Stream::Stdout, PATIENCE, |text| {
        let line = text
            .lines()
            .find(|line| line.starts_with("listening on "))?;
        Some(line.trim_start_matches("listening on ").trim().to_owned())
    })
}

/// The patience for commands that do real work, such as publishing with a delta on a busy machine.
pub(crate) const COMMAND_PATIENCE: Duration = Duration::from_secs(120);
