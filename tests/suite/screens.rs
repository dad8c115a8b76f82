//! What `relctl` shows on a terminal: in the sizes that terminals have, in sizes that change, and when it is over.

mod publish;
mod watch;

use tests::relctl::Running;
use tests::{Daemon, Setup, Terminal, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

/// A daemon that published 1.0.0, and lets a fleet come at once.
async fn daemon() -> Daemon {
    let config = "[limits]\nconnections-per-minute = 0\n";
    let daemon = Setup::new(BINARIES).config(config).start();
    publish(&daemon, "1.0.0").await;
    daemon
}

async fn publish(daemon: &Daemon, version: &str) {
    let upload = Upload::new(version, small_jar(version));
    let _ = daemon.api().publish(&upload).await.is(201);
}

/// So many clients, all connected, that take whole seconds for each step.
fn fleet<'a>(daemon: &'a Daemon, clients: &str) -> Running<'a> {
    let fleet = daemon
        .relctl([
            "simulate",
            "--current",
            "1.0.0",
            "--rate",
            "400/s",
            "--json",
        ])
        .args(["--scenario", "slow", "--clients", clients])
        .start();
    fleet.wait_for_json("all to be connected", |line| {
        line["data"]["connected"].to_string() == clients
    });
    fleet
}

/// The picture without what is another at each run: bars, numbers, and rows that differ in nothing else.
fn redacted(screen: &str) -> String {
    let mut rows: Vec<String> = Vec::new();
    for row in screen.lines() {
        let mut text = String::new();
        let mut last = ' ';
        for character in row.chars() {
            let shown = match character {
                '0'..='9' => '#',
                '━' | '╸' | '─' => '─',
                other => other,
            };
            // A number, a gap or a bar of any length is one of it.
            if shown != last || !matches!(shown, '#' | ' ' | '─') {
                text.push(shown);
            }
            last = shown;
        }
        let text = text.replace("#.#.#", "V");
        if rows.last() != Some(&text) {
            rows.push(text);
        }
    }
    rows.join("\n").trim_end().to_owned()
}

/// A terminal that can be watched on.
fn terminal(daemon: &Daemon, columns: u16, rows: u16) -> Terminal {
    Terminal::start(daemon, columns, rows)
}
