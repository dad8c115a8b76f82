//! What is drawn, at the sizes that terminals have.

use super::super::table::Table;
use super::super::table::tests::fleet;
use super::*;

fn drawn(width: u16, height: u16, look: Look, keys: &str) -> String {
    let fleet = fleet();
    let mut table = Table::default();
    for key in keys.chars() {
        table.press(crossterm::event::KeyCode::Char(key).into(), 1);
    }
    let mut buffer = Buffer::empty(ratatui_core::layout::Rect::new(0, 3, width, height));
    let picture = Picture {
        look,
        goal: fleet.goal(),
        line: &LineStatus::Live,
        elapsed: Duration::from_secs(3_752),
        counts: fleet.counts(),
        bytes_a_second: 7_400_000,
        seconds_left: Some(61),
        filter: table.filter(),
        sort: table.sort(),
        page: table.page(&fleet, usize::from(height).saturating_sub(FRAME_ROWS)),
    };
    picture.paint(&mut buffer);
    let rows = buffer.content.chunks(usize::from(width.max(1)));
    let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    rows.map(|row| format!("{}\n", row.trim_end())).collect()
}

const UNICODE: Look = Look {
    has_unicode: true,
    has_color: true,
};

#[test]
fn a_small_terminal_has_all_that_matters() {
    insta::assert_snapshot!(drawn(80, 10, UNICODE, ""), @r"
    ─ relctl watch ─ 2.1.0 ───────────────────────────────────── ● live ─ 01:02:32 ─
     7 clients  1 waiting  3 downloading  1 installing  1 done  1 failed
     ━━━━━━━╸───────────────────────────────────────────  14 %  7.4 MB/s  eta 1 min
     CLIENT   VERSION       WAY   PHASE       PROGRESS                 SPEED    ETA
     c        2.0.5 → 2.1.0 delta downloading ━╸────────────  10 %    9 kB/s    7 s
     b        2.0.5 → 2.1.0 delta downloading ━━━━━━━━━━━━╸─  90 %   500 B/s    7 s
     g        2.0.5 → 2.1.0 delta away
     d        2.0.5 → 2.1.0       extracting  ━━━━━╸────────  37 %
     a        2.0.5 → 2.1.0       waiting
     under way, longest first                       f failed  a all  s sort  q quit
    ");
}

#[test]
fn a_wide_terminal_tells_what_clients_run_on() {
    insta::assert_snapshot!(drawn(120, 12, UNICODE, "a"), @r"
    ─ relctl watch ─ 2.1.0 ───────────────────────────────────────────────────────────────────────────── ● live ─ 01:02:32 ─
     7 clients  1 waiting  3 downloading  1 installing  1 done  1 failed
     ━━━━━━━━━━━━━╸─────────────────────────────────────────────────────────────────────────────  14 %  7.4 MB/s  eta 1 min
     CLIENT   PLATFORM      VERSION       WAY   PHASE       PROGRESS                                           SPEED    ETA
     c        linux x64     2.0.5 → 2.1.0 delta downloading ━━━━╸───────────────────────────────────  10 %    9 kB/s    7 s
     b        linux x64     2.0.5 → 2.1.0 delta downloading ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸───  90 %   500 B/s    7 s
     g        linux x64     2.0.5 → 2.1.0 delta away
     d        linux x64     2.0.5 → 2.1.0       extracting  ━━━━━━━━━━━━━━╸─────────────────────────  37 %
     a        linux x64     2.0.5 → 2.1.0       waiting
     e        linux x64     2.0.5 → 2.1.0       failed      no room\u{1b}[2J
     f        linux x64     2.1.0               done        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100 %
     all, longest first                                                                     f failed  a all  s sort  q quit
    ");
}

#[test]
fn a_failure_says_why_and_moves_no_cursor() {
    insta::assert_snapshot!(drawn(80, 6, UNICODE, "f"), @r"
    ─ relctl watch ─ 2.1.0 ───────────────────────────────────── ● live ─ 01:02:32 ─
     7 clients  1 waiting  3 downloading  1 installing  1 done  1 failed
     ━━━━━━━╸───────────────────────────────────────────  14 %  7.4 MB/s  eta 1 min
     CLIENT   VERSION       WAY  PHASE       PROGRESS                  SPEED    ETA
     e        2.0.5 → 2.1.0      failed      no room\u{1b}[2J
     failed only, longest first                     f failed  a all  s sort  q quit
    ");
}

#[test]
fn without_unicode_everything_is_ascii() {
    let look = Look {
        has_unicode: false,
        has_color: false,
    };
    let drawn = drawn(100, 12, look, "a");
    assert!(drawn.is_ascii(), "{drawn}");
    insta::assert_snapshot!(drawn, @r"
    - relctl watch - 2.1.0 --------------------------------------------------------- * live - 01:02:32 -
     7 clients  1 waiting  3 downloading  1 installing  1 done  1 failed
     ##########>------------------------------------------------------------  14 %  7.4 MB/s  eta 1 min
     CLIENT   PLATFORM      VERSION        WAY   PHASE       PROGRESS                      SPEED    ETA
     c        linux x64     2.0.5 -> 2.1.0 delta downloading #>-----------------  10 %    9 kB/s    7 s
     b        linux x64     2.0.5 -> 2.1.0 delta downloading #################>-  90 %   500 B/s    7 s
     g        linux x64     2.0.5 -> 2.1.0 delta away
     d        linux x64     2.0.5 -> 2.1.0       extracting  #######>-----------  37 %
     a        linux x64     2.0.5 -> 2.1.0       waiting
     e        linux x64     2.0.5 -> 2.1.0       failed      no room\u{1b}[2J
     f        linux x64     2.1.0                done        ################### 100 %
     all, longest first                                                 f failed  a all  s sort  q quit
    ");
}

#[test]
fn no_size_is_too_small() {
    for width in 0..100 {
        for height in 0..12 {
            drawn(width, height, UNICODE, "a");
        }
    }
}

#[test]
fn without_colour_no_cell_has_any() {
    let look = Look {
        has_unicode: true,
        has_color: false,
    };
    assert_eq!(look.color(Color::Red), Style::new());
}
