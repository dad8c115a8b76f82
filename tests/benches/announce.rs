//! How long after a publish do 100 connected clients know of it? Run by `make bench-announce`, in release.
//!
//! The clock starts when the request that activates a draft is sent, as `relctl publish` sends it last. Sending it and
//! reading all announcements happens in this one process, which takes its share of the time.
#![expect(clippy::print_stdout, reason = "the report is for people")]

use std::time::{Duration, Instant};

use tests::{Binaries, Daemon, Setup, Socket, Upload};

const BINARIES: Binaries = Binaries {
    relctl: env!("CARGO_BIN_EXE_relctl"),
    relctld: env!("CARGO_BIN_EXE_relctld"),
};

const CLIENTS: usize = 100;
const PUBLISHES: u32 = 20;

/// The first publishes warm caches and connections, and are not counted.
const WARM_UP: u32 = 3;

#[tokio::main]
async fn main() {
    let daemon = Setup::new(BINARIES)
        .config("[limits]\nconnections-per-minute = 0\nmessages-per-minute = 0\n")
        .start();
    let mut clients = Vec::new();
    for index in 0..CLIENTS {
        let mut client = Socket::open(&daemon, &daemon.admin_token()).await;
        client.register(&format!("desktop-{index}"), "0.1.0").await;
        client.settle().await;
        clients.push(client);
    }

    let (mut from_request, mut from_answer) = (Vec::new(), Vec::new());
    for publish in 0..PUBLISHES + WARM_UP {
        let measured = announce(&daemon, &mut clients, &format!("1.{publish}.0")).await;
        if publish >= WARM_UP {
            from_request.extend(measured.from_request);
            from_answer.extend(measured.from_answer);
        }
    }
    println!("publish to announcement, {CLIENTS} clients, {PUBLISHES} publishes");
    report("after the request was sent", from_request);
    report("after its answer was read", from_answer);
}

#[derive(Default)]
struct Measured {
    from_request: Vec<Duration>,
    from_answer: Vec<Duration>,
}

/// Uploads a draft, activates it, and takes the time until each client has heard of it.
async fn announce(daemon: &Daemon, clients: &mut Vec<Socket>, version: &str) -> Measured {
    let upload = Upload::new(version, fixtures::jars::tiny_jar(version)).draft();
    let _ = daemon.api().publish(&upload).await.is(201);
    let listening: Vec<_> = clients
        .drain(..)
        .map(|mut client| {
            tokio::spawn(async move {
                client.next_of("NEW_VERSION_AVAILABLE").await;
                (Instant::now(), client)
            })
        })
        .collect();

    let sent = Instant::now();
    let _ = daemon.api().set_state(version, "ACTIVE").await.is(200);
    let answered = Instant::now();

    let mut measured = Measured::default();
    for listener in listening {
        let (heard, client) = listener.await.expect("a listener hears the announcement");
        measured.from_request.push(heard - sent);
        // Announcements may overtake the answer to the request.
        measured
            .from_answer
            .push(heard.saturating_duration_since(answered));
        clients.push(client);
    }
    measured
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let share = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times[index.min(times.len() - 1)].as_secs_f64() * 1000.0
    };
    println!(
        "  {what:<28} p50 {:6.2} ms   p99 {:6.2} ms   max {:6.2} ms",
        share(0.50),
        share(0.99),
        share(1.0)
    );
}
