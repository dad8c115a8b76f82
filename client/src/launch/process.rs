//! The application as a process: the command line of `java`, what it is told in its environment, signals, and its end.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use protocol::{ClientId, Version};
use tokio::process::{Child, Command};

use super::ending::{Ending, Signal};
use crate::{AppFolder, Error};

/// How the application is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Java {
    /// The program.
    pub program: PathBuf,
    /// What stands before the JAR, such as `-Xmx256m`. Where a word holds `{jar}`, that is replaced and no `-jar` is added.
    pub options: Vec<OsString>,
    /// What the application itself is given.
    pub arguments: Vec<OsString>,
}

/// Stands for the path of the JAR.
const JAR: &str = "{jar}";

impl Java {
    /// The `java` to use: the given one, else that of `JAVA_HOME`, else the first in the path.
    #[must_use]
    pub fn program(given: Option<PathBuf>, java_home: Option<&OsStr>) -> PathBuf {
        let of_home = || {
            let home = java_home.filter(|home| !home.is_empty())?;
            Some(Path::new(home).join("bin").join("java"))
        };
        given.or_else(of_home).unwrap_or_else(|| "java".into())
    }

    /// The words after the program.
    #[must_use]
    pub fn words(&self, jar: &Path) -> Vec<OsString> {
        let holds_jar = |word: &OsString| word.to_str().is_some_and(|word| word.contains(JAR));
        let mut words: Vec<OsString> = match self.options.iter().any(holds_jar) {
            true => {
                let jar = jar.to_string_lossy();
                let options = self.options.iter();
                options
                    .map(|word| match word.to_str() {
                        Some(text) => text.replace(JAR, &jar).into(),
                        None => word.clone(),
                    })
                    .collect()
            }
            false => {
                let mut words = self.options.clone();
                words.extend(["-jar".into(), jar.as_os_str().to_owned()]);
                words
            }
        };
        words.extend(self.arguments.iter().cloned());
        words
    }
}

/// What the application is told about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told<'a> {
    pub(super) version: &'a Version,
    pub(super) previous: Option<&'a Version>,
    pub(super) client_id: Option<&'a ClientId>,
}

/// A started application. It shares our standard streams, so a user and a script see it as if it stood alone.
#[derive(Debug)]
pub(super) struct Application {
    child: Child,
}

impl Application {
    pub(super) fn start(java: &Java, app: &AppFolder, told: &Told<'_>) -> Result<Self, Error> {
        let Told {
            version,
            previous,
            client_id,
        } = told;
        let mut command = Command::new(&java.program);
        command
            .args(java.words(&app.jar(version)))
            .env("RELCTL_CONFIRM_FILE", app.confirm_file(version))
            .env("RELCTL_VERSION", version.to_string())
            .env("RELCTL_APP_DIR", app.root());
        match previous {
            Some(previous) => command.env("RELCTL_PREVIOUS_VERSION", previous.to_string()),
            None => command.env_remove("RELCTL_PREVIOUS_VERSION"),
        };
        if let Some(client_id) = client_id {
            command.env("RELCTL_CLIENT_ID", client_id.as_str());
        }
        match command.spawn() {
            Ok(child) => Ok(Self { child }),
            Err(source) => Err(Error::Java {
                program: java.program.clone(),
                source,
            }),
        }
    }

    /// Waits for its end. Dropping the future loses nothing.
    pub(super) async fn ended(&mut self) -> Result<Ending, Error> {
        let status = self.child.wait().await;
        let path = Path::new("the application");
        Ok(ending(status.map_err(Error::file("wait for", path))?))
    }

    /// Asks it to stop. Where there are no signals, that is its end.
    pub(super) fn stop(&mut self, signal: Signal) {
        #[cfg(unix)]
        {
            let signal = match signal {
                Signal::HangUp => rustix::process::Signal::HUP,
                Signal::Interrupt => rustix::process::Signal::INT,
                Signal::Terminate => rustix::process::Signal::TERM,
            };
            let id = self.child.id().and_then(|id| i32::try_from(id).ok());
            if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
                // It fails only for a process that has ended, which is heard of in another way.
                rustix::process::kill_process(id, signal).ok();
            }
        }
        #[cfg(not(unix))]
        {
            let _ = signal;
            self.kill();
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        // As above.
        self.child.start_kill().ok();
    }
}

fn ending(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return Ending::Signal(signal);
        }
    }
    // Only a signal leaves no code.
    Ending::Code(status.code().unwrap_or(1))
}

/// The signals that ask the launcher to end.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on they do not end the process any more.
    #[cfg(unix)]
    pub(super) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(Error::file("listen for", Path::new("signals")));
        Ok(Self {
            hang_up: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Ctrl-C is what there is.
    #[cfg(not(unix))]
    pub(super) fn listen() -> Result<Self, Error> {
        Ok(Self {})
    }

    /// The next one. Dropping the future loses nothing.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hang_up.recv() => Signal::HangUp,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    /// The next one.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(options: &[&str], arguments: &[&str]) -> Vec<String> {
        let java = Java {
            program: "java".into(),
            options: options.iter().map(OsString::from).collect(),
            arguments: arguments.iter().map(OsString::from).collect(),
        };
        let words = java.words(Path::new("/app/app.jar")).into_iter();
        words.map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn the_jar_stands_between_the_options_of_java_and_the_arguments_of_the_application() {
        assert_eq!(words(&[], &[]), ["-jar", "/app/app.jar"]);
        assert_eq!(
            words(&["-Xmx256m"], &["--open", "{jar}"]),
            ["-Xmx256m", "-jar", "/app/app.jar", "--open", "{jar}"]
        );
        assert_eq!(
            words(&["-cp", "{jar}:lib/*", "app.Main"], &["--open"]),
            ["-cp", "/app/app.jar:lib/*", "app.Main", "--open"]
        );
    }

    #[test]
    fn java_is_the_given_one_or_that_of_java_home_or_that_of_the_path() {
        let home = OsStr::new("/jdk");
        let java = |given: Option<&str>, home| Java::program(given.map(PathBuf::from), home);
        assert_eq!(java(Some("jre/java"), Some(home)), Path::new("jre/java"));
        assert_eq!(java(None, Some(home)), Path::new("/jdk/bin/java"));
        assert_eq!(java(None, Some(OsStr::new(""))), Path::new("java"));
        assert_eq!(java(None, None), Path::new("java"));
    }
}
