//! `relctl watch`: the fleet, as a table, as lines, as JSON, and as an exit code.

mod board;
mod events;
mod fleet;
mod gate;
mod lines;
mod opening;
mod picture;
mod table;
mod view;

use std::pin::pin;
use std::time::Duration;

use client::http::ListQuery;
use client::live::Event;
use client::{Daemon, Live, Session};
use protocol::api::ReleaseState;
use protocol::message::Watch;
use protocol::{Code, ServerMessage};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};

use super::{passed, stopped, within};
use crate::args::{Global, WatchArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{format_duration, format_share};
pub(super) use events::{StreamState, Summary, own};
use fleet::{Fleet, Goal};
use gate::{Gate, Verdict};
use opening::Opening;
use table::Request;
use view::{Line, View};

/// How often keys are looked for. It decides nothing about the fleet.
const TICK: Duration = Duration::from_millis(50);

/// A pipeline waits this long for a daemon that went away, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Why the watch ended.
#[derive(Debug)]
enum End {
    Reached,
    Failed,
    /// The version that was named is no longer offered.
    Withdrawn,
    TimedOut,
    Stopped(Exit),
    /// Something went wrong after the watch had begun.
    Broken(Failure),
}

pub(crate) async fn run(
    global: &Global,
    args: WatchArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let daemon = config::daemon(global)?;
    let goal = within(global.timeout, goal(&daemon, &args, output)).await?;
    let mut watcher = Watcher {
        fleet: Fleet::new(goal, args.version.is_some()),
        gate: Gate {
            until: args.until,
            fail_over: args.fail_over,
            min_sample: args.min_sample,
        },
        view: View::open(args.view, output)?,
        args,
        output,
        opening: Opening::Unready,
        has_begun: false,
        gaps: 0,
        gone_since: None,
    };
    let mut live = Live::start(daemon, watcher.session());
    let left = global
        .timeout
        .map(|timeout| timeout.saturating_sub(began.elapsed()));
    let end = match watcher.watch(&mut live, left).await {
        Ok(end) => end,
        // Whoever cannot begin, or has no reader, has nothing to sum up.
        Err(failure) if !watcher.has_begun || failure.is_closed_pipe() => return Err(failure),
        Err(failure) => End::Broken(failure),
    };
    live.close().await;
    watcher.last_words(end, began.elapsed())
}

/// What the clients should run: the version that was named, else the newest that is offered.
async fn goal(daemon: &Daemon, args: &WatchArgs, output: &Output) -> Result<Option<Goal>, Failure> {
    let Some(version) = &args.version else {
        let query = ListQuery {
            size: 1,
            channel: args.channel.clone(),
            state: Some(ReleaseState::Active),
            ..ListQuery::default()
        };
        let newest = daemon.releases(&query).await?.content.into_iter().next();
        return Ok(newest.map(Goal::from));
    };
    match daemon.release(version).await {
        Ok(release) => {
            if let ReleaseState::Inactive | ReleaseState::Recalled = release.state {
                output.warn(&format!("{version} is {}", release.state.as_str()));
            }
            Ok(Some(Goal::from(release)))
        }
        // A pipeline may watch first and publish then.
        Err(error) if error.code() == Some(Code::NotFound) => {
            output.say(&format!("{version} is not published yet; waiting for it"));
            Ok(Some(Goal::unpublished(version.clone())))
        }
        Err(error) => Err(error.into()),
    }
}

struct Watcher<'a> {
    args: WatchArgs,
    output: &'a Output,
    fleet: Fleet,
    gate: Gate,
    view: View,
    opening: Opening,
    has_begun: bool,
    /// How often events were lost.
    gaps: u64,
    /// When the daemon went away.
    gone_since: Option<Instant>,
}

