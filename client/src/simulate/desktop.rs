//! One client of a simulated fleet: its session, and its way to each release that it hears of.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use protocol::limits::REPORT_TEXT_CHARS;
use protocol::message::{Capability, NewVersionAvailable, Register};
use protocol::{ClientId, ClientMessage, ServerMessage, Version};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::script::{Act, Part, Step, result, script};
use super::{Happening, Plan, Scenario, What};
use crate::live::{Event, LiveSender};
use crate::{Backoff, Daemon, Error, Live, Session};

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
    runs: Version,
    /// What it heard of last.
    heard: Option<Version>,
    journey: Option<Journey>,
    /// What was announced while another release was on its way.
    next: Option<NewVersionAvailable>,
}

/// The way to one release.
struct Journey {
    release: NewVersionAvailable,
    steps: VecDeque<Step>,
    /// When the first of the steps is due.
    due: Instant,
    /// Downloads that broke off.
    broken: u32,
}

/// What comes after a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Another,
    Nothing,
}

/// A report that was not acknowledged, and a download that broke off, are tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// A download that broke off as often is given up.
const DOWNLOAD_TRIES: u32 = 5;

/// A slow client waits this long after each piece of a download.
const SLOW_PIECE: Duration = Duration::from_millis(50);

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
        let mut is_ready = false;
        loop {
            let due = async {
                match &self.journey {
                    Some(journey) if is_ready => sleep_until(journey.due).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                event = live.next() => match event {
                    Some(Ok(Event::Ready)) => {
                        is_ready = true;
                        self.tell(What::Connected).await;
                    }
                    Some(Ok(Event::Waiting { reason, .. })) => {
                        is_ready = false;
                        self.tell(What::Lost { reason }).await;
                    }
                    Some(Ok(Event::Message(ServerMessage::NewVersionAvailable(release)))) => {
                        self.hear(release).await;
                    }
                    Some(Ok(Event::Connected(_) | Event::Message(_) | Event::Gap)) => {}
                    Some(Err(error)) => {
                        self.tell(What::Ended(error)).await;
                        return After::Nothing;
                    }
                    None => return After::Another,
                },
                () = due => if self.go_on(&sender).await == After::Another {
                    self.tell(What::Lost { reason: "a flaky client lost its connection".into() }).await;
                    return After::Another;
                },
            }
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
        self.journey = Some(Journey {
            due: Instant::now() + steps.front().map_or(Duration::ZERO, |step| step.pause),
            release,
            steps,
            broken: 0,
        });
    }

    /// Takes the next step of the journey. `Another` when the connection is to be lost for it.
    async fn go_on(&mut self, sender: &LiveSender) -> After {
        let Some(journey) = &mut self.journey else {
            return After::Nothing;
        };
        let outcome = match journey.steps.front().map(|step| &step.act) {
            Some(Act::Report(report)) => sender.say(report.clone()).await.map(drop),
            Some(Act::Download) => {
                let is_slow = self.plan.scenario == Scenario::Slow;
                fetch(&self.daemon, &self.client_id, &journey.release, is_slow).await
            }
            Some(Act::Disconnect) | None => Ok(()),
        };
        let step = match outcome {
            Ok(()) => journey.steps.pop_front(),
            Err(error) => {
                journey.due = Instant::now() + error.retry_after().unwrap_or_default().max(RETRY);
                if journey.is_over_after(&error, &self.runs) {
                    let version = journey.release.version.clone();
                    self.arrive(sender, version, Err(error.to_string())).await;
                }
                return After::Nothing;
            }
        };
        let pause = journey.steps.front().map(|step| step.pause);
        journey.due = Instant::now() + pause.unwrap_or_default();
        match step.map(|step| step.act) {
            Some(Act::Report(ClientMessage::InstallationCompleted(result))) => {
                let outcome = match result.success {
                    true => Ok(()),
                    false => Err(result.message),
                };
                self.arrive(sender, result.version, outcome).await;
                After::Nothing
            }
            Some(Act::Disconnect) => After::Another,
            Some(Act::Report(_) | Act::Download) | None => After::Nothing,
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

impl Journey {
    /// What to do about a step that failed. What may work later is tried again, a download only some times. What does not
    /// work is reported as the end of the installation; true when that report is what does not work.
    fn is_over_after(&mut self, error: &Error, runs: &Version) -> bool {
        let step = self.steps.front().map(|step| &step.act);
        self.broken += u32::from(step == Some(&Act::Download));
        if error.is_temporary() && self.broken < DOWNLOAD_TRIES {
            return false;
        }
        if self.steps.len() <= 1 {
            return true;
        }
        let reason: String = error.to_string().chars().take(REPORT_TEXT_CHARS).collect();
        let act = Act::Report(result(runs, &self.release.version, Err(&reason)));
        self.steps = VecDeque::from([Step { pause: RETRY, act }]);
        self.broken = 0;
        false
    }
}

/// Reads a release to its end, and keeps nothing of it.
async fn fetch(
    daemon: &Daemon,
    client_id: &ClientId,
    release: &NewVersionAvailable,
    is_slow: bool,
) -> Result<(), Error> {
    let path = &release.download_url;
    let response = daemon.open_download(path, Some(client_id), None).await?;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        piece.map_err(|error| Error::Interrupted {
            url: daemon.url().to_owned(),
            reason: error.to_string(),
        })?;
        if is_slow {
            sleep(SLOW_PIECE).await;
        }
    }
    Ok(())
}
