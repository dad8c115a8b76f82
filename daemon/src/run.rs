//! The process around the daemon: command line, signals, exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, StartError};
use crate::config::args::{self, Action, ArgsError};
use crate::config::{Config, report};
use crate::telemetry;

/// sysexits.h: a setting was refused.
const EXIT_CONFIG: u8 = 78;

/// What a shell reports for a process that a signal ended.
const EXIT_INTERRUPTED: u8 = 130;

/// Runs the command line of `relctld`.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match args::parse(args) {
        Ok(Action::Serve(config)) => serve(*config),
        Ok(Action::CheckConfig(config, given)) => {
            let printed = io::stdout().write_all(report::effective(&config, &given).as_bytes());
            ExitCode::from(u8::from(printed.is_err()))
        }
        Err(ArgsError::Usage(error)) => {
            // Who closed the pipe does not want to read.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        Err(ArgsError::Config(error)) => {
            complain(&error);
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn serve(config: Config) -> ExitCode {
    telemetry::init(&config.log);
    for variable in args::unknown_variables() {
        tracing::warn!(variable, "no setting is called so; it changes nothing");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run(config)) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(error.exit_code())
        }
    };
    // Work that did not end in its grace must not hold the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

/// Runs a daemon until a signal; a second signal ends it at once.
async fn run(config: Config) -> Result<ExitCode, StartError> {
    let mut signals = Signals::install().map_err(|source| StartError::Signals { source })?;
    let running = tokio::select! {
        running = app::start(config) => running?,
        () = signals.next() => return Ok(ExitCode::from(EXIT_INTERRUPTED)),
    };
    announce(running.address()).map_err(|source| StartError::Announce { source })?;
    signals.next().await;
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        () = signals.next() => {
            tracing::warn!("a second signal came; relctld ends at once");
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
    }
}

/// The one line on standard output, which scripts wait for.
fn announce(address: std::net::SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()
}

/// One line on standard error; the reason is there even when the log is filtered away.
fn complain(error: &dyn std::error::Error) {
    let line = error.to_string().replace('\n', " ");
    // There is nobody left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "relctld: {line}");
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
