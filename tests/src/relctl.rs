//! The real `relctl`, run to its end or left running beside the test.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::daemon::{COMMAND_PATIENCE, without_settings};
use crate::process::{Process, Stream};
use crate::{Daemon, fail};

/// A call of `relctl` that is being put together.
#[derive(Debug)]
pub struct Relctl<'a> {
    command: Command,
    daemon: Option<&'a Daemon>,
    starts_others: bool,
}

impl<'a> Relctl<'a> {
    /// A call that knows no daemon.
    #[must_use]
    pub fn new(relctl: &str) -> Self {
        let mut command = Command::new(relctl);
        without_settings(&mut command);
        Self {
            command,
            daemon: None,
            starts_others: false,
        }
    }

    /// It starts processes that outlive it when it is killed; they end with the test.
    #[must_use]
    pub fn that_starts_others(mut self) -> Self {
        self.starts_others = true;
        self
    }

    /// Talks to this daemon, whose log is shown when the call fails.
    #[must_use]
    pub fn on(mut self, daemon: &'a Daemon) -> Self {
        self.daemon = Some(daemon);
        self.env("RELCTL_URL", daemon.url())
    }

    #[must_use]
    pub fn token(self, token: impl AsRef<str>) -> Self {
        self.env("RELCTL_TOKEN", token.as_ref())
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn args<'b>(mut self, arguments: impl IntoIterator<Item = &'b str>) -> Self {
        self.command.args(arguments);
        self
    }

    #[must_use]
    pub fn path(mut self, path: &Path) -> Self {
        self.command.arg(path);
        self
    }

    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end, whatever that is.
    #[track_caller]
    pub fn run(self) -> Finished {
        self.start().finish()
    }

    /// Runs it to its end, which must be success, and gives what it printed to stdout.
    #[track_caller]
    pub fn succeed(self) -> String {
        self.run().exits_with(0).stdout
    }

    /// Leaves it running.
    #[track_caller]
    pub fn start(mut self) -> Running<'a> {
        let start = match self.starts_others {
            true => Process::start_group,
            false => Process::start,
        };
        Running {
            process: start(&mut self.command),
            daemon: self.daemon,
        }
    }
}

/// A call that runs beside the test. Dropping it kills it.
#[derive(Debug)]
pub struct Running<'a> {
    process: Process,
    daemon: Option<&'a Daemon>,
}

impl Running<'_> {
    /// Waits until what it printed to stdout is accepted.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.wait_for_on(Stream::Stdout, what, find)
    }

    /// Waits until what it printed to an output is accepted.
    #[track_caller]
    pub fn wait_for_on<T>(
        &self,
        stream: Stream,
        what: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> T {
        self.process.wait_for(what, stream, COMMAND_PATIENCE, find)
    }

    /// Waits until it printed a JSON line that is accepted.
    #[track_caller]
    pub fn wait_for_json(&self, what: &str, accept: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(what, |text| {
            json_lines(text).into_iter().find(|line| accept(line))
        })
    }

    /// What it printed to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.process.said(Stream::Stdout)
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends a signal, such as `INT`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits until it ends.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let status = self.process.wait(COMMAND_PATIENCE);
        let log = self.daemon.map(Daemon::story).unwrap_or_default();
        Finished {
            code: status.code(),
            stdout: self.process.said(Stream::Stdout),
            stderr: self.process.said(Stream::Stderr),
            story: format!("{}\n\nThe daemon:\n{log}", self.process.story()),
        }
    }
}

/// A call that ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    story: String,
}

impl Finished {
    /// States the exit code that it must have.
    #[track_caller]
    #[must_use]
    pub fn exits_with(self, code: i32) -> Self {
        if self.code != Some(code) {
            fail(format!("expected exit code {code}"), &self.story);
        }
        self
    }

    /// Its stdout, which must be one JSON document.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(document) => document,
            Err(error) => fail(
                format!("stdout is not one JSON document: {error}"),
                &self.story,
            ),
        }
    }

    /// Its stdout, in which every line must be a JSON document.
    #[track_caller]
    #[must_use]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = json_lines(&self.stdout);
        if lines.len() != self.stdout.lines().count() {
            fail("a line of stdout is not JSON", &self.story);
        }
        lines
    }

    /// Everything about it, for the message of an assertion.
    #[must_use]
    pub fn story(&self) -> &str {
        &self.story
    }
}

/// The lines of a stream of JSON documents; the last one may be incomplete and is passed over.
fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
