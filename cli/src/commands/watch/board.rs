//! The live table on a terminal, with a log of what ended above it.

use std::io;
use std::time::{Duration, Instant};

use protocol::Timestamp;
use ratatui_core::style::{Color, Style};

use super::fleet::{Change, Fleet, Stage};
use super::lines::LineState;
use super::picture::{FRAME_ROWS, LineStatus, Look, Picture};
use super::table::{Request, Table};
use crate::output;
use crate::screen::{LogLine, Screen};

/// More often nobody can read.
const REDRAW: Duration = Duration::from_millis(200);

/// The clock in the title goes on when nothing happens.
const CLOCK: Duration = Duration::from_secs(1);

/// What stands in the table.
#[derive(Debug)]
pub(super) struct Board {
    screen: Screen,
    style: output::Style,
    look: Look,
    table: Table,
    /// Rows of the table in the last picture: how far a page goes.
    page: usize,
    lines: LineState,
    log: Vec<LogLine>,
    status: LineStatus,
    began: Instant,
    drawn: Option<Instant>,
    is_stale: bool,
}

impl Board {
    pub(super) fn open(style: output::Style) -> io::Result<Self> {
        Ok(Self {
            screen: Screen::open()?,
            look: style.into(),
            style,
            table: Table::default(),
            page: 1,
            lines: LineState::default(),
            log: Vec::new(),
            status: LineStatus::Connecting,
            began: Instant::now(),
            drawn: None,
            is_stale: true,
        })
    }

    pub(super) fn status(&mut self, status: LineStatus) {
        self.status = status;
        self.is_stale = true;
    }

    /// A line of talk in the log.
    pub(super) fn say(&mut self, text: &str) {
        self.log.push(LogLine {
            mark: ("", Style::new()),
            text: self.style.spelled(text.to_owned()),
        });
        self.is_stale = true;
    }

    /// What ended, and what is odd, goes to the log; the rest is in the table.
    pub(super) fn note(&mut self, change: &Change) {
        self.is_stale = true;
        let glyphs = self.look.glyphs();
        let mark = match change {
            Change::Ended { completed, .. } if completed.success => {
                (glyphs.good, self.look.color(Color::Green))
            }
            Change::Ended { .. } => (glyphs.bad, self.look.color(Color::Red)),
            Change::Limited(_) | Change::Incompatible(_) => ("!", self.look.color(Color::Yellow)),
            Change::Release(_) => (glyphs.dot, Style::new()),
            Change::Connected(_)
            | Change::Registered
            | Change::Disconnected { .. }
            | Change::Downloading(_)
            | Change::Installing(_) => return,
        };
        if let Some(text) = self.lines.line(change) {
            let text = self.style.spelled(text);
            self.log.push(LogLine { mark, text });
        }
    }

    /// Takes the keys, and draws what is new.
    pub(super) fn tick(&mut self, fleet: &Fleet) -> io::Result<Option<Request>> {
        for key in self.screen.keys()? {
            if let Some(request) = self.table.press(key, self.page) {
                return Ok(Some(request));
            }
            // Whoever presses a key wants to see it at once.
            self.drawn = None;
        }
        let age = self.drawn.map(|drawn| drawn.elapsed());
        let is_due = age.is_none_or(|age| age >= CLOCK || self.is_stale && age >= REDRAW);
        if is_due {
            self.draw(fleet)?;
        }
        Ok(None)
    }

    /// The last picture, so that nothing of the log is missing.
    pub(super) fn finish(mut self, fleet: &Fleet) -> io::Result<()> {
        self.draw(fleet)
    }

    fn draw(&mut self, fleet: &Fleet) -> io::Result<()> {
        let rows = FRAME_ROWS + self.table.count(fleet).max(1);
        let log = std::mem::take(&mut self.log);
        let downloads =
            fleet
                .clients()
                .filter_map(|(_, client)| match client.journey.as_ref()?.stage {
                    Stage::Downloading {
                        percentage: 100, ..
                    } => None,
                    Stage::Downloading { bytes_a_second, .. } if !client.is_away => {
                        Some(bytes_a_second)
                    }
                    Stage::Downloading { .. } | Stage::Installing { .. } | Stage::Limited => None,
                });
        let bytes_a_second = downloads.sum();
        let Self {
            screen,
            look,
            table,
            page,
            status,
            began,
            ..
        } = self;
        screen.draw(&log, u16::try_from(rows).unwrap_or(u16::MAX), |buffer| {
            *page = usize::from(buffer.area.height).saturating_sub(FRAME_ROWS);
            let picture = Picture {
                look: *look,
                goal: fleet.goal(),
                line: status,
                elapsed: began.elapsed(),
                counts: fleet.counts(),
                bytes_a_second,
                seconds_left: fleet.seconds_left(Timestamp::now()),
                filter: table.filter(),
                sort: table.sort(),
                page: table.page(fleet, *page),
            };
            picture.paint(buffer);
        })?;
        self.drawn = Some(Instant::now());
        self.is_stale = false;
        Ok(())
    }
}
