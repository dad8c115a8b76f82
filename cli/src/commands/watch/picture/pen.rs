//! Puts texts, cells and bars into a buffer. Pure.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Modifier, Style};

use super::Look;
use crate::output::harmless_word;

/// Writes from left to right and row by row, and never beyond the buffer.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    pub(super) look: Look,
    pub(super) columns: usize,
    column: usize,
    row: usize,
}

impl<'a> Pen<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, look: Look) -> Self {
        let columns = usize::from(buffer.area.width);
        Self {
            buffer,
            look,
            columns,
            column: 0,
            row: 0,
        }
    }

    pub(super) fn next_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// The foot is where it is, however little room is above it; on a single row it is left out.
    pub(super) fn last_row(&mut self) {
        self.row = usize::from(self.buffer.area.height).saturating_sub(1);
        self.row += usize::from(self.row == 0);
        self.column = 0;
        self.fill(" ", Style::new());
    }

    /// Columns that are free in this row.
    pub(super) fn left(&self) -> usize {
        self.columns.saturating_sub(self.column)
    }

    pub(super) fn jump(&mut self, column: usize) {
        self.column = column.max(self.column);
    }

    pub(super) fn text(&mut self, text: &str, style: Style) {
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
    pub(super) fn cell(&mut self, text: &str, width: usize, cut: Cut, style: Style) {
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

    pub(super) fn right(&mut self, text: &str, width: usize, style: Style) {
        let gap = width.saturating_sub(text.chars().count());
        let start = self.column;
        self.column += gap;
        self.text(text, style);
        self.column = start + width;
    }

    /// The whole row.
    pub(super) fn fill(&mut self, glyph: &str, style: Style) {
        self.column = 0;
        self.text(&glyph.repeat(self.columns), style);
        self.column = 0;
    }

    pub(super) fn bar(&mut self, width: usize, share: f64, style: Style) {
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
pub(super) enum Cut {
    Beginning,
    End,
}
