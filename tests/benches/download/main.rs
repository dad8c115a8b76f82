//! What does a download cost our daemon, and what nginx, from the same file? Run by `make bench-download`, in release.
//!
//! Both servers run at the same time with two workers each and take turns; the client is this process, with one thread
//! that throws away what it gets without looking at it, so that the servers are what is measured. Each figure is the
//! median of several rounds. Writes `docs/bench-download.md`.
#![expect(clippy::print_stdout, reason = "the report is for people")]

mod cost;
mod load;
mod nginx;
mod report;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use protocol::api::paths;
use tests::{Binaries, Daemon, Setup, Upload};

use cost::Processes;
use load::{Load, Target};
use nginx::Nginx;
use report::Measured;

const BINARIES: Binaries = Binaries {
    relctl: env!("CARGO_BIN_EXE_relctl"),
    relctld: env!("CARGO_BIN_EXE_relctld"),
};

/// A desktop application with its libraries.
const FILE_BYTES: usize = 50_000_000;

/// Rounds that count, behind one that warms up.
const ROUNDS: usize = 7;

/// What is asked for in a round, one after the other.
const LOADS: &[Load] = &[
    Load::whole("whole file", 1, 80),
    Load::whole("whole file", 16, 96),
    Load::whole("whole file", 256, 256),
    Load::rest("second half, as a resumed download", 16, 160),
    Load::piece("pieces of 1 MiB", 16, 1 << 20, 4000),
];

/// One server under load.
struct Server {
    target: Target,
    processes: Processes,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (jar, _) = fixtures::jars::jar_pair(7, FILE_BYTES);
    let daemon = Setup::new(BINARIES)
        .config("[limits]\nconcurrent-downloads = 0\n")
        .start();
    let published = runtime.block_on(daemon.api().publish(&Upload::new("1.0.0", jar.clone())));
    let _ = published.is(201);
    let ours = Server {
        target: Target {
            address: address_of(&daemon)?,
            path: format!("{}/download/1.0.0", paths::CLIENT),
            token: daemon.admin_token(),
        },
        processes: Processes::of(daemon.process_id())?,
    };
    let blob = load::blob_of(&daemon, &jar);
    let nginx = Nginx::start(&daemon.data_dir().join("blobs"))?;
    let theirs = Server {
        target: Target {
            address: nginx.address(),
            path: blob,
            ..ours.target.clone()
        },
        processes: Processes::of(nginx.process_id())?,
    };
    for server in [&ours, &theirs] {
        let fetched = runtime.block_on(load::fetch(&server.target))?;
        ensure!(fetched == jar, "{} sent other bytes", server.target.path);
    }

    let mut measured: Vec<Measured> = LOADS.iter().map(Measured::new).collect();
    for round in 0..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for measured in &mut measured {
            let size = jar.len() as u64;
            let of_nginx = run(&runtime, &theirs, measured.load, size)?;
            let of_ours = run(&runtime, &ours, measured.load, size)?;
            if round > 0 {
                measured.ours.push(of_ours);
                measured.nginx.push(of_nginx);
            }
        }
    }
    print!("\n{}", report::table(&measured));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let path = root
        .context("the package lies in the workspace")?
        .join("docs/bench-download.md");
    std::fs::write(&path, report::document(&measured, &nginx.version()?))?;
    println!("\nWritten to {}", path.display());
    Ok(())
}

fn run(
    runtime: &tokio::runtime::Runtime,
    server: &Server,
    load: &Load,
    size: u64,
) -> Result<cost::Cost> {
    let watch = server.processes.watch()?;
    let bytes = runtime.block_on(load.run(&server.target, size))?;
    watch.finish(bytes)
}

fn address_of(daemon: &Daemon) -> Result<SocketAddr> {
    Ok(daemon.url().trim_start_matches("http://").parse()?)
}
