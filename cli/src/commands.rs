//! One file per command. A command takes its arguments, works, and hands its result to the output.

mod checksum;
mod client;
mod config;
mod delta;
mod doctor;
mod inspect;
mod jar;
mod login;
mod package;
mod progress;
mod publish;
mod schema;
mod shell;
mod simulate;
mod token;
mod user;
mod versions;
mod watch;
mod whoami;

use std::future::Future;
use std::time::Duration;

use crate::args::{Cli, ClientCommand, Command, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::units::format_duration;

/// The code of a command that the user or the system stopped.
pub(crate) const INTERRUPTED: &str = "INTERRUPTED";

/// Runs the command.
pub(crate) async fn run(cli: Cli, settings: &Settings, output: &Output) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    match command {
        // These have last words of their own, however they end.
        Command::Watch(args) => watch::run(&global, args, output).await,
        Command::Simulate(args) | Command::Client(ClientCommand::Simulate(args)) => {
            simulate::run(&global, args, output).await
        }
        // The time limit is for publishing; watching has one of its own.
        Command::Publish(args) => publish::run(&global, args, output).await,
        // It ends when its application does, and passes signals on.
        Command::Client(ClientCommand::Run(args)) => client::run::run(&global, args, output).await,
        command => within(global.timeout, dispatch(&global, command, settings, output)).await,
    }
}

async fn dispatch(
    global: &Global,
    command: Command,
    settings: &Settings,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Command::Package(args) => package::run(args, output).await,
        Command::Inspect(args) => inspect::run(args, output).await,
        Command::Checksum(command) => checksum::run(command, output).await,
        Command::Delta(command) => delta::run(command, output).await,
        Command::Publish(args) => publish::run(global, args, output).await,
        Command::Versions(command) => versions::run(global, command, output).await,
        Command::Watch(args) => watch::run(global, args, output).await,
        Command::Simulate(args) => simulate::run(global, args, output).await,
        Command::Client(command) => client::run(global, command, output).await,
        Command::User(command) => user::run(global, command, output).await,
        Command::Token(command) => token::run(global, command, output).await,
        Command::Login(args) => login::run(global, args, output).await,
        Command::Logout => login::forget(global, output),
        Command::Whoami => whoami::run(global, output).await,
        Command::Config(command) => config::run(global, command, settings, output),
        Command::Doctor => doctor::run(global, settings, output).await,
        Command::Schema(args) => schema::run(&args, output),
        Command::Completions(args) => shell::complete(&args, output),
        Command::Man(args) => shell::write_manual(&args, output),
        Command::Help(args) => shell::help(&args, output),
    }
}

/// Ends a command when its time is over, or when the user or the system wants it to end.
async fn within<T>(
    timeout: Option<Duration>,
    command: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        // In this order: a signal must be awaited before the command begins, or it ends the process unheard.
        biased;
        exit = stopped() => Err(Failure::new(exit, INTERRUPTED, "stopped; run the same command again and it goes on")),
        after = passed(timeout) => Err(timed_out(after)),
        outcome = command => outcome,
    }
}

fn timed_out(after: Duration) -> Failure {
    let message = format!("not done after {}", format_duration(after));
    Failure::new(Exit::Timeout, "TIMEOUT", message).help(
        "run the same command again with a longer --timeout, or none: it goes on where it stopped",
    )
}

/// Waits for the end of the time that the user gave.
async fn passed(timeout: Option<Duration>) -> Duration {
    match timeout {
        Some(timeout) => {
            tokio::time::sleep(timeout).await;
            timeout
        }
        None => std::future::pending().await,
    }
}

/// Waits for Ctrl-C or, where there is one, SIGTERM.
async fn stopped() -> Exit {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => Exit::Interrupted,
        () = terminated() => Exit::Terminated,
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// Work that fills a core or waits for a disk, away from the threads that talk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(Failure::new(
            Exit::Bug,
            "BUG",
            "a part of relctl has failed, see above",
        )),
        Err(_) => Err(Failure::error("the work was given up half-way")),
    }
}
