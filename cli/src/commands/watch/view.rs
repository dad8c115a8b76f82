//! How a watch is shown: a live table, lines for people, or lines for programs.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use protocol::{ServerMessage, Timestamp};
use serde::Serialize;

use super::board::Board;
use super::events::{self, StreamState, own};
use super::fleet::{Change, Fleet};
use super::lines::LineState;
use super::picture::LineStatus;
use super::table::Request;
use crate::args::ViewName;
use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::output::Output;
use crate::units::format_duration;

/// A log without a terminal hears where the fleet stands this often.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// One of the ways.
#[derive(Debug)]
pub(super) enum View {
    Json,
    Plain { lines: LineState, said: Instant },
    Table(Box<Board>),
}

/// What happened to the connection.
#[derive(Debug)]
pub(super) enum Line<'a> {
    Begun(&'a str),
    Back,
    Broken {
        reason: &'a str,
        wait: Duration,
    },
    /// The daemon no longer has all events since the connection broke.
    Gap,
}

impl View {
    /// The way that was asked for, or the one that fits.
    pub(super) fn open(name: ViewName, output: &Output) -> Result<Self, Failure> {
        if output.is_json() {
            return Ok(Self::Json);
        }
        let plain_lines = || Self::Plain {
            lines: LineState::default(),
            said: Instant::now(),
        };
        let style = output.style();
        let has_table = style.pictures && !output.is_quiet();
        match name {
            ViewName::Plain => Ok(plain_lines()),
            ViewName::Auto if !has_table => Ok(plain_lines()),
            ViewName::Table if !io::stdout().is_terminal() => Err(Failure::usage(
                "the table needs a terminal, and standard output is none",
            )
            .help("leave out --view, or give --view plain")),
            ViewName::Auto | ViewName::Table => match Board::open(style) {
                Ok(board) => Ok(Self::Table(Box::new(board))),
                // A terminal that does not say where its cursor is.
                Err(error) if name == ViewName::Auto => {
                    output.warn(&format!("no table: {}", plain(&error)));
                    Ok(plain_lines())
                }
                Err(error) => Err(broken(&error)),
            },
        }
    }

    /// Something happened in the fleet.
    pub(super) fn change(
        &mut self,
        message: &ServerMessage,
        change: &Change,
        output: &Output,
    ) -> Result<(), Failure> {
        match self {
            Self::Json => match events::event(message) {
                Some(line) => output.json_line(&line),
                None => Ok(()),
            },
            Self::Plain { lines, .. } => match lines.line(change) {
                Some(line) => output.line(&line),
                None => Ok(()),
            },
            Self::Table(board) => {
                board.note(change);
                Ok(())
            }
        }
    }

    /// Something happened to the connection.
    pub(super) fn line(&mut self, line: &Line<'_>, output: &Output) -> Result<(), Failure> {
        let words = line.words();
        match self {
            Self::Json => {
                output.say(&words);
                match line.state() {
                    Some(state) => output.json_line(&own("STREAM_STATE", state)),
                    None => Ok(()),
                }
            }
            Self::Plain { .. } => {
                output.say(&words);
                Ok(())
            }
            Self::Table(board) => {
                match line {
                    Line::Begun(_) | Line::Back => board.status(LineStatus::Live),
                    Line::Broken { .. } => board.status(LineStatus::Reconnecting),
                    Line::Gap => {}
                }
                board.say(&words);
                Ok(())
            }
        }
    }

    /// Called several times a second: keys, pictures, and summaries.
    pub(super) fn tick(
        &mut self,
        fleet: &Fleet,
        output: &Output,
    ) -> Result<Option<Request>, Failure> {
        match self {
            Self::Json => Ok(None),
            Self::Plain { said, .. } => {
                if said.elapsed() >= SUMMARY_INTERVAL && !output.is_quiet() {
                    *said = Instant::now();
                    output.line(&LineState::summary(fleet, Timestamp::now()))?;
                }
                Ok(None)
            }
            Self::Table(board) => board.tick(fleet).map_err(|error| broken(&error)),
        }
    }

    /// Gives the terminal back; the last words come after it.
    pub(super) fn close(self, fleet: &Fleet) {
        match self {
            Self::Table(board) => {
                // The watch has ended, and how is what matters.
                board.finish(fleet).ok();
            }
            Self::Json | Self::Plain { .. } => {}
        }
    }
}

impl Line<'_> {
    fn words(&self) -> String {
        match self {
            Self::Begun(words) => (*words).to_owned(),
            Self::Back => "connected again".to_owned(),
            Self::Broken { reason, wait } => {
                format!("{reason}; trying again in {}", format_duration(*wait))
            }
            Self::Gap => {
                "warning: the daemon no longer has all events since the connection broke; some are missing here".to_owned()
            }
        }
    }

    fn state(&self) -> Option<impl Serialize> {
        let (state, reason, wait) = match self {
            Self::Begun(_) => return None,
            Self::Back => ("live", None, None),
            Self::Gap => ("gap", None, None),
            Self::Broken { reason, wait } => ("reconnecting", Some(*reason), Some(*wait)),
        };
        Some(StreamState {
            state,
            reason: reason.map(str::to_owned),
            retry_in_ms: wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        })
    }
}

fn broken(error: &io::Error) -> Failure {
    let message = format!("cannot use the terminal: {}", plain(error));
    Failure::new(Exit::Error, "TERMINAL", message).help("plain lines:  --view plain")
}
