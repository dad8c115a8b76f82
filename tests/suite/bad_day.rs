//! Bad days of a daemon with many clients: all come back at once, one does not read, one talks nonsense.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use client::live::Event;
use client::{Live, Session, Token};
use protocol::message::{Ping, Register};
use protocol::{ClientMessage, ServerMessage, Version};
use tests::wait::until;
use tests::{Daemon, Setup, Socket, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

mod lean;
mod nonsense;

use lean::{Door, Lean, PATIENCE};

/// All clients come from one address.
const NO_LIMITS: &str = "[limits]\nconnections-per-minute = 0\nmessages-per-minute = 0\n";

/// How long the daemon tries to send to somebody who does not read; whoever waits for that one hears it as late.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// A daemon that keeps nothing of what is done grows by less: buffers, and what the allocator holds back.
const GROWTH_BYTES: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_2000_clients_come_back_and_each_hears_once_of_what_was_published_meanwhile()
{
    const CLIENTS: usize = 2000;
    make_room_for(CLIENTS);
    let mut daemon = Setup::new(BINARIES).config(NO_LIMITS).start();
    publish(&daemon, "1.0.0", "").await;
    let (ready, mut all_ready) = mpsc::channel(CLIENTS);
    let mut clients = JoinSet::new();
    let token = Token::parse(&daemon.admin_token()).unwrap();
    let there = client::Daemon::at(daemon.url(), Some(token)).unwrap();
    for index in 0..CLIENTS {
        clients.spawn(times_told_of_2_0_0(there.clone(), index, ready.clone()));
    }
    drop(ready);
    let connected = async { while all_ready.recv().await.is_some() {} };
    timeout(PATIENCE, connected).await.expect("all connect");

    daemon.kill();
    daemon.start_again_where_it_was();
    publish(&daemon, "2.0.0", "").await;

    let all = timeout(PATIENCE, clients.join_all()).await;
    let told = all.expect("all come back and hear of it");
    assert_eq!(told, vec![1; CLIENTS]);
}

/// Follows the daemon until it was told of 2.0.0; how often that was in the same session.
async fn times_told_of_2_0_0(
    daemon: client::Daemon,
    index: usize,
    ready: mpsc::Sender<()>,
) -> usize {
    let register = Register {
        client_version: Version::new(1, 0, 0),
        client_id: format!("desktop-{index}").parse().unwrap(),
        platform: "linux".parse().unwrap(),
        architecture: "x64".parse().unwrap(),
        capabilities: Vec::new(),
    };
    let session = Session {
        register: Some(register),
        ..Session::default()
    };
    let mut live = Live::start(daemon, session);
    let mut ready = Some(ready);
    let is_news = |event: &Event| matches!(event, Event::Message(ServerMessage::NewVersionAvailable(news)) if news.version == Version::new(2, 0, 0));
    loop {
        let event = live.next().await.unwrap().unwrap();
        if matches!(event, Event::Ready) {
            ready.take(); // The last one to be dropped tells that all are connected.
        }
        if is_news(&event) {
            break;
        }
    }
    // What the daemon said before its answer to this has arrived with it.
    let ping = ClientMessage::Ping(Ping { timestamp: None });
    live.sender().say(ping).await.unwrap();
    let mut told = 1;
    while let Some(Some(event)) = live.next().now_or_never() {
        told += usize::from(is_news(&event.unwrap()));
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_that_never_reads_delays_none_of_1000_others_and_costs_no_memory() {
    const CLIENTS: usize = 1000;
    const ANNOUNCEMENTS: u32 = 20;
    make_room_for(CLIENTS);
    let daemon = Setup::new(BINARIES).config(NO_LIMITS).start();
    publish(&daemon, "1.0.0", "").await;
    let mut deaf = Lean::open(&daemon, "deaf").await;
    let mut others = Vec::new();
    for index in 0..CLIENTS {
        others.push(Lean::open(&daemon, &format!("desktop-{index}")).await);
    }
    // Registered, and heard of: nothing of the opening is left to be sent.
    for client in &mut others {
        client.wait_for("HEARTBEAT").await;
    }
    // Each session keeps the room for one announcement; what it must not keep is one for each that came.
    let mut slowest = announce(&daemon, &mut others, 1).await;
    let before = daemon.resident_bytes();
    for number in 2..=ANNOUNCEMENTS {
        slowest = slowest.max(announce(&daemon, &mut others, number).await);
    }
    assert!(slowest < SEND_TIMEOUT, "somebody waited {slowest:?}");
    let path = format!("{}/statistics", protocol::api::paths::ADMIN);
    until("the deaf session to be ended", async || {
        let statistics = daemon.api().get(&path).await.is(200).data();
        (statistics["connectedClients"] == CLIENTS).then_some(())
    })
    .await;
    let after = daemon.resident_bytes();
    assert!(after < before + GROWTH_BYTES, "from {before} to {after}");
    let code = deaf.end().await;
    assert!(code.is_none_or(|code| code == 1013), "{code:?}");
}

/// Publishes 1.NUMBER.0 with so long notes that twenty of them are more than the kernel takes for a reader that does not come.
/// How long it took until the last of the clients heard of it.
async fn announce(daemon: &Daemon, clients: &mut Vec<Lean>, number: u32) -> Duration {
    let version = format!("1.{number}.0");
    let notes = "Faster. ".repeat(4096);
    let upload = Upload::new(&version, small_jar(&version)).with("releaseNotes", &notes);
    let _ = daemon.api().publish(&upload.draft()).await.is(201);
    let hearing: Vec<_> = clients
        .drain(..)
        .map(|mut client| {
            let version = format!("\"version\":\"{version}\"");
            tokio::spawn(async move {
                client.wait_for(&version).await;
                (client, Instant::now())
            })
        })
        .collect();
    let announced = Instant::now();
    let _ = daemon.api().set_state(&version, "ACTIVE").await.is(200);
    let mut slowest = Duration::ZERO;
    for client in hearing {
        let (client, heard) = client.await.unwrap();
        slowest = slowest.max(heard.saturating_duration_since(announced));
        clients.push(client);
    }
    slowest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_malformed_frames_leave_the_daemon_as_it_was() {
    const FRAMES: u64 = 100_000;
    const AT_ONCE: u64 = 8;
    /// The daemon hangs up at the tenth mistake, so a connection is good for no more.
    const PER_CONNECTION: u64 = 10;
    let daemon = Setup::new(BINARIES).config(NO_LIMITS).start();
    let mut talkers = JoinSet::new();
    // The first connections make the daemon as large as many connections at once make it.
    talk(&daemon, 0..AT_ONCE * 8, &mut talkers).await;
    let before = daemon.resident_bytes();
    talk(&daemon, 0..FRAMES / PER_CONNECTION, &mut talkers).await;
    let after = daemon.resident_bytes();
    assert!(after < before + GROWTH_BYTES, "from {before} to {after}");

    let _ = daemon.api().get("/readyz").await.is(200);
    publish(&daemon, "2.0.0", "").await;
    let mut client = Socket::open(&daemon, &daemon.admin_token()).await;
    client.register("desktop-1", "1.0.0").await;
    client.next_of("NEW_VERSION_AVAILABLE").await;
    let log = daemon.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");

    /// One conversation after the other from each of some talkers.
    async fn talk(daemon: &Daemon, seeds: std::ops::Range<u64>, talkers: &mut JoinSet<()>) {
        for worker in 0..AT_ONCE {
            let seeds = (seeds.start + worker..seeds.end).step_by(AT_ONCE as usize);
            let door = Door::of(daemon);
            talkers.spawn(async move {
                for seed in seeds {
                    let frames = nonsense::frames(seed, PER_CONNECTION as usize);
                    let code = Lean::knock(&door, "talker").await.say_all(frames).await;
                    assert!(
                        matches!(code, Some(1008 | 1002 | 1007)),
                        "seed {seed}: the session ended with {code:?}"
                    );
                }
            });
        }
        while let Some(talker) = talkers.join_next().await {
            talker.unwrap();
        }
    }
}

async fn publish(daemon: &Daemon, version: &str, notes: &str) {
    let upload = Upload::new(version, small_jar(version)).with("releaseNotes", notes);
    let _ = daemon.api().publish(&upload).await.is(201);
}

/// Each session is an open file here and one in the daemon, which inherits the limit. Other tests in this process need some, too.
fn make_room_for(sessions: usize) {
    let needed = sessions as u64 + 200;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let is_enough = maximum.is_none_or(|maximum| maximum >= needed);
    assert!(
        is_enough,
        "this test needs {needed} open files, the hard limit is {maximum:?}: see ulimit -Hn"
    );
    if current != maximum {
        let current = maximum;
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    }
}
