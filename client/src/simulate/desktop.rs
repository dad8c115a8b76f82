//! One client of a simulated fleet: its session, and its way to each release that it hears of.

use std::sync::Arc;

use protocol::message::{Capability, NewVersionAvailable, Register};
use protocol::{ClientId, ClientMessage, ServerMessage, Version};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::journey::Journey;
use super::script::{Act, Part, script};
use super::{Happening, Plan, Scenario, What};
use crate::live::{Event, LiveSender};
use crate::{Backoff, Daemon, Live, Session};

/// A client.
pub(super) struct Desktop {
    daemon: Daemon,
    plan: Arc<Plan>,
    index: u32,
    client_id: ClientId,
    fails: bool,
    happenings: mpsc::Sender<Happening>,
    random: fastrand::Rng,
    backoff: Backoff,
    is_connected: bool,
    runs: Version,
    /// What it heard of last.
    heard: Option<Version>,
    journey: Option<Journey>,
    /// What was announced while another release was on its way.
    next: Option<NewVersionAvailable>,
}

/// What comes after a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Another,
    Nothing,
}

impl Desktop {
    pub(super) fn new(
        daemon: &Daemon,
        plan: &Arc<Plan>,
        index: u32,
        fails: bool,
        happenings: mpsc::Sender<Happening>,
    ) -> Self {
        let mut random = fastrand::Rng::with_seed(plan.seed ^ (u64::from(index) << 32));
        Self {
            daemon: daemon.clone(),
            plan: Arc::clone(plan),
            index,
            client_id: plan.client_id(index),
            fails,
            happenings,
            backoff: Backoff::seeded(random.u64(..)),
            random,
            is_connected: false,
            runs: plan.current.clone(),
            heard: None,
            journey: None,
            next: None,
        }
    }

    /// Lives until the simulation is stopped, or the daemon does not want it.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let session = Session {
                register: Some(self.register()),
                channels: vec![self.plan.channel.clone()],
                watch: None,
            };
            let mut live = Live::start(self.daemon.clone(), session);
            match stop.run_until_cancelled(self.attend(&mut live)).await {
                Some(After::Another) => drop(live),
                Some(After::Nothing) => return,
                None => return live.close().await,
            }
            let wait = self.backoff.next_wait();
            if stop.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    fn register(&self) -> Register {
        Register {
            client_version: self.runs.clone(),
            client_id: self.client_id.clone(),
            platform: self.plan.platform.clone(),
            architecture: self.plan.architecture.clone(),
            capabilities: vec![Capability::extended()],
        }
    }

    /// One session, from its first try to connect until the client wants another one.
    async fn attend(&mut self, live: &mut Live) -> After {
        let sender = live.sender();
        self.is_connected = false;
        loop {
            let due = async {
                match &self.journey {
                    Some(journey) if self.is_connected => sleep_until(journey.due).await,
                    _ => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = live.next() => event,
                () = due => {
                    if !self.go_on(&sender).await {
                        continue;
                    }
                    let reason = "the connection broke, as the scenario wants it".to_owned();
                    self.tell(What::Lost { reason }).await;
                    return After::Another;
                }
            };
            match event {
                Some(Ok(event)) => self.note(event).await,
                Some(Err(error)) => {
                    self.tell(What::Ended(error)).await;
                    return After::Nothing;
                }
                None => return After::Another,
            }
        }
    }

    async fn note(&mut self, event: Event) {
        match event {
            Event::Ready => {
                self.is_connected = true;
                self.tell(What::Connected).await;
            }
            Event::Waiting { reason, .. } => {
                self.is_connected = false;
                self.tell(What::Lost { reason }).await;
            }
            Event::Message(ServerMessage::NewVersionAvailable(release)) => self.hear(release).await,
            Event::Connected(_) | Event::Message(_) | Event::Gap => {}
        }
    }

    async fn tell(&self, what: What) {
        let index = self.index;
        // Nobody listens only when the simulation is being stopped.
        self.happenings.send(Happening { index, what }).await.ok();
    }

    async fn hear(&mut self, release: NewVersionAvailable) {
        // Each new session is told again.
        if release.version == self.runs || self.heard.as_ref() == Some(&release.version) {
            return;
        }
        let at = Instant::now();
        let version = release.version.clone();
        self.heard = Some(version.clone());
        match self.journey {
            Some(_) => self.next = Some(release),
            None => self.set_out(release),
        }
        self.tell(What::Announced { version, at }).await;
    }

    fn set_out(&mut self, release: NewVersionAvailable) {
        let part = Part {
            scenario: self.plan.scenario,
            download: self.plan.download,
            fails: self.fails,
            runs: &self.runs,
        };
        let steps = script(part, &release, &mut self.random);
        self.journey = Some(Journey::new(release, steps));
    }

    /// Takes the next step of the journey. True when that is to lose the connection.
    async fn go_on(&mut self, sender: &LiveSender) -> bool {
        let Some(journey) = &mut self.journey else {
            return false;
        };
        let outcome = match journey.steps.front().map(|step| &step.act) {
            Some(Act::Report(report)) => sender.say(report.clone()).await.map(drop),
            Some(Act::Download) => {
                let is_slow = self.plan.scenario == Scenario::Slow;
                journey.fetch(&self.daemon, &self.client_id, is_slow).await
            }
            Some(Act::Disconnect) | None => Ok(()),
        };
        let step = match outcome {
            Ok(()) => journey.next_step(),
            Err(error) => {
                if journey.is_over_after(&error, &self.runs) {
                    let version = journey.release.version.clone();
                    self.arrive(sender, version, Err(error.to_string())).await;
                }
                return false;
            }
        };
        match step.map(|step| step.act) {
            Some(Act::Report(ClientMessage::InstallationCompleted(result))) => {
                let outcome = match result.success {
                    true => Ok(()),
                    false => Err(result.message),
                };
                self.arrive(sender, result.version, outcome).await;
                false
            }
            Some(Act::Disconnect) => true,
            Some(Act::Report(_) | Act::Download) | None => false,
        }
    }

    async fn arrive(&mut self, sender: &LiveSender, version: Version, outcome: Result<(), String>) {
        self.journey = None;
        self.backoff.reset();
        match outcome {
            Ok(()) => {
                self.runs = version.clone();
                // A session that breaks now says it when it comes back.
                sender
                    .say(ClientMessage::Register(self.register()))
                    .await
                    .ok();
                self.tell(What::Completed(version)).await;
            }
            Err(reason) => self.tell(What::Failed { version, reason }).await,
        }
        if let Some(next) = self.next.take() {
            self.set_out(next);
        }
    }
}
