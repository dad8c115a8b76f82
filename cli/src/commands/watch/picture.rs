//! Draws the fleet into a buffer of any size: a title, the numbers, a bar, the table, and what keys do. Pure.

mod columns;
mod look;

use std::time::Duration;

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier, Style};

use super::fleet::{Counts, Goal};
use super::table::{Filter, Page, Sort};
use crate::output::harmless_word;
use crate::units::{format_share, format_speed};
use columns::{Columns, short};
pub(super) use look::Look;

/// All that is shown.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    pub(super) look: Look,
    pub(super) goal: Option<&'a Goal>,
    pub(super) line: &'a LineStatus,
    pub(super) elapsed: Duration,
    pub(super) counts: Counts,
    pub(super) bytes_a_second: u64,
    pub(super) seconds_left: Option<u64>,
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) page: Page<'a>,
}

/// How the connection to the daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineStatus {
    Connecting,
    Live,
    Reconnecting,
}

/// Rows around the table.
pub(super) const FRAME_ROWS: usize = 5;

impl Picture<'_> {
    pub(super) fn paint(&self, buffer: &mut Buffer) {
        let mut pen = Pen::new(buffer, self.look);
        self.title(&mut pen);
        self.numbers(&mut pen);
        self.whole(&mut pen);
        self.table(&mut pen);
        self.foot(&mut pen);
    }

    fn title(&self, pen: &mut Pen<'_>) {
        let line = pen.look.glyphs().line;
        let mut left = format!("{line} relctl watch {line} ");
        match self.goal {
            Some(goal) => {
                left.push_str(&goal.version.to_string());
                if let Some(channel) = &goal.channel {
                    left.push_str(&format!(" on {channel}"));
                }
                if goal.rollout_percentage < 100 {
                    left.push_str(&format!(" {line} rollout {} %", goal.rollout_percentage));
                }
                left.push(' ');
            }
            None => left.push_str("nothing is published yet "),
        }
        let seconds = self.elapsed.as_secs();
        let clock = format!(
            " {line} {:02}:{:02}:{:02} {line}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let dot = pen.look.glyphs().dot;
        let (status, color) = match self.line {
            LineStatus::Connecting => ("connecting", Color::Yellow),
            LineStatus::Live => ("live", Color::Green),
            LineStatus::Reconnecting => ("reconnecting", Color::Yellow),
        };
        let status = format!(" {dot} {status}");
        let right = status.chars().count() + clock.chars().count();
        pen.fill(line, Modifier::DIM.into());
        pen.text(&left, Modifier::BOLD.into());
        pen.jump(pen.columns.saturating_sub(right));
        pen.text(&status, pen.look.color(color));
        pen.text(&clock, Style::new());
        pen.next_row();
    }

    fn numbers(&self, pen: &mut Pen<'_>) {
        let Counts {
            waiting,
            downloading,
            installing,
            done,
            failed,
            rate_limited,
        } = self.counts;
        let eligible = self.counts.eligible();
        let clients = if eligible == 1 { "client" } else { "clients" };
        let clients = format!(" {eligible} {clients}");
        let mut words = vec![(1, clients, Style::new().add_modifier(Modifier::BOLD))];
        for (number, word, color) in [
            (waiting, "waiting", None),
            (downloading, "downloading", Some(Color::Cyan)),
            (installing, "installing", Some(Color::Cyan)),
            (done, "done", Some(Color::Green)),
            (failed, "failed", Some(Color::Red)),
        ] {
            let style = color.filter(|_| number > 0);
            let style = style.map_or(Style::new(), |color| pen.look.color(color));
            words.push((number, format!("{number} {word}"), style));
        }
        if rate_limited > 0 {
            let style = pen.look.color(Color::Yellow);
            words.push((rate_limited, format!("{rate_limited} limited"), style));
        }
        let length: usize = words.iter().map(|(_, word, _)| word.len() + 2).sum();
        if length > pen.columns {
            words.retain(|(number, _, _)| *number > 0);
        }
        for (_, word, style) in words {
            pen.text(&word, style);
            pen.text("  ", Style::new());
        }
        pen.next_row();
    }

    /// One bar for all: what is done, then what failed.
    fn whole(&self, pen: &mut Pen<'_>) {
        let eligible = self.counts.eligible();
        let mut words = format!("  {}", format_share(self.counts.done, eligible));
        if self.bytes_a_second > 0 {
            words.push_str(&format!("  {}", format_speed(self.bytes_a_second)));
        }
        if let Some(seconds) = self.seconds_left {
            words.push_str(&format!("  eta {}", short(seconds.max(1))));
        }
        words.push(' ');
        pen.text(" ", Style::new());
        let width = pen.left().saturating_sub(words.chars().count());
        let share = |part: u64| match eligible {
            0 => 0.0,
            eligible => part as f64 / eligible as f64,
        };
        let green = pen.look.color(Color::Green);
        pen.bar(width, share(self.counts.done), green);
        pen.text(&words, Style::new());
        pen.next_row();
    }

    fn table(&self, pen: &mut Pen<'_>) {
        let columns = Columns::for_rows(&self.page.rows, pen.columns, pen.look);
        columns.head(pen);
        pen.next_row();
        for row in &self.page.rows {
            columns.row(pen, row);
            pen.next_row();
        }
        if self.page.rows.is_empty() {
            let words = match self.filter {
                Filter::Open => " nobody is under way",
                Filter::Failed => " nobody failed",
                Filter::All => " no client was seen yet",
            };
            pen.text(words, Modifier::DIM.into());
        }
    }

    fn foot(&self, pen: &mut Pen<'_>) {
        pen.last_row();
        let (before, after) = (self.page.before, self.page.after);
        let more = match (before, after) {
            (0, 0) => String::new(),
            (0, after) => format!("{after} more below, "),
            (before, 0) => format!("{before} more above, "),
            (before, after) => format!("{before} above, {after} below, "),
        };
        let filter = match self.filter {
            Filter::Open => "under way",
            Filter::Failed => "failed only",
            Filter::All => "all",
        };
        let sort = match self.sort {
            Sort::Longest => "longest first",
            Sort::Progress => "by progress",
            Sort::Slowest => "slowest first",
            Sort::Client => "by client",
        };
        let keys = "f failed  a all  s sort  q quit ";
        let style: Style = Modifier::DIM.into();
        pen.text(&format!(" {more}{filter}, {sort}"), style);
        if pen.left() > keys.len() {
            pen.jump(pen.columns.saturating_sub(keys.len()));
            pen.text(keys, style);
        }
    }
}

