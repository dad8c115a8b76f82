//! What `relctl` shows on a terminal: in the sizes that terminals have, in sizes that change, and when it is over.

mod publish;
mod watch;

use tests::relctl::Running;
use tests::{Daemon, Setup, Upload};

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
fn fleet(daemon: &Daemon, clients: u32) -> Running<'_> {
    let fleet = daemon
        .relctl([
            "simulate",
            "--current",
            "1.0.0",
            "--rate",
            "400/s",
            "--json",
        ])
        .args(["--scenario", "slow", "--clients", &clients.to_string()])
        .start();
    fleet.wait_for_json("all to be connected", |line| {
        line["data"]["connected"] == clients
    });
    fleet
}
