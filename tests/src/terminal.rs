//! A terminal with a shell in it, for what only happens on one. It is tmux's: the real thing, whose screen can be read.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Daemon, fail};

/// A terminal of its own. Dropping it ends what runs in it.
#[derive(Debug)]
pub struct Terminal {
    home: TempDir,
}

/// How long something may take to be seen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(30);

/// What the shell asks with.
const PROMPT: &str = "READY>";

impl Terminal {
    /// A terminal of this size whose shell knows the daemon, as its administrator does.
    #[track_caller]
    #[must_use]
    pub fn start(daemon: &Daemon, columns: u16, rows: u16) -> Self {
        let home = match TempDir::with_prefix("relctl-terminal-") {
            Ok(home) => home,
            Err(error) => fail(format!("cannot make a temporary folder: {error}"), ""),
        };
        let this = Self { home };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        let variables = [
            ("HOME", this.home.path().display().to_string()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("RELCTL_URL", daemon.url().to_owned()),
            ("RELCTL_TOKEN", daemon.admin_token()),
        ];
        let variables = variables.map(|(name, value)| format!("{name}={value}"));
        let mut arguments = vec!["new-session", "-d", "-x", &columns, "-y", &rows];
        for variable in &variables {
            arguments.extend(["-e", variable]);
        }
        // What says how output looks is for each test to say.
        let clean = [
            "CI",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "FORCE_COLOR",
            "RELCTL_ASCII",
        ];
        let clean = clean.map(|name| format!("-u {name}")).join(" ");
        // tmux has its own mind about PATH. And not `sh`: as root, Debian's does not take its prompt from the environment.
        let path = format!("{}:{path}", daemon.tools().display());
        let shell =
            format!("env {clean} PATH='{path}' PS1='{PROMPT}' bash --norc --noprofile --noediting");
        arguments.push(&shell);
        this.tmux(&arguments);
        this.wait_for("the shell", |screen| screen.contains(PROMPT).then_some(()));
        this
    }

    /// Types a line and presses Enter.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.keys(&["Enter"]);
    }

    /// Presses keys, by tmux's names: `q`, `C-c`, `PageDown`.
    #[track_caller]
    pub fn keys(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys"];
        arguments.extend(keys);
        self.tmux(&arguments);
    }

    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// What is seen.
    #[track_caller]
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is seen, with its colours as the sequences that make them.
    #[track_caller]
    #[must_use]
    pub fn screen_with_colors(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// What is seen and what one can scroll back to; lines that the terminal wrapped are whole again.
    #[track_caller]
    #[must_use]
    pub fn history(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// Waits until what is seen is accepted.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if let Some(found) = find(&screen) {
                return found;
            }
            if start.elapsed() > PATIENCE {
                fail(
                    format!("waited {PATIENCE:?} in vain to see {what}"),
                    &self.history(),
                );
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until the shell asks again, and states that the terminal is as a shell needs it.
    #[track_caller]
    pub fn is_given_back(&self) {
        self.wait_for("the prompt of the shell", |screen| {
            let last = screen.lines().rfind(|line| !line.is_empty())?;
            (last.trim_end() == PROMPT).then_some(())
        });
        self.enter("stty -a | tr ' ;' '\\n\\n' | grep -x -e '-*icanon' -e '-*echo' -e '-*isig' | sort | tr '\\n' ' '");
        self.wait_for("a terminal in order", |screen| {
            screen.contains("echo icanon isig").then_some(())
        });
        let cursor = self.tmux(&["display-message", "-p", "#{cursor_flag}"]);
        if cursor.trim() != "1" {
            fail("the cursor is hidden", &self.history());
        }
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(self.socket())
            .args(arguments);
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => fail(
                format!("cannot run tmux: {error}"),
                "`make setup-tests` installs it",
            ),
        };
        if !output.status.success() {
            fail(format!("tmux failed: {output:?}"), &arguments.join(" "));
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("tmux")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        command
            .arg("-S")
            .arg(self.socket())
            .arg("kill-server")
            .output()
            .ok();
    }
}
