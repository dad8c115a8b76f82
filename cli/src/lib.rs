//! `relctl`: publish releases, watch them arrive, and be the client that takes them.
//!
//! [`main`] parses, runs and turns the outcome into an exit code. `args.rs` holds the command line's shape and
//! nothing else, `commands/` does the work and prints nothing, `output.rs` prints and decides nothing. What the
//! user's files say becomes the defaults of the command line in `settings.rs`.

mod args;
mod commands;
mod config;
mod credentials;
mod exit;
mod failure;
mod output;
mod screen;
mod settings;
mod suggest;
mod units;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{FromArgMatches, ValueEnum};

use args::{Cli, ClientCommand, Command, ConfigCommand};
use exit::Exit;
use failure::Failure;
use output::{Color, Output, Style, Terminals};
use settings::{Settings, Surroundings, TOKEN_FILE};

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    output::explain_panics();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (cli, settings) = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(Unparsed::Arguments(error)) => return refuse(&arguments, &error).into(),
        Err(Unparsed::Settings(failure)) => {
            early_output(&arguments).fail(&failure);
            return failure.exit.into();
        }
    };
    let output = Output::new(cli.global.json, cli.global.quiet, style(cli.global.color));
    for warning in &settings.warnings {
        output.warn(warning);
    }
    match run(cli, &settings, &output) {
        Ok(exit) => exit.into(),
        // Whoever read our output has gone: nothing is wrong, and there is nobody to tell.
        Err(failure) if failure.is_closed_pipe() => Exit::Ok.into(),
        Err(failure) => {
            output.fail(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli, settings: &Settings, output: &Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(commands::run(cli, settings, output));
    // A thread that still makes a delta must not keep a stopped command from ending.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// Why there is no command to run.
enum Unparsed {
    Arguments(clap::Error),
    Settings(Failure),
}

impl From<clap::Error> for Unparsed {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

/// Reads the command line twice: once for the files that count, and once with what they say as its defaults.
fn parse(arguments: &[OsString]) -> Result<(Cli, Settings), Unparsed> {
    let command = args::command();
    let lenient = args::without_empty_variables(command.clone()).ignore_errors(true);
    let first = lenient.try_get_matches_from(arguments)?;
    let surroundings = Surroundings {
        folder: std::env::current_dir().unwrap_or_default(),
        variable: &|name| std::env::var_os(name),
    };
    let read = Settings::read(&command, &first, &surroundings).map_err(Unparsed::Settings);
    let parsed = read.and_then(|settings| parse_with(settings, command.clone(), arguments));
    let (mut cli, settings) = match parsed {
        Err(Unparsed::Settings(failure)) => {
            let (cli, mut settings) = parse_with(Settings::default(), command, arguments)?;
            match &cli.command {
                // Whatever stands in a file, an application starts.
                Command::Client(ClientCommand::Run(_)) => {
                    let warning = format!("no settings are used: {}", failure.message);
                    settings.warnings.push(warning);
                }
                // These help to mend a file, and take nothing from it.
                command if command.mends_settings() => settings.broken = Some(failure),
                _ => return Err(Unparsed::Settings(failure)),
            }
            (cli, settings)
        }
        parsed => parsed?,
    };
    // Now, and not when it is needed: while the runtime waits for a line, Ctrl-C would go unheard.
    // `login` waits for one by itself, where it is heard.
    let is_stdin = cli.global.token_file.as_deref() == Some(Path::new("-"));
    if is_stdin && !matches!(cli.command, Command::Login(_)) {
        let token = config::token_from_stdin().map_err(Unparsed::Settings)?;
        cli.global.token = Some(token);
    }
    Ok((cli, settings))
}

/// Reads a command line whose defaults are what the files say.
fn parse_with(
    mut settings: Settings,
    command: clap::Command,
    arguments: &[OsString],
) -> Result<(Cli, Settings), Unparsed> {
    let command = args::without_empty_variables(settings.apply(command));
    let parsed = command.try_get_matches_from(arguments);
    let matches = parsed.map_err(|error| match settings.blame(&error) {
        Some(failure) => Unparsed::Settings(failure),
        None => Unparsed::Arguments(error),
    })?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    settings.note_flags(&matches);
    let token_file = settings.in_files(TOKEN_FILE);
    cli.global.configured_token_file =
        token_file.and_then(|given| given.values.first().map(PathBuf::from));
    Ok((cli, settings))
}

fn style(color: Color) -> Style {
    Style::decide(
        color,
        &|name| std::env::var_os(name),
        Terminals::of_this_process(),
    )
}

/// Help and version are answers; everything else is a mistake in the arguments.
fn refuse(arguments: &[OsString], error: &clap::Error) -> Exit {
    let output = early_output(arguments);
    if !error.use_stderr() {
        let text = error.render();
        let printed = match output.style().color_stdout {
            true => output.verbatim(&text.ansi().to_string()),
            false => output.verbatim(&text.to_string()),
        };
        return match printed {
            Err(failure) if !failure.is_closed_pipe() => {
                output.fail(&failure);
                failure.exit
            }
            Ok(()) | Err(_) => Exit::Ok,
        };
    }
    if output.is_json() {
        let text = error.to_string();
        let first: Vec<&str> = text
            .lines()
            .take_while(|line| !line.is_empty())
            .map(str::trim)
            .collect();
        let line = first.join(" ");
        let message = line.strip_prefix("error: ").unwrap_or(&line);
        let tips = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("tip: "));
        let failure = tips.fold(Failure::usage(message), Failure::help);
        output.fail(&failure.help("what does it take?  the same command with --help"));
    } else {
        output.refused_arguments(&error.render());
    }
    Exit::Usage
}

/// The output of a process whose arguments could not be read: what they say of it is looked for by hand.
fn early_output(arguments: &[OsString]) -> Output {
    let words = || arguments.iter().skip(1).take_while(|word| *word != "--");
    let variable = std::env::var("RELCTL_JSON").unwrap_or_default();
    let is_on = !matches!(
        variable.as_str(),
        "" | "0" | "false" | "off" | "no" | "n" | "f"
    );
    let json = is_on || words().any(|word| word == "--json");
    let mut color = Color::default();
    let mut before = "";
    for word in words().filter_map(|word| word.to_str()) {
        let value = word
            .strip_prefix("--color=")
            .or((before == "--color").then_some(word));
        color = value
            .and_then(|value| Color::from_str(value, true).ok())
            .unwrap_or(color);
        before = word;
    }
    Output::new(json, json, style(color))
}

impl Command {
    fn mends_settings(&self) -> bool {
        matches!(
            self,
            Self::Doctor
                | Self::Config(ConfigCommand::Path)
                | Self::Help(_)
                | Self::Schema(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }
}
