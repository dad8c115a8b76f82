//! Choosing rows, and what keys do.

use protocol::ServerMessage;
use serde_json::json;

use super::super::fleet::Goal;
use super::*;

fn message(kind: &str, mut data: serde_json::Value, second: u32) -> ServerMessage {
    data["timestamp"] = format!("2026-01-15T10:30:{second:02}Z").into();
    let text = json!({ "type": kind, "data": data }).to_string();
    ServerMessage::parse(&text).unwrap().unwrap()
}

/// `a` waits, `b` and `c` download, `d` installs, `e` failed, `f` is done, and `g` went away half-way.
pub(in crate::commands::watch) fn fleet() -> Fleet {
    let goal = Goal::unpublished("2.1.0".parse().unwrap());
    let mut fleet = Fleet::new(Some(goal), true);
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let session = |id: &str| format!("019376f4-0000-7000-8000-00000000000{id}");
    for id in ids {
        let data = json!({
            "clientId": id, "sessionId": session(&id.replace('g', "0")), "clientVersion": "2.0.5",
            "platform": "linux", "architecture": "x64", "channels": ["stable"]
        });
        fleet.apply(&message("CLIENT_CONNECTED", data, 0));
    }
    for (id, percentage, speed, second) in [("b", 90, 500, 2), ("c", 10, 9000, 1), ("g", 50, 1, 3)]
    {
        let data = json!({
            "clientId": id, "version": "2.1.0", "bytesDownloaded": 840 * percentage, "totalBytes": 84_000,
            "progressPercentage": percentage, "downloadSpeed": speed, "estimatedTimeRemaining": 7, "format": "jar"
        });
        fleet.apply(&message("DOWNLOAD_PROGRESS", data, second));
    }
    let data = json!({
        "clientId": "d", "version": "2.1.0", "phase": "extracting", "progressPercentage": 37, "currentOperation": ""
    });
    fleet.apply(&message("INSTALLATION_PROGRESS", data, 4));
    for (id, success, words) in [("e", false, "no room\u{1b}[2J"), ("f", true, "")] {
        let data = json!({
            "clientId": id, "version": "2.1.0", "previousVersion": "2.0.5", "success": success, "message": words
        });
        fleet.apply(&message("INSTALLATION_COMPLETED", data, 5));
    }
    let gone = json!({ "clientId": "g", "sessionId": session("0") });
    fleet.apply(&message("CLIENT_DISCONNECTED", gone, 6));
    fleet
}

fn ids(table: &mut Table, fleet: &Fleet, height: usize) -> String {
    let page = table.page(fleet, height);
    let ids: Vec<&str> = page.rows.iter().map(|row| row.id.as_str()).collect();
    format!("{}<{}>{}", page.before, ids.concat(), page.after)
}

fn press(table: &mut Table, keys: &str) {
    for key in keys.chars() {
        assert_eq!(table.press(KeyCode::Char(key).into(), 2), None);
    }
}

#[test]
fn who_is_under_way_longest_comes_first_and_who_ended_not_at_all() {
    assert_eq!(ids(&mut Table::default(), &fleet(), 10), "0<cbgda>0");
}

#[test]
fn f_shows_the_failed_and_a_shows_all_and_twice_takes_it_back() {
    let (mut table, fleet) = (Table::default(), fleet());
    press(&mut table, "f");
    assert_eq!(ids(&mut table, &fleet, 10), "0<e>0");
    press(&mut table, "a");
    assert_eq!(ids(&mut table, &fleet, 10), "0<cbgdaef>0");
    press(&mut table, "a");
    assert_eq!(ids(&mut table, &fleet, 10), "0<cbgda>0");
}

#[test]
fn s_goes_through_the_orders() {
    let (mut table, fleet) = (Table::default(), fleet());
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(ids(&mut table, &fleet, 10));
        press(&mut table, "s");
    }
    assert_eq!(
        orders,
        [
            "0<cbgda>0",
            "0<dbcga>0",
            "0<bcadg>0",
            "0<abcdg>0",
            "0<cbgda>0"
        ]
    );
}

#[test]
fn nobody_scrolls_beyond_the_ends() {
    let (mut table, fleet) = (Table::default(), fleet());
    let mut seen = Vec::new();
    for key in [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageDown,
        KeyCode::End,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::Home,
    ] {
        assert_eq!(table.press(key.into(), 2), None);
        seen.push(ids(&mut table, &fleet, 2));
    }
    assert_eq!(
        seen,
        [
            "0<cb>3", "1<bg>2", "3<da>0", "3<da>0", "3<da>0", "1<bg>2", "0<cb>3"
        ]
    );
    // A terminal that has no room for rows has none to show, and does not lose its place.
    assert_eq!(ids(&mut table, &fleet, 0), "0<>5");
}

#[test]
fn q_asks_to_end_and_ctrl_c_interrupts() {
    let mut table = Table::default();
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(table.press(ctrl_c, 1), Some(Request::Interrupt));
    assert_eq!(table.press(KeyCode::Char('c').into(), 1), None);
    for key in [KeyCode::Char('q'), KeyCode::Esc] {
        assert_eq!(table.press(key.into(), 1), Some(Request::Quit));
    }
}
