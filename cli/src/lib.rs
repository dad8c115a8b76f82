//! `relctl`: publish releases, watch them arrive, and be the client that takes them.
//!
//! [`main`] parses, runs and turns the outcome into an exit code. `args.rs` holds the command line's shape and
//! nothing else, `commands/` does the work and prints nothing, `output.rs` prints and decides nothing.

mod args;
mod commands;
mod config;
mod exit;
mod failure;
mod output;
mod screen;
mod units;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use args::Cli;
use exit::Exit;
use failure::Failure;
use output::Output;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error).into(),
    };
    let output = Output::new(cli.global.json, cli.global.quiet);
    match run(cli, &output) {
        Ok(exit) => exit.into(),
        // Whoever read our output has gone: nothing is wrong, and there is nobody to tell.
        Err(failure) if failure.is_closed_pipe() => Exit::Ok.into(),
        Err(failure) => {
            output.fail(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(commands::run(cli, output));
    // A thread that still makes a delta must not keep a stopped command from ending.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

/// Help and version are answers; everything else is a mistake in the arguments.
fn refuse_arguments(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Ok,
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(_) => Exit::Error,
        };
    }
    // clap did not get far enough to know.
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if is_json {
        let text = error.to_string();
        let first: Vec<&str> = text
            .lines()
            .take_while(|line| !line.is_empty())
            .map(str::trim)
            .collect();
        let line = first.join(" ");
        let message = line.strip_prefix("error: ").unwrap_or(&line);
        Output::new(true, true).fail(&Failure::usage(message));
    } else {
        error.print().ok();
    }
    Exit::Usage
}
