//! `relctl simulate`: plays a fleet of clients, and says how it fares.

mod tally;

use std::pin::pin;
use std::time::{Duration, Instant};

use client::Daemon;
use client::http::ListQuery;
use client::simulate::{Plan, Simulation, What};
use client::update::this_machine;
use indicatif::ProgressBar;
use protocol::api::{CheckQuery, ReleaseState};
use protocol::{Channel, Code, Version};
use tokio::time::MissedTickBehavior;

use super::watch::own;
use super::{passed, stopped};
use crate::args::{Global, SimulateArgs, Until};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::count;
use tally::Tally;
pub(super) use tally::{State, Summary};

/// How often a summary is shown, when it is another one than before.
const REFRESH: Duration = Duration::from_secs(1);

/// Files that the process has open beside its connections, with room to spare.
const OTHER_FILES: u64 = 64;

/// Why the simulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// What `--until` asked for.
    Reached,
    TimedOut,
    Stopped(Exit),
}

pub(crate) async fn run(
    global: &Global,
    args: SimulateArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let daemon = config::daemon(global)?;
    make_room_for(args.clients)?;
    let plan = plan(&daemon, &args).await?;
    output.say(&format!(
        "Playing {} on {} that run {}, scenario {}, at {}; Ctrl-C ends it",
        count(args.clients.into(), "client"),
        plan.channel,
        plan.current,
        plan.scenario,
        daemon.url()
    ));
    let planned_failures = plan.planned_failures() as usize;
    let mut watched = Watched {
        output,
        bar: output.client_bar("simulation"),
        tally: Tally::new(args.clients),
        shown: None,
        last_reason: None,
    };
    let mut simulation = Simulation::start(daemon, plan);
    let end = watched
        .watch(&mut simulation, args.until, global.timeout)
        .await;
    output.remove_bar(&watched.bar);
    simulation.stop().await;
    let (result, exit) = match end? {
        End::Reached if watched.tally.failed_clients() > planned_failures => {
            ("failed", Exit::Error)
        }
        End::Reached => ("reached", Exit::Ok),
        End::TimedOut => ("timeout", Exit::Timeout),
        End::Stopped(exit) => ("interrupted", exit),
    };
    let summary = watched.tally.summary(result, began.elapsed());
    match output.is_json() {
        true => output.json_line(&own("SUMMARY", &summary))?,
        false => output.line(&summary.to_string())?,
    }
    Ok(exit)
}

async fn plan(daemon: &Daemon, args: &SimulateArgs) -> Result<Plan, Failure> {
    let (platform, architecture) = this_machine();
    // Says at once when the daemon, the token or the channel is not as it should be.
    let query = CheckQuery {
        current_version: Version::ZERO,
        channel: Some(args.channel.clone()),
        client_id: None,
        platform: None,
        architecture: None,
    };
    daemon.check(&query).await?;
    let current = match &args.current {
        Some(current) => current.clone(),
        None => before_newest(daemon, &args.channel).await?,
    };
    Ok(Plan {
        clients: args.clients,
        channel: args.channel.clone(),
        current,
        platform: args.platform.clone().unwrap_or(platform),
        architecture: args.architecture.clone().unwrap_or(architecture),
        scenario: args.scenario,
        seed: args.seed,
        rate: args.rate,
        download: args.download,
    })
}

/// The release before the newest one that is offered, so that the fleet has something to do.
async fn before_newest(daemon: &Daemon, channel: &Channel) -> Result<Version, Failure> {
    let query = ListQuery {
        page: 0,
        size: 2,
        channel: Some(channel.clone()),
        state: Some(ReleaseState::Active),
    };
    match daemon.releases(&query).await {
        Ok(page) => {
            let before = page.content.into_iter().nth(1);
            Ok(before.map_or(Version::ZERO, |release| release.version_number))
        }
        // Clients may not list releases, and a fleet may be played with their token.
        Err(error) if error.code() == Some(Code::Forbidden) => Ok(Version::ZERO),
        Err(error) => Err(error.into()),
    }
}

/// Each connection is an open file, and shells allow a thousand or so unless asked.
#[cfg(unix)]
fn make_room_for(clients: u32) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = u64::from(clients) + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < needed) {
        let most = maximum.unwrap_or_default();
        let message =
            format!("{clients} clients need {needed} open files; this process may have {most}");
        return Err(Failure::new(Exit::Config, "TOO_FEW_FILES", message)
            .help("raise the hard limit of open files (ulimit -Hn), or play fewer clients"));
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| {
        let message = format!("cannot allow this process {needed} open files: {error}");
        Failure::new(Exit::Config, "TOO_FEW_FILES", message).help("play fewer clients")
    })
}

/// Elsewhere no such limit is in the way.
#[cfg(not(unix))]
fn make_room_for(_: u32) -> Result<(), Failure> {
    Ok(())
}

struct Watched<'a> {
    output: &'a Output,
    bar: ProgressBar,
    tally: Tally,
    /// What was shown last.
    shown: Option<State>,
    /// Why a connection was lost, as it was said last.
    last_reason: Option<String>,
}

impl Watched<'_> {
    async fn watch(
        &mut self,
        simulation: &mut Simulation,
        until: Option<Until>,
        timeout: Option<Duration>,
    ) -> Result<End, Failure> {
        let over = match until {
            Some(Until::Passed(duration)) => Some(duration),
            Some(Until::Updated) | None => None,
        };
        let mut over = pin!(passed(over));
        let mut timeout = pin!(passed(timeout));
        let mut stopped = pin!(stopped());
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if until == Some(Until::Updated) && self.tally.is_updated() {
                self.show()?;
                return Ok(End::Reached);
            }
            tokio::select! {
                happening = simulation.next() => match happening {
                    Some(happening) => {
                        self.note(&happening.what);
                        if let What::Ended(error) = happening.what {
                            return Err(error.into());
                        }
                        self.tally.note(happening.index, &happening.what);
                    }
                    None => return Err(Failure::error("no client of the simulation is left")),
                },
                _ = refresh.tick() => self.show()?,
                _ = &mut over => return Ok(End::Reached),
                _ = &mut timeout => return Ok(End::TimedOut),
                exit = &mut stopped => return Ok(End::Stopped(exit)),
            }
        }
    }

    /// Says why clients are away, once for all that are away for the same reason.
    fn note(&mut self, what: &What) {
        if let What::Lost { reason } | What::Failed { reason, .. } = what
            && self.last_reason.as_ref() != Some(reason)
        {
            self.output.say(&format!("a client: {reason}"));
            self.last_reason = Some(reason.clone());
        }
    }

    /// Shows where the fleet stands: in a bar, or as a line when that has changed.
    fn show(&mut self) -> Result<(), Failure> {
        let state = self.tally.state();
        self.bar.set_position(state.percent_done());
        self.bar.set_message(state.to_string());
        if self.shown.as_ref() == Some(&state) {
            return Ok(());
        }
        if self.output.is_json() {
            self.output.json_line(&own("SIMULATION_STATE", &state))?;
        } else if !self.output.has_bars() {
            self.output.say(&state.to_string());
        }
        self.shown = Some(state);
        Ok(())
    }
}
