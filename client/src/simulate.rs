//! A fleet that is not there: many real sessions from one process, whose clients tell of updates that they only play.
//!
//! For demos and tests. The connections, the back-off and the reports are those of [`Live`](crate::Live); only the
//! installation is made up. What a client does follows from the seed; how fast the network is does not.

mod desktop;
mod journey;
mod scenario;
mod script;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Architecture, Channel, ClientId, Platform, Version};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::{Daemon, Error};
use desktop::Desktop;
pub use scenario::Scenario;

/// What the fleet is, and what it does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many clients.
    pub clients: u32,
    /// What they follow.
    pub channel: Channel,
    /// What they run at first.
    pub current: Version,
    /// What they run on.
    pub platform: Platform,
    /// Their processor.
    pub architecture: Architecture,
    /// How their updates go.
    pub scenario: Scenario,
    /// The same seed gives the same client ids, paces, breaks and failures.
    pub seed: u64,
    /// How many of them connect in a second; more than 1000 are 1000.
    pub rate: NonZeroU32,
    /// Whether they fetch the bytes that they say they fetch.
    pub download: bool,
}

impl Plan {
    /// How many clients fail to install what they are offered, because the scenario wants it.
    #[must_use]
    pub fn planned_failures(&self) -> u32 {
        match self.scenario {
            Scenario::Fail { percent } => {
                let failures = (u64::from(self.clients) * u64::from(percent)).div_ceil(100);
                u32::try_from(failures).unwrap_or(self.clients)
            }
            Scenario::Happy | Scenario::Slow | Scenario::Flaky => 0,
        }
    }

    /// The id of a client: not that of a client of another seed.
    fn client_id(&self, index: u32) -> ClientId {
        format!("sim-{}-{index}", self.seed)
            .parse()
            .expect("letters, digits and hyphens, under 128 of them, are a client id")
    }

    /// Which clients fail, by index.
    fn failing(&self) -> Vec<bool> {
        let planned = self.planned_failures();
        let mut failing: Vec<bool> = (0..self.clients).map(|index| index < planned).collect();
        fastrand::Rng::with_seed(self.seed).shuffle(&mut failing);
        failing
    }
}

/// Something that happened to one client.
#[derive(Debug)]
pub struct Happening {
    /// Which, from 0.
    pub index: u32,
    /// What.
    pub what: What,
}

/// What happened to a client.
#[derive(Debug)]
pub enum What {
    /// The daemon knows it.
    Connected,
    /// Its connection broke or could not be made; it comes back by itself.
    Lost {
        /// Why.
        reason: String,
    },
    /// It heard of a version for the first time.
    Announced {
        /// Which.
        version: Version,
        /// When.
        at: Instant,
    },
    /// It runs a version now.
    Completed(Version),
    /// It could not install a version.
    Failed {
        /// Which.
        version: Version,
        /// Why.
        reason: String,
    },
    /// The daemon does not want it, and trying again would not help.
    Ended(Error),
}

/// A fleet at work. Dropping it ends all sessions without a goodbye.
#[derive(Debug)]
pub struct Simulation {
    happenings: mpsc::Receiver<Happening>,
    stop: CancellationToken,
    fleet: AbortOnDropHandle<()>,
}

/// Happenings that wait for their reader; beyond it the clients wait.
const HAPPENINGS: usize = 1024;

/// The clock's: no two clients start in less.
const TICK: Duration = Duration::from_millis(1);

/// How long all goodbyes together may take.
const GOODBYES: Duration = Duration::from_secs(3);

impl Simulation {
    /// Starts a fleet. Its clients connect one after the other; [`Simulation::next`] tells how that goes.
    #[must_use]
    pub fn start(daemon: Daemon, plan: Plan) -> Self {
        let (sender, happenings) = mpsc::channel(HAPPENINGS);
        let stop = CancellationToken::new();
        let fleet = run(daemon, Arc::new(plan), sender, stop.clone());
        Self {
            happenings,
            stop,
            fleet: AbortOnDropHandle::new(tokio::spawn(fleet)),
        }
    }

    /// What happens next; `None` when no client is left. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }

    /// Ends all sessions with a proper goodbye, if that can be said quickly.
    pub async fn stop(self) {
        let Self {
            happenings,
            stop,
            fleet,
        } = self;
        // Nobody listens any more, so no client waits for being heard.
        drop(happenings);
        stop.cancel();
        tokio::time::timeout(GOODBYES, fleet).await.ok();
    }
}

async fn run(
    daemon: Daemon,
    plan: Arc<Plan>,
    happenings: mpsc::Sender<Happening>,
    stop: CancellationToken,
) {
    let mut clients = JoinSet::new();
    let pause = (Duration::from_secs(1) / plan.rate.get()).max(TICK);
    let mut connect = tokio::time::interval(pause);
    connect.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (index, fails) in (0..).zip(plan.failing()) {
        if stop.run_until_cancelled(connect.tick()).await.is_none() {
            break;
        }
        let desktop = Desktop::new(&daemon, &plan, index, fails, happenings.clone());
        clients.spawn(desktop.run(stop.clone()));
    }
    drop(happenings);
    while clients.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
