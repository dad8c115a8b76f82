//! `relctl client run`: the launcher. Standard output belongs to the application; what is said here goes to standard error.

use std::ffi::OsString;
use std::path::Path;

use client::launch::supervisor::Rules;
use client::launch::{Happening, Java, Plan, launch};
use client::state::State;
use client::{AppFolder, Updater};
use schemars::JsonSchema;
use serde::Serialize;

use super::{cannot_install, held_back};
use crate::args::{Global, RunArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, harmless_word};
use crate::units::format_duration;

/// One thing that happened, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Event<'a> {
    schema: &'static str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The same as people read it.
    message: &'a str,
}

pub(crate) async fn run(global: &Global, args: RunArgs, output: &Output) -> Result<Exit, Failure> {
    let root = std::path::absolute(&args.app_dir)
        .map_err(|error| Failure::file("find", &args.app_dir, &error))?;
    let app = AppFolder::at(&root);
    let java_home = std::env::var_os("JAVA_HOME");
    let updater = match updater(global, &app, &args) {
        Ok(updater) => Some(updater),
        Err(failure) => {
            without_updates(&failure, output);
            None
        }
    };
    let (options, arguments) = split(args.java_args);
    let plan = Plan {
        app,
        java: Java {
            program: Java::program(args.java, java_home.as_deref()),
            options,
            arguments,
        },
        rules: Rules {
            probation: args.probation,
            needs_confirmation: args.require_confirmation,
            max_crashes: args.max_crashes,
            grace: args.grace,
        },
        updater,
        first_timeout: global.timeout,
    };
    let mut lines = Lines {
        output,
        root: &root,
        is_waiting: false,
        last: "",
    };
    let code = launch(plan, &mut |happening| lines.tell(happening)).await?;
    Ok(Exit::Application(code))
}

fn updater(global: &Global, app: &AppFolder, args: &RunArgs) -> Result<Updater, Failure> {
    let daemon = config::daemon(global)?;
    let client_id = match &args.followed.client_id {
        Some(client_id) => client_id.clone(),
        None => AppFolder::open(app.root())?.client_id()?,
    };
    let mut updater = Updater::new(
        daemon,
        app.clone(),
        client_id,
        args.followed.channel.clone(),
    );
    updater.public_key = config::public_key(args.pinned.public_key.as_deref())?;
    Ok(updater)
}

const SCHEMA: &str = "relctl/launch/v1";

/// An application starts without a token or with an unreadable key as well: it is only not kept up to date.
fn without_updates(failure: &Failure, output: &Output) {
    let event = Event {
        schema: SCHEMA,
        event: "not-updating",
        version: None,
        message: &failure.message,
    };
    let help = failure.help.first().map_or("", String::as_str);
    let text = format!("warning: no updates: {}; {help}", failure.message);
    output.remark(&event, &text);
}

/// What java is given, and behind a second `--` what the application is given.
fn split(mut words: Vec<OsString>) -> (Vec<OsString>, Vec<OsString>) {
    match words.iter().position(|word| word == "--") {
        Some(position) => {
            let arguments = words.split_off(position + 1);
            words.pop();
            (words, arguments)
        }
        None => (words, Vec::new()),
    }
}

/// Turns what happens into lines.
struct Lines<'a> {
    output: &'a Output,
    root: &'a Path,
    is_waiting: bool,
    /// The state that was told last: progress has many of one kind.
    last: &'static str,
}

impl Lines<'_> {
    fn tell(&mut self, happening: Happening) {
        match happening {
            Happening::Started {
                version,
                is_on_probation,
            } => {
                let trial = match is_on_probation {
                    true => ", on probation",
                    false => "",
                };
                self.line(
                    "started",
                    Some(&version),
                    &format!("started {version}{trial}"),
                );
            }
            Happening::Crashed { version, what } => {
                self.line("crashed", Some(&version), &format!("{version} {what}"));
            }
            Happening::FirstInstallation => {
                let root = self.root.display();
                let text = format!("nothing can be started in {root} yet; fetching it once");
                self.line("first-installation", None, &text);
            }
            Happening::Restarting => {
                self.line(
                    "restarting",
                    None,
                    "stopping the application to start the other version",
                );
            }
            Happening::Update(state) => self.state(&state),
            Happening::UpToDate => self.line("up-to-date", None, "up to date"),
            Happening::HeldBack(held) => {
                self.line("held-back", Some(&held.version), &held_back(&held));
            }
            Happening::Connected => {
                if std::mem::take(&mut self.is_waiting) {
                    self.line("connected", None, "connected again");
                }
            }
            Happening::Waiting { reason, wait } => {
                // Said once: the application is what the user came for.
                if !std::mem::replace(&mut self.is_waiting, true) {
                    let wait = format_duration(wait);
                    let text = format!("no session: {reason}; trying again in {wait} and later");
                    self.line("waiting", None, &text);
                }
            }
            Happening::Failed { error, wait } => {
                let wait = format_duration(wait);
                let text = format!("warning: the update failed: {error}; trying again in {wait}");
                self.line("failed", None, &text);
            }
            Happening::Blocked(issue) => {
                self.line("blocked", Some(&issue.version), &cannot_install(&issue));
            }
            Happening::Refused(error) => {
                let text = format!("warning: no more updates: {error}");
                self.line("not-updating", None, &text);
            }
            Happening::NotUpdating(error) => {
                let text = format!("warning: no updates from here: {error}");
                self.line("not-updating", None, &text);
            }
            Happening::Damaged(version) => {
                let text = format!("warning: the file of {version} is damaged; it is not started");
                self.line("damaged", Some(&version), &text);
            }
            Happening::Trouble(error) => {
                self.line("trouble", None, &format!("warning: {error}"));
            }
        }
    }

    fn state(&mut self, state: &State) {
        if std::mem::replace(&mut self.last, state.name()) == state.name() {
            return;
        }
        let text = match state {
            State::Offered(attempt) => match attempt.failed.last() {
                None => format!("fetching {}", attempt.offer.to),
                Some(failed) => format!(
                    "warning: the {} did not work: {}; taking another way",
                    failed.way,
                    harmless_word(&failed.reason)
                ),
            },
            State::Staged(staged) => {
                format!("{} is verified and staged ({})", staged.version, staged.way)
            }
            State::Probation { from, to } => {
                format!("switched from {from} to {to}, which has yet to show that it works")
            }
            State::Confirmed { version } => format!("{version} works: its probation is over"),
            State::RolledBack { failed, to, reason } => {
                format!("warning: {failed} {reason}; returned to {to}")
            }
            State::Failed { version, reason } => format!("warning: {version}: {reason}"),
            State::Idle
            | State::Downloading { .. }
            | State::Verifying { .. }
            | State::Patching { .. }
            | State::Installing(_) => return,
        };
        self.line(state.name(), state.version(), &text);
    }

    fn line(&self, event: &str, version: Option<&protocol::Version>, message: &str) {
        let event = Event {
            schema: SCHEMA,
            event,
            version: version.map(ToString::to_string),
            message,
        };
        self.output.remark(&event, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_double_dash_parts_java_from_its_application() {
        let split = |words: &[&str]| split(words.iter().map(OsString::from).collect());
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(split(&[]), (words(&[]), words(&[])));
        assert_eq!(split(&["-Xmx1g"]), (words(&["-Xmx1g"]), words(&[])));
        assert_eq!(
            split(&["-Xmx1g", "--", "--open", "--", "x"]),
            (words(&["-Xmx1g"]), words(&["--open", "--", "x"]))
        );
        assert_eq!(split(&["--", "x"]), (words(&[]), words(&["x"])));
    }
}
