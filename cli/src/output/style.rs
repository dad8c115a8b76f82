//! How the output looks: colours, characters, bars, and whether somebody can be asked. Decided once, when the process
//! starts, by what the user said, the environment and the terminal; nobody else looks at those.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin, stdout};

use clap::ValueEnum;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Also in pipes and files
    Always,
    /// Nowhere
    Never,
}

/// Which streams are terminals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terminals {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Terminals {
    pub(crate) fn of_this_process() -> Self {
        Self {
            stdin: stdin().is_terminal(),
            stdout: stdout().is_terminal(),
            stderr: stderr().is_terminal(),
        }
    }
}

/// How the output looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) color_stdout: bool,
    pub(crate) color_stderr: bool,
    /// Whether characters beyond ASCII are seen as what they are.
    pub(crate) unicode: bool,
    /// Whether lines on standard error can be drawn over.
    pub(crate) bars: bool,
    /// Whether standard output can hold a picture that moves.
    pub(crate) pictures: bool,
    /// Whether there is somebody to ask.
    pub(crate) interactive: bool,
}

impl Style {
    /// Without anything that needs a terminal.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self {
        color_stdout: false,
        color_stderr: false,
        unicode: true,
        bars: false,
        pictures: false,
        interactive: false,
    };

    /// By `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, then the terminal. An empty variable counts as absent.
    pub(crate) fn decide(
        color: Color,
        variable: &dyn Fn(&str) -> Option<OsString>,
        terminals: Terminals,
    ) -> Self {
        let text = |name| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some(value.to_string_lossy().into_owned())
        };
        let is_on = |name| text(name).is_some_and(|value| value != "0" && value != "false");
        let terminal = text("TERM").unwrap_or_default();
        let is_dumb = terminal == "dumb";
        let colored = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if text("NO_COLOR").is_some() => false,
            Color::Auto if is_on("CLICOLOR_FORCE") || is_on("FORCE_COLOR") => true,
            Color::Auto if text("CLICOLOR").as_deref() == Some("0") => false,
            Color::Auto => is_terminal && !is_dumb,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(text);
        // In a file or a CI log UTF-8 is read right; that a locale says nothing means little there.
        let shows_ascii_only =
            is_dumb || terminal == "linux" || locale.is_some_and(|locale| !is_utf8(&locale));
        let on_terminal = terminals.stdout || terminals.stderr;
        Self {
            color_stdout: colored(terminals.stdout),
            color_stderr: colored(terminals.stderr),
            unicode: !(is_on("RELCTL_ASCII") || on_terminal && shows_ascii_only),
            bars: terminals.stderr && !is_dumb && !is_on("CI"),
            pictures: terminals.stdout && !is_dumb && !is_on("CI"),
            interactive: terminals.stdin && terminals.stderr && !is_on("CI"),
        }
    }

    /// A bar's characters: done, the head, and what is left.
    pub(crate) fn bar_characters(self) -> &'static str {
        match self.unicode {
            true => "━╸─",
            false => "#>-",
        }
    }

    /// The text with our own characters beyond ASCII written in ASCII, where they would not be seen.
    pub(crate) fn spelled(self, text: String) -> String {
        if self.unicode || text.is_ascii() {
            return text;
        }
        let mut spelled = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '→' => spelled.push_str("->"),
                '←' => spelled.push_str("<-"),
                '…' => spelled.push_str("..."),
                '✓' => spelled.push_str("ok"),
                '✗' => spelled.push('x'),
                '━' => spelled.push('#'),
                '╸' => spelled.push('>'),
                '─' | '–' | '—' => spelled.push('-'),
                '│' => spelled.push('|'),
                '●' | '·' | '•' => spelled.push('*'),
                'Δ' => spelled.push('d'),
                c => spelled.push(c),
            }
        }
        spelled
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Terminals = Terminals {
        stdin: true,
        stdout: true,
        stderr: true,
    };

    fn decided(color: Color, variables: &[(&str, &str)], terminals: Terminals) -> Style {
        let variable = |name: &str| {
            let found = variables.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Style::decide(color, &variable, terminals)
    }

    #[test]
    fn the_flag_beats_no_color_which_beats_forcing_which_beats_the_terminal() {
        let none = Terminals::default();
        for (color, variables, terminals, is_colored) in [
            (Color::Auto, &[][..], TERMINAL, true),
            (Color::Auto, &[], none, false),
            (Color::Auto, &[("NO_COLOR", "1")], TERMINAL, false),
            (Color::Auto, &[("NO_COLOR", "")], TERMINAL, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "1")], none, true),
            (Color::Auto, &[("FORCE_COLOR", "1")], none, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "0")], none, false),
            (
                Color::Auto,
                &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
                TERMINAL,
                false,
            ),
            (Color::Auto, &[("CLICOLOR", "0")], TERMINAL, false),
            (Color::Auto, &[("TERM", "dumb")], TERMINAL, false),
            (Color::Always, &[("NO_COLOR", "1")], none, true),
            (Color::Never, &[("CLICOLOR_FORCE", "1")], TERMINAL, false),
        ] {
            let style = decided(color, variables, terminals);
            assert_eq!(style.color_stderr, is_colored, "{color:?} {variables:?}");
        }
    }

    #[test]
    fn ascii_is_spoken_where_nothing_else_is_understood() {
        for (variables, terminals, unicode) in [
            (&[][..], TERMINAL, true),
            (&[("LANG", "de_DE.UTF-8")], TERMINAL, true),
            (&[("LANG", "C")], TERMINAL, false),
            (&[("LANG", "C")], Terminals::default(), true),
            (&[("LC_ALL", "C.utf8"), ("LANG", "C")], TERMINAL, true),
            (&[("TERM", "linux")], TERMINAL, false),
            (&[("TERM", "dumb")], TERMINAL, false),
            (&[("RELCTL_ASCII", "1")], Terminals::default(), false),
        ] {
            let style = decided(Color::Auto, variables, terminals);
            assert_eq!(style.unicode, unicode, "{variables:?}");
        }
        let ascii = Style {
            unicode: false,
            ..Style::PLAIN
        };
        assert_eq!(ascii.spelled("2.0 → 2.1 ✓ …é".into()), "2.0 -> 2.1 ok ...é");
        assert_eq!(Style::PLAIN.spelled("→".into()), "→");
    }

    #[test]
    fn nobody_is_asked_and_nothing_drawn_over_without_a_terminal_or_in_ci() {
        let style = decided(Color::Auto, &[], TERMINAL);
        assert!(style.bars && style.interactive);
        for (variables, terminals) in [
            (&[("CI", "true")][..], TERMINAL),
            (&[], Terminals::default()),
        ] {
            let style = decided(Color::Auto, variables, terminals);
            assert!(!style.bars && !style.interactive, "{variables:?}");
        }
        assert!(decided(Color::Auto, &[("CI", "false")], TERMINAL).bars);
        assert!(!decided(Color::Auto, &[("TERM", "dumb")], TERMINAL).bars);
    }
}