impl Watcher<'_> {
    /// The version is not asked for: clients that still run another one are needed to tell how many are left.
    fn session(&self) -> Session {
        Session {
            watch: Some(Watch {
                channel: self.args.channel.clone(),
                version: None,
                client_id: self.args.client.clone(),
                since: self.args.since,
            }),
            ..Session::default()
        }
    }

    async fn watch(&mut self, live: &mut Live, timeout: Option<Duration>) -> Result<End, Failure> {
        let mut stopped = pin!(stopped());
        let mut passed = pin!(passed(timeout));
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.opening.is_over()
                && let Some(end) = self.end()
            {
                return Ok(end);
            }
            tokio::select! {
                event = live.next() => match event {
                    Some(Ok(event)) => self.note(event)?,
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Failure::error("the live session ended")),
                },
                _ = tick.tick() => match self.view.tick(&self.fleet, self.output)? {
                    Some(Request::Quit) if !self.gate.is_set() => return Ok(End::Stopped(Exit::Ok)),
                    // What was asked for was not reached.
                    Some(Request::Quit | Request::Interrupt) => return Ok(End::Stopped(Exit::Interrupted)),
                    None => {}
                },
                () = at(self.opening.ends_at()) => self.opening.end(),
                () = at(self.gives_up_at()) => return Err(self.given_up()),
                exit = &mut stopped => return Ok(End::Stopped(exit)),
                _ = &mut passed => return Ok(End::TimedOut),
            }
        }
    }

    fn end(&self) -> Option<End> {
        match self.gate.judge(&self.fleet.counts()) {
            Some(Verdict::Reached) => Some(End::Reached),
            Some(Verdict::Failed) => Some(End::Failed),
            // Nobody takes it any more.
            None if self.gate.is_set() && self.fleet.is_withdrawn() => Some(End::Withdrawn),
            None => None,
        }
    }

    fn gives_up_at(&self) -> Option<Instant> {
        let default = self.gate.is_set().then_some(PATIENCE);
        let patience = self.args.give_up_after.or(default)?;
        self.gone_since.map(|since| since + patience)
    }

    fn given_up(&self) -> Failure {
        let away = self.gone_since.map(|since| since.elapsed());
        let away = format_duration(away.unwrap_or_default());
        let message = format!("the daemon stayed away for {away}");
        Failure::new(Exit::Network, "CONNECTION_LOST", message)
            .help("is the daemon up?  relctld serve")
            .help("wait longer:       --give-up-after 1h")
    }

    fn note(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Connected(_) => Ok(()),
            Event::Ready => {
                self.gone_since = None;
                self.opening.ready(Instant::now());
                if std::mem::replace(&mut self.has_begun, true) {
                    return self.view.line(&Line::Back, self.output);
                }
                let words = self.first_words();
                self.view.line(&Line::Begun(&words), self.output)
            }
            Event::Gap => {
                self.gaps += 1;
                self.view.line(&Line::Gap, self.output)
            }
            Event::Waiting { reason, .. } if !self.has_begun => {
                let message = format!("cannot watch: {reason}");
                Err(Failure::new(Exit::Network, "UNREACHABLE", message)
                    .help("is the daemon up?  relctld serve")
                    .help("another daemon?    --url or RELCTL_URL"))
            }
            Event::Waiting { reason, wait, .. } => {
                self.gone_since.get_or_insert_with(Instant::now);
                let reason = &reason;
                self.view.line(&Line::Broken { reason, wait }, self.output)
            }
            Event::Message(message) => self.message(&message),
        }
    }

    fn first_words(&self) -> String {
        let what = match (self.fleet.goal(), &self.args.version) {
            (Some(goal), Some(_)) => format!("Watching clients take {}", goal.version),
            (Some(goal), None) => {
                format!("Watching the fleet; the newest release is {}", goal.version)
            }
            (None, _) => "Watching the fleet; nothing is published yet".to_owned(),
        };
        format!("{what}; Ctrl-C ends it")
    }

    fn message(&mut self, message: &ServerMessage) -> Result<(), Failure> {
        let is_naming = matches!(message, ServerMessage::ClientConnected(_));
        let is_news = !is_naming && self.args.since.is_none();
        self.opening.hear(Instant::now(), is_news);
        match self.fleet.apply(message) {
            Some(change) => self.view.change(message, &change, self.output),
            None => Ok(()),
        }
    }

    /// The summary is the last line, however the watch ended.
    fn last_words(self, end: End, elapsed: Duration) -> Result<Exit, Failure> {
        self.view.close(&self.fleet);
        let (result, exit) = match &end {
            End::Reached => ("reached", Exit::Ok),
            End::Failed => ("failed", Exit::RolloutFailed),
            End::Withdrawn => ("withdrawn", Exit::RolloutFailed),
            End::TimedOut => ("timeout", Exit::Timeout),
            End::Stopped(Exit::Ok) => ("stopped", Exit::Ok),
            End::Stopped(exit) => ("interrupted", *exit),
            End::Broken(failure) if failure.exit == Exit::Network => ("lost", Exit::Network),
            End::Broken(failure) => ("error", failure.exit),
        };
        let reason = match end {
            End::Broken(failure) => {
                self.output.fail(&failure);
                Some(failure.message)
            }
            End::Withdrawn => Some("the version is no longer offered".to_owned()),
            End::Reached | End::Failed | End::TimedOut | End::Stopped(_) => None,
        };
        let counts = self.fleet.counts();
        let summary = Summary {
            result,
            reason,
            target: self.args.until.map(|until| until.to_string()),
            version: self.fleet.goal().map(|goal| goal.version.to_string()),
            eligible: counts.eligible(),
            waiting: counts.waiting,
            under_way: counts.downloading + counts.installing,
            completed: counts.done,
            failed: counts.failed,
            rate_limited: counts.rate_limited,
            bytes: self.fleet.bytes(),
            gaps: self.gaps,
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        match self.output.is_json() {
            true => self.output.json_line(&own("SUMMARY", &summary))?,
            false => self.output.line(&in_words(&summary, elapsed))?,
        }
        Ok(exit)
    }
}

/// The summary for people.
fn in_words(summary: &Summary, elapsed: Duration) -> String {
    let mut words = summary.result.to_owned();
    if let Some(target) = &summary.target {
        words.push_str(&format!(" ({target})"));
    }
    let (done, eligible) = (summary.completed, summary.eligible);
    let share = format_share(done, eligible);
    words.push_str(&format!(
        ": {share} done ({done} of {eligible}), {} failed, in {}",
        summary.failed,
        format_duration(elapsed)
    ));
    if summary.gaps > 0 {
        words.push_str("; events were lost, so these numbers may be too small");
    }
    words
}

/// Waits for a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
