//! The report: a line per server and round on the console, and the medians as a Markdown document.

use std::fmt::Write as _;

use crate::Plan;
use crate::measure::{Measured, median};
use crate::servers::{Kind, MESSAGE_BYTES};

pub(crate) const CONSOLE_HEADER: &str = "server       connects/s ready/s  bytes idle/used  idle µs/s  p50/p99/last ms       deliveries/s  CPU s/M  burst ms  messages  deliveries/s  CPU s/M";

pub(crate) fn console_row(name: &str, measured: &Measured) -> String {
    let Measured {
        connects,
        sessions,
        idle_bytes,
        used_bytes,
        idle_us,
        p50_ms,
        p99_ms,
        last_ms,
        single_rate,
        single_cpu,
        burst_ms,
        burst_rate,
        burst_messages,
        burst_cpu,
    } = measured;
    format!(
        "{name:<12} {connects:>10.0} {sessions:>7.0} {idle_bytes:>8.0} / {used_bytes:>6.0} {idle_us:>9.2} {p50_ms:>8.1} / {p99_ms:>5.1} / {last_ms:>5.1} {single_rate:>13.0} {single_cpu:>8.2} {burst_ms:>9.0} {burst_messages:>9.1} {burst_rate:>13.0} {burst_cpu:>8.2}"
    )
}

/// Medians over the rounds of all servers.
pub(crate) fn document(plan: &Plan, measured: &[(Kind, Vec<Measured>)]) -> String {
    let mut text = format!(
        "# Telling thousands of sessions\n\n\
         Written by `make bench-fanout`: {} WebSocket sessions of one lean client on loopback, messages of about {MESSAGE_BYTES} bytes, \
         client and server on the same {} cores; medians of the rounds, in which all servers took turns.\n\n\
         | server | connects/s | ready/s | bytes a session, idle / used | idle µs/s a session | p50 / p99 / last ms | deliveries/s | CPU s per million | \
         burst: all know the newest after ms | messages a session | deliveries/s | CPU s per million |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        plan.clients,
        std::thread::available_parallelism().map_or(0, usize::from),
    );
    for (kind, rounds) in measured.iter().filter(|(_, rounds)| !rounds.is_empty()) {
        let middle = |value: fn(&Measured) -> f64| median(rounds.iter().map(value));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} / {:.0} | {:.2} | {:.0} / {:.0} / {:.0} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} | {:.2} |",
            kind.name(),
            middle(|round| round.connects),
            middle(|round| round.sessions),
            middle(|round| round.idle_bytes),
            middle(|round| round.used_bytes),
            middle(|round| round.idle_us),
            middle(|round| round.p50_ms),
            middle(|round| round.p99_ms),
            middle(|round| round.last_ms),
            middle(|round| round.single_rate),
            middle(|round| round.single_cpu),
            middle(|round| round.burst_ms),
            middle(|round| round.burst_messages),
            middle(|round| round.burst_rate),
            middle(|round| round.burst_cpu),
        );
    }
    text.push_str(NOTES);
    text
}

const NOTES: &str = "\n\
- *connects/s* counts handshakes; those of relctld check a token. *ready/s*: the session is registered and subscribed as well, where a server knows that.\n\
- *idle*: resident memory of a session that is ready and silent; *used*: the same after the last publish. relctld sends heartbeats meanwhile, the others send nothing.\n\
- A single publish of relctld is a change of state: the clock starts when the request that activates a draft is sent, and runs while the journal is synced.\n\
- *burst*: 50 publishes, each sent when the one before it was answered. A session of relctld is told of the newest release for its client and of no older one, \
so it gets fewer messages than there are publishes; a broker delivers every one. Compare the time after which all know the newest.\n\
- nchan: nginx of Debian with two workers. nats: Debian's, its WebSocket listener. uws: µWebSockets for Node.js. ws: Node's `ws`, each frame prepared once.\n";