/// Writes from left to right and row by row, and never beyond the buffer.
#[derive(Debug)]
struct Pen<'a> {
    buffer: &'a mut Buffer,
    look: Look,
    columns: usize,
    column: usize,
    row: usize,
}

impl<'a> Pen<'a> {
    fn new(buffer: &'a mut Buffer, look: Look) -> Self {
        let columns = usize::from(buffer.area.width);
        Self {
            buffer,
            look,
            columns,
            column: 0,
            row: 0,
        }
    }

    fn next_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// The foot is where it is, however little room is above it; on a single row it is left out.
    fn last_row(&mut self) {
        self.row = usize::from(self.buffer.area.height).saturating_sub(1);
        self.row += usize::from(self.row == 0);
        self.column = 0;
        self.fill(" ", Style::new());
    }

    /// Columns that are free in this row.
    fn left(&self) -> usize {
        self.columns.saturating_sub(self.column)
    }

    fn jump(&mut self, column: usize) {
        self.column = column.max(self.column);
    }

    fn text(&mut self, text: &str, style: Style) {
        let area = self.buffer.area;
        let (Ok(row), Ok(column)) = (u16::try_from(self.row), u16::try_from(self.column)) else {
            return;
        };
        if row >= area.height || column >= area.width {
            return;
        }
        let (x, y) = (area.x + column, area.y + row);
        // In place of how what was there looked.
        let style = Style::new().remove_modifier(Modifier::all()).patch(style);
        let (end, _) = self.buffer.set_stringn(x, y, text, self.left(), style);
        self.column = usize::from(end - area.x);
    }

    /// A text in so many columns; one that is too long loses its beginning or its end.
    fn cell(&mut self, text: &str, width: usize, cut: Cut, style: Style) {
        let start = self.column;
        let text = harmless_word(text);
        let length = text.chars().count();
        let more = self.look.glyphs().more;
        let shown = match length > width {
            false => text,
            true => {
                let kept = width.saturating_sub(more.chars().count());
                match cut {
                    Cut::Beginning => {
                        let tail: String = text.chars().skip(length - kept).collect();
                        format!("{more}{tail}")
                    }
                    Cut::End => {
                        let head: String = text.chars().take(kept).collect();
                        format!("{head}{more}")
                    }
                }
            }
        };
        self.text(&shown, style);
        self.column = start + width;
    }

    fn right(&mut self, text: &str, width: usize, style: Style) {
        let gap = width.saturating_sub(text.chars().count());
        let start = self.column;
        self.column += gap;
        self.text(text, style);
        self.column = start + width;
    }

    /// The whole row.
    fn fill(&mut self, glyph: &str, style: Style) {
        self.column = 0;
        self.text(&glyph.repeat(self.columns), style);
        self.column = 0;
    }

    fn bar(&mut self, width: usize, share: f64, style: Style) {
        let glyphs = self.look.glyphs();
        let full = (share.clamp(0.0, 1.0) * width as f64) as usize;
        let rest = width - full.min(width);
        self.text(&glyphs.bar.repeat(full), style);
        let head = match rest > 0 && share > 0.0 {
            true => glyphs.bar_head,
            false => "",
        };
        self.text(head, style);
        let rest = rest - usize::from(!head.is_empty());
        self.text(&glyphs.bar_rest.repeat(rest), Modifier::DIM.into());
    }
}

/// What a text that is too long loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Beginning,
    End,
}

#[cfg(test)]
mod tests;
