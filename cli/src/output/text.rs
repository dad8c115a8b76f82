//! Text that does nothing to a terminal but stand there, and columns of it.

use std::fmt::Write as _;

/// Escapes everything that moves a cursor, rings, or hides or turns text; line feeds stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push('\n'),
            '\t' => clean.push(' '),
            c if protocol::ids::is_printable(c.encode_utf8(&mut [0; 4])) => clean.push(c),
            c => {
                write!(clean, "\\u{{{:x}}}", c as u32).ok();
            }
        }
    }
    clean
}

/// The same for a word in a line: line feeds are escaped too.
pub(crate) fn harmless_word(text: &str) -> String {
    harmless(text).replace('\n', "\\n")
}

/// Columns under headings, each as wide as its widest cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let cells =
        |row: &[String]| -> Vec<String> { row.iter().map(|cell| harmless_word(cell)).collect() };
    let heading: Vec<String> = headings
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    let lines: Vec<Vec<String>> = std::iter::once(heading)
        .chain(rows.iter().map(|row| cells(row)))
        .collect();
    let width = |column: usize| {
        let cell = |line: &Vec<String>| line.get(column).map_or(0, |cell| cell.chars().count());
        lines.iter().map(cell).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            write!(row, "{cell:<width$}  ").ok();
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_daemon_sends_moves_the_cursor() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\u{202E}c\r\nd\te"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{d}\nd e"
        );
        assert_eq!(harmless_word("a\nb"), "a\\nb");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![
            vec!["2.1.0".to_owned(), "ACTIVE".to_owned()],
            vec!["2.0.0-rc.1".to_owned(), "RE\u{7}CALLED".to_owned()],
        ];
        insta::assert_snapshot!(table(&["VERSION", "STATE"], &rows), @r"
        VERSION     STATE
        2.1.0       ACTIVE
        2.0.0-rc.1  RE\u{7}CALLED
        ");
    }
}
