//! PROTOCOL.md tells the truth: its tables name exactly the codes and messages of the code.

use protocol::{ClientMessage, Code, ServerMessage};

const DOCUMENT: &str = include_str!("../../PROTOCOL.md");

#[test]
fn every_http_code_stands_in_the_table_with_its_status() {
    for code in Code::ALL {
        match code.http_status() {
            Some(status) => assert!(
                DOCUMENT.contains(&format!("\n| {code} | {status} |")),
                "{code} {status} has no row"
            ),
            None => assert!(
                DOCUMENT.contains(&format!("`{code}`")),
                "{code} is not named"
            ),
        }
    }
    let rows = DOCUMENT
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("| 4") | line.contains("| 5"))
        .count();
    let codes = Code::ALL
        .iter()
        .filter(|code| code.http_status().is_some())
        .count();
    assert_eq!(
        rows, codes,
        "PROTOCOL.md has rows for codes that do not exist"
    );
}

#[test]
fn every_message_type_is_told() {
    for kind in ClientMessage::TYPES.iter().chain(ServerMessage::TYPES) {
        assert!(DOCUMENT.contains(kind), "{kind} is not told");
    }
}
