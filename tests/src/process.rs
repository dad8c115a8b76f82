//! A child process whose outputs are kept, whose lines can be waited for, and which never outlives its test.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::fail;

/// One of the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A running or finished child.
pub struct Process {
    command_line: String,
    child: Child,
    outputs: Arc<Outputs>,
    ended: Option<ExitStatus>,
    leads_group: bool,
}

/// What the child has said so far.
#[derive(Default)]
struct Outputs {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    stdout: String,
    stderr: String,
    closed: u8,
}

impl Process {
    /// Starts a command with nothing to read and both outputs kept.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let command_line = describe(command);
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => fail(format!("cannot start: {error}"), &command_line),
        };
        let outputs = Arc::new(Outputs::default());
        if let Some(pipe) = child.stdout.take() {
            outputs.keep(Stream::Stdout, pipe);
        }
        if let Some(pipe) = child.stderr.take() {
            outputs.keep(Stream::Stderr, pipe);
        }
        Self {
            command_line,
            child,
            outputs,
            ended: None,
            leads_group: false,
        }
    }

    /// The same for a command that starts others, which outlive it when it is killed: dropping it ends them as well.
    #[track_caller]
    pub fn start_group(command: &mut Command) -> Self {
        let mut process = Self::start(command.process_group(0));
        process.leads_group = true;
        process
    }

    /// Its id, for signals.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to one output so far.
    #[must_use]
    pub fn said(&self, stream: Stream) -> String {
        self.outputs.lock().of(stream).to_owned()
    }

    /// Waits until it has written something that `find` accepts.
    #[track_caller]
    pub fn wait_for<T>(
        &self,
        what: &str,
        stream: Stream,
        patience: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> T {
        let found = self.outputs.wait(patience, |said| {
            let found = find(said.of(stream));
            // A process that ended says nothing more, so there is no point in waiting on.
            if found.is_none() && said.closed == 2 {
                return Some(None);
            }
            found.map(Some)
        });
        match found {
            Some(Some(found)) => found,
            Some(None) => fail(format!("it ended before it said {what}"), &self.story()),
            None => fail(
                format!("waited {patience:?} in vain for it to say {what}"),
                &self.story(),
            ),
        }
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        // Both outputs closed means that it is gone or about to be: the wait below is short.
        let closed = self
            .outputs
            .wait(patience, |said| (said.closed == 2).then_some(()));
        if closed.is_none() {
            let story = self.story();
            self.kill();
            fail(format!("it did not end within {patience:?}"), &story);
        }
        match self.child.wait() {
            Ok(status) => *self.ended.insert(status),
            Err(error) => fail(format!("cannot wait for it: {error}"), &self.story()),
        }
    }

    /// Sends a signal by name, such as `TERM`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        // The shell's own `kill`: no package and no unsafe call is needed for it.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id])
            .status();
        if !sent.is_ok_and(|status| status.success()) {
            fail(format!("cannot send {name}"), &self.story());
        }
    }

    /// Ends it as a power cut would end it: at once, without a word.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            // Killing fails only where the process is gone already.
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// Everything about it, for the reader of a failed test.
    #[must_use]
    pub fn story(&self) -> String {
        let said = self.outputs.lock();
        let ended = match self.ended {
            Some(status) => status.to_string(),
            None => "still running".to_owned(),
        };
        format!(
            "$ {}\n({ended})\n--- stdout\n{}--- stderr\n{}---",
            self.command_line, said.stdout, said.stderr
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if self.leads_group
            && let Some(group) = i32::try_from(self.id()).ok().and_then(Pid::from_raw)
        {
            // It fails where nobody is left, as it should be.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.story())
    }
}

impl Said {
    fn of(&self, stream: Stream) -> &str {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

impl Outputs {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a pipe to its end on a thread of its own.
    fn keep(self: &Arc<Self>, stream: Stream, pipe: impl Read + Send + 'static) {
        let outputs = Arc::clone(self);
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                let mut said = outputs.lock();
                match stream {
                    Stream::Stdout => said.stdout.push_str(&text),
                    Stream::Stderr => said.stderr.push_str(&text),
                }
                outputs.more.notify_all();
            }
            outputs.lock().closed += 1;
            outputs.more.notify_all();
        });
    }

    fn wait<T>(&self, patience: Duration, find: impl Fn(&Said) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut said = self.lock();
        loop {
            if let Some(found) = find(&said) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            said = self
                .more
                .wait_timeout(said, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(said, _)| said);
        }
    }
}

/// The command as one could type it; what the environment adds is shown in front.
fn describe(command: &Command) -> String {
    let mut words: Vec<String> = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            // A token in a failed test's output helps nobody.
            let name = name.to_string_lossy();
            let shown = if name.contains("TOKEN") {
                "…".into()
            } else {
                value.to_string_lossy()
            };
            words.push(format!("{name}={shown}"));
        }
    }
    words.push(command.get_program().to_string_lossy().into_owned());
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}
