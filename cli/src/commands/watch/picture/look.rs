//! The characters and colours of the picture.

use ratatui_core::style::{Color, Style};

use crate::output;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands::watch) struct Look {
    pub(in crate::commands::watch) has_unicode: bool,
    pub(in crate::commands::watch) has_color: bool,
}

impl From<output::Style> for Look {
    fn from(style: output::Style) -> Self {
        Self {
            has_unicode: style.unicode,
            has_color: style.color_stdout,
        }
    }
}

/// Characters with a fallback in ASCII.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands::watch) struct Glyphs {
    pub(in crate::commands::watch) bar: &'static str,
    pub(in crate::commands::watch) bar_head: &'static str,
    pub(in crate::commands::watch) bar_rest: &'static str,
    pub(in crate::commands::watch) line: &'static str,
    pub(in crate::commands::watch) dot: &'static str,
    pub(in crate::commands::watch) arrow: &'static str,
    pub(in crate::commands::watch) more: &'static str,
    pub(in crate::commands::watch) good: &'static str,
    pub(in crate::commands::watch) bad: &'static str,
}

/// In every font that was tried, Chromium's fallbacks among them.
const UNICODE: Glyphs = Glyphs {
    bar: "━",
    bar_head: "╸",
    bar_rest: "─",
    line: "─",
    dot: "●",
    arrow: "→",
    more: "…",
    good: "✓",
    bad: "✗",
};

const ASCII: Glyphs = Glyphs {
    bar: "#",
    bar_head: ">",
    bar_rest: "-",
    line: "-",
    dot: "*",
    arrow: "->",
    more: "..",
    good: "+",
    bad: "x",
};

impl Look {
    pub(in crate::commands::watch) fn glyphs(self) -> &'static Glyphs {
        match self.has_unicode {
            true => &UNICODE,
            false => &ASCII,
        }
    }

    /// A colour where colours are wanted. What it says is always said by a word, too.
    pub(in crate::commands::watch) fn color(self, color: Color) -> Style {
        match self.has_color {
            true => Style::new().fg(color),
            false => Style::new(),
        }
    }
}
