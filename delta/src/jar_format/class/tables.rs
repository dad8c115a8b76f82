//! Tables of places in code, as differences: what moves as a whole then stays the same.
//!
//! - Line numbers: a method that moves in its source changes every line number in it, but no
//!   distance between them. The pc starts anew with each table, the line goes on from table to
//!   table of a class.
//! - Local variables: code that grows in one place moves what begins after it, and the end of what
//!   surrounds it. A start is sent as distance to the row before, an end as distance to the end of
//!   the code.
//! - Exception handlers: a start as distance to the row before, the end and the handler as
//!   distance to the field before.

use super::{put_u16, u16_at};

/// A table, by the position of its first row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) kind: Kind,
    pub(super) position: usize,
    pub(super) rows: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Rows of a pc and a line.
    Lines,
    /// Rows of a start, a length and three fields that stay, in code of this length.
    Variables { code_bytes: u16 },
    /// Rows of a start, an end, a handler and a field that stays.
    Handlers,
}

impl Kind {
    fn row_bytes(self) -> usize {
        match self {
            Kind::Lines => 4,
            Kind::Variables { .. } => 10,
            Kind::Handlers => 8,
        }
    }
}

/// What goes on from row to row; the line also from table to table.
#[derive(Debug, Default)]
struct Before {
    line: u16,
    pc: u16,
}

pub(super) fn to_differences(bytes: &mut [u8], tables: &[Table]) {
    each_row(bytes, tables, |kind, before, [a, b, c]| match kind {
        Kind::Lines => {
            let sent = [a.wrapping_sub(before.pc), b.wrapping_sub(before.line), c];
            (before.pc, before.line) = (a, b);
            sent
        }
        Kind::Variables { code_bytes } => {
            let end = a.wrapping_add(b);
            let sent = [a.wrapping_sub(before.pc), code_bytes.wrapping_sub(end), c];
            before.pc = a;
            sent
        }
        Kind::Handlers => {
            let sent = [
                a.wrapping_sub(before.pc),
                b.wrapping_sub(a),
                c.wrapping_sub(b),
            ];
            before.pc = a;
            sent
        }
    });
}

pub(super) fn from_differences(bytes: &mut [u8], tables: &[Table]) {
    each_row(bytes, tables, |kind, before, [a, b, c]| {
        let pc = before.pc.wrapping_add(a);
        before.pc = pc;
        match kind {
            Kind::Lines => {
                before.line = before.line.wrapping_add(b);
                [pc, before.line, c]
            }
            Kind::Variables { code_bytes } => {
                let end = code_bytes.wrapping_sub(b);
                [pc, end.wrapping_sub(pc), c]
            }
            Kind::Handlers => {
                let end = pc.wrapping_add(b);
                [pc, end, end.wrapping_add(c)]
            }
        }
    });
}

/// Replaces the first fields of each row; a line's third one is that of no row and stays.
fn each_row(
    bytes: &mut [u8],
    tables: &[Table],
    mut change: impl FnMut(Kind, &mut Before, [u16; 3]) -> [u16; 3],
) {
    let mut before = Before::default();
    for table in tables {
        before.pc = 0;
        let fields = match table.kind {
            Kind::Lines | Kind::Variables { .. } => 2,
            Kind::Handlers => 3,
        };
        for row in 0..table.rows {
            let at = table.position + row * table.kind.row_bytes();
            let mut values = [0; 3];
            for (field, value) in values.iter_mut().enumerate().take(fields) {
                *value = u16_at(bytes, at + 2 * field).unwrap_or(0);
            }
            let values = change(table.kind, &mut before, values);
            for (field, value) in values.into_iter().enumerate().take(fields) {
                put_u16(bytes, at + 2 * field, value);
            }
        }
    }
}
