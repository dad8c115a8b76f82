//! A picture at the bottom of a terminal, a log that scrolls away above it, and keys. What is drawn is others' affair.
//!
//! Whatever ends the process in order, or in a panic, the terminal is left as it was found: lines are ended and echoed, and the cursor is
//! seen. Another size begins a new picture, because terminals wrap what was there in ways that nobody can undo.

use std::io::{self, Stdout, Write, stdout};
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui_core::buffer::Buffer;
use ratatui_core::style::Style;
use ratatui_core::terminal::{Terminal, TerminalOptions, Viewport};
use ratatui_core::text::Span;
use ratatui_crossterm::CrosstermBackend;

use crate::output::harmless_word;

/// The terminal, as long as it is ours.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// Columns and rows, as the picture was made for.
    size: (u16, u16),
    height: u16,
}

/// A line of the log.
#[derive(Debug)]
pub(crate) struct LogLine {
    /// A sign in front, and how it is shown.
    pub(crate) mark: (&'static str, Style),
    pub(crate) text: String,
}

impl Screen {
    /// Takes the terminal over.
    pub(crate) fn open() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Below the picture, so that the words of the panic can be read.
            queue!(stdout(), cursor::MoveTo(0, LAST_ROW)).ok();
            give_back("\r\n");
            before(panic);
        }));
        // Whether there are colours is decided once (`output::Style`), and not again by the library.
        crossterm::style::force_color_output(true);
        enable_raw_mode()?;
        let opened = execute!(stdout(), cursor::Hide).and_then(|()| Ok((inline(1)?, size()?)));
        match opened {
            Ok((terminal, size)) => Ok(Self {
                terminal,
                size,
                height: 1,
            }),
            Err(error) => {
                give_back("");
                Err(error)
            }
        }
    }

    /// The keys that were pressed since the last call. Ctrl-C is one of them.
    pub(crate) fn keys(&mut self) -> io::Result<Vec<KeyEvent>> {
        let mut keys = Vec::new();
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => keys.push(key),
                // The size is asked for with each picture.
                _ => {}
            }
        }
        Ok(keys)
    }

    /// How many rows a picture may have, so that something of the log is seen above it.
    pub(crate) fn height_max(&self) -> u16 {
        let (_, rows) = self.size;
        rows.saturating_sub((rows / 4).max(2)).max(1)
    }

    /// Adds to the log, and draws the picture with as many rows as it wants and may have. It does not become smaller
    /// again by itself: what moves cannot be read.
    pub(crate) fn draw(
        &mut self,
        log: &[LogLine],
        rows_wanted: u16,
        paint: impl FnOnce(&mut Buffer),
    ) -> io::Result<()> {
        let size = size()?;
        queue!(stdout(), BeginSynchronizedUpdate)?;
        let is_resized = size != self.size;
        if is_resized {
            self.size = size;
            self.start_over()?;
        }
        let height = rows_wanted.clamp(1, self.height_max());
        if is_resized || height > self.height {
            self.terminal.clear()?;
            self.terminal = inline(height)?;
            self.height = height;
        }
        let (columns, _) = self.size;
        let rows: Vec<LogRow<'_>> = log.iter().flat_map(|line| line.rows(columns)).collect();
        for rows in rows.chunks(ROWS_AT_ONCE) {
            self.insert(rows)?;
        }
        self.terminal.draw(|frame| paint(frame.buffer_mut()))?;
        execute!(stdout(), EndSynchronizedUpdate)
    }

    fn insert(&mut self, rows: &[LogRow<'_>]) -> io::Result<()> {
        let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
        self.terminal.insert_before(height, |buffer| {
            for (y, row) in (0..height).zip(rows) {
                let (mark, style) = row.mark;
                buffer.set_string(0, y, mark, style);
                buffer.set_string(row.indent, y, &row.text, Style::new());
            }
        })
    }

    /// What was above the picture goes up, where one can scroll back to it; what is left of the picture is wiped.
    fn start_over(&mut self) -> io::Result<()> {
        let (_, rows) = self.size;
        let above = self.terminal.get_frame().area().y.min(rows);
        let mut out = stdout();
        queue!(out, cursor::MoveTo(0, LAST_ROW))?;
        out.write_all(&b"\n".repeat(usize::from(above)))?;
        // Row by row: terminals keep a screen that is cleared at once, and one would scroll back to broken pictures.
        for row in 0..rows {
            queue!(out, cursor::MoveTo(0, row), Clear(ClearType::CurrentLine))?;
        }
        execute!(out, cursor::MoveTo(0, 0))?;
        self.terminal = inline(1)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // In a panic the terminal was given back, and words stand where the picture was.
        if !std::thread::panicking() {
            let top = self.terminal.get_frame().area().y;
            self.terminal.clear().ok();
            // What comes next stands where the picture was.
            queue!(stdout(), cursor::MoveTo(0, top)).ok();
            give_back("");
        }
    }
}

/// Terminals take a row that they do not have for the last one. Not `u16::MAX`: the row that is sent is counted from one.
const LAST_ROW: u16 = 9_999;

/// A line that is longer than so many rows is cut.
const LOG_ROWS_MAX: usize = 4;

/// After each part of a flood of lines the terminal is asked to scroll.
const ROWS_AT_ONCE: usize = 200;

/// A row of the log.
#[derive(Debug)]
struct LogRow<'a> {
    mark: (&'a str, Style),
    indent: u16,
    text: String,
}

impl LogLine {
    /// A long line goes on below, as far as it is worth.
    fn rows(&self, columns: u16) -> Vec<LogRow<'_>> {
        let (mark, style) = self.mark;
        let indent = match mark {
            "" => 0,
            mark => u16::try_from(Span::raw(mark).width() + 1).unwrap_or(0),
        };
        let width = usize::from(columns.saturating_sub(indent)).max(1);
        let rows = wrapped(&harmless_word(&self.text), width);
        let row = |(number, text)| LogRow {
            mark: (if number == 0 { mark } else { "" }, style),
            indent,
            text,
        };
        rows.into_iter().enumerate().map(row).collect()
    }
}

/// A text in rows; some characters take two columns, and some none.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for character in text.chars() {
        let width = Span::raw(character.to_string()).width();
        if used + width > columns {
            if rows.len() == LOG_ROWS_MAX {
                break;
            }
            rows.push(String::new());
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push(character);
        }
        used += width;
    }
    rows
}

fn size() -> io::Result<(u16, u16)> {
    crossterm::terminal::size()
}

/// A picture that begins where the cursor is; the terminal scrolls when there is too little room below.
fn inline(height: u16) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    let viewport = Viewport::Inline(height);
    Terminal::with_options(
        CrosstermBackend::new(stdout()),
        TerminalOptions { viewport },
    )
}

/// Lets go of the terminal.
fn give_back(last_words: &str) {
    let mut out = stdout();
    queue!(out, EndSynchronizedUpdate, cursor::Show).ok();
    out.write_all(last_words.as_bytes()).ok();
    out.flush().ok();
    disable_raw_mode().ok();
}

#[cfg(test)]
mod tests;
