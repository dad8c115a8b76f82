//! Line number tables as differences from row to row.
//!
//! A method that moves in its source changes every line number in it, but no distance between
//! them. The pc starts anew with each table, the line goes on from table to table of a class.

use super::{put_u16, u16_at};

/// Each table is the position of its first row, and how many rows of a pc and a line it has.
type Table = (usize, usize);

pub(super) fn to_differences(bytes: &mut [u8], tables: &[Table]) {
    let mut last_line = 0;
    for &(start, rows) in tables {
        let mut last_pc = 0;
        for row in 0..rows {
            let at = start + row * 4;
            let (pc, line) = (
                u16_at(bytes, at).unwrap_or(0),
                u16_at(bytes, at + 2).unwrap_or(0),
            );
            put_u16(bytes, at, pc.wrapping_sub(last_pc));
            put_u16(bytes, at + 2, line.wrapping_sub(last_line));
            (last_pc, last_line) = (pc, line);
        }
    }
}

pub(super) fn from_differences(bytes: &mut [u8], tables: &[Table]) {
    let mut last_line = 0_u16;
    for &(start, rows) in tables {
        let mut last_pc = 0_u16;
        for row in 0..rows {
            let at = start + row * 4;
            last_pc = last_pc.wrapping_add(u16_at(bytes, at).unwrap_or(0));
            last_line = last_line.wrapping_add(u16_at(bytes, at + 2).unwrap_or(0));
            put_u16(bytes, at, last_pc);
            put_u16(bytes, at + 2, last_line);
        }
    }
}
