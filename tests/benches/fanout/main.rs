//! What does it cost to tell thousands of sessions of a release, and to hold them? Run by `make bench-fanout`, in release.
//!
//! Each server holds [`clients`](Plan) sessions of one lean client, which is this process: it reads all sockets from one
//! thread, keeps nothing, and takes the same share of the machine whoever it talks to. The servers take turns, round by
//! round, so that their figures compare although the machine is noisy; medians are reported.
//! `FANOUT_CLIENTS`, `FANOUT_ROUNDS` and `FANOUT_SERVERS=relctld,nchan` change the plan. A run with all servers replaces
//! `docs/bench-fanout.md`; each run writes `target/bench-fanout.md`.
#![expect(clippy::print_stdout, reason = "the report is for people")]

mod flock;
mod gauge;
mod measure;
mod report;
mod servers;

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use measure::{Measured, measure};
use servers::Kind;

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    rounds: usize,
    servers: Vec<Kind>,
}

/// Files that a process needs beside its sessions.
const OTHER_FILES: u64 = 200;

fn main() -> Result<()> {
    let plan = Plan::from_environment()?;
    raise_open_files(plan.clients)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the package lies in the workspace")?;
    println!("{} sessions, {} rounds\n", plan.clients, plan.rounds);
    println!("{}", report::CONSOLE_HEADER);

    let mut measured: Vec<(Kind, Vec<Measured>)> = plan
        .servers
        .iter()
        .map(|kind| (*kind, Vec::new()))
        .collect();
    for _ in 0..plan.rounds {
        for (kind, rounds) in &mut measured {
            let name = kind.name();
            match measure(*kind, plan.clients).with_context(|| format!("measuring {name}")) {
                Ok(round) => {
                    println!("{}", report::console_row(name, &round));
                    rounds.push(round);
                }
                Err(error) => println!("{name:<12} SKIPPED: {error:#}"),
            }
        }
    }
    let document = report::document(&plan, &measured);
    fs::write(root.join("target/bench-fanout.md"), &document)?;
    let is_whole = measured.len() == Kind::ALL.len()
        && measured
            .iter()
            .all(|(_, rounds)| rounds.len() == plan.rounds);
    if is_whole {
        fs::write(root.join("docs/bench-fanout.md"), &document)?;
    }
    println!("\n{document}");
    Ok(())
}

impl Plan {
    fn from_environment() -> Result<Self> {
        let number = |name: &str, default: usize| match env::var(name) {
            Ok(text) => text
                .parse()
                .with_context(|| format!("{name}={text} is no number")),
            Err(_) => Ok(default),
        };
        let servers = match env::var("FANOUT_SERVERS") {
            Ok(names) => names.split(',').map(Kind::named).collect::<Result<_>>()?,
            Err(_) => Kind::ALL.to_vec(),
        };
        Ok(Self {
            clients: number("FANOUT_CLIENTS", 10_000)?,
            rounds: number("FANOUT_ROUNDS", 3)?,
            servers,
        })
    }
}

/// The limit is inherited by the servers that this process starts.
fn raise_open_files(clients: usize) -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    let needed = clients as u64 + OTHER_FILES;
    if let Some(maximum) = maximum.filter(|maximum| *maximum < needed) {
        bail!(
            "{clients} sessions need {needed} open files in one process, and the hard limit is {maximum} (ulimit -Hn)"
        );
    }
    Ok(())
}
