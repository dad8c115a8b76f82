//! `relctl watch`: the fleet, as bars, as lines, as JSON, and as an exit code.

mod bars;
mod fleet;
mod lines;

use std::io::IsTerminal;
use std::pin::pin;
use std::time::{Duration, Instant};

use client::http::ListQuery;
use client::live::Event;
use client::{Daemon, Live, Session};
use protocol::api::ReleaseState;
use protocol::message::Watch;
use protocol::{Code, ServerMessage};

use super::{passed, stopped};
use crate::args::{Global, WatchArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{format_duration, format_share};
use bars::Bars;
use fleet::{Fleet, Goal};
use lines::LineState;
pub(super) use lines::{StreamState, Summary, own};

/// The clients that are connected come first, without a mark at their end; a pause this long is taken for it.
const SETTLING: Duration = Duration::from_millis(500);

/// How often bars are drawn again.
const REFRESH: Duration = Duration::from_millis(250);

/// Why the watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reached,
    Failed,
    TimedOut,
    Stopped(Exit),
}

pub(crate) async fn run(
    global: &Global,
    args: WatchArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let daemon = config::daemon(global)?;
    let mut watcher = Watcher {
        fleet: Fleet::new(goal(&daemon, &args, output).await?, args.version.is_some()),
        lines: LineState::default(),
        bars: Bars::new(!global.json && output.has_bars() && std::io::stdout().is_terminal()),
        args,
        output,
        is_connected: false,
    };
    let mut live = Live::start(daemon.clone(), watcher.session());
    let end = watcher.watch(&mut live, global.timeout).await;
    watcher.bars.clear(output);
    live.close().await;
    watcher.last_words(end?, began.elapsed())
}

/// What the clients should run: the version that was named, else the newest that is offered.
async fn goal(daemon: &Daemon, args: &WatchArgs, output: &Output) -> Result<Option<Goal>, Failure> {
    let release = match &args.version {
        Some(version) => match daemon.release(version).await {
            Ok(release) => Some(release),
            // A pipeline may watch first and publish then.
            Err(error) if error.code() == Some(Code::NotFound) => {
                output.say(&format!("{version} is not published yet; waiting for it"));
                return Ok(Some(Goal {
                    version: version.clone(),
                    rollout_percentage: 100,
                }));
            }
            Err(error) => return Err(error.into()),
        },
        None => {
            let query = ListQuery {
                size: 1,
                channel: args.channel.clone(),
                state: Some(ReleaseState::Active),
                ..ListQuery::default()
            };
            daemon.releases(&query).await?.content.into_iter().next()
        }
    };
    Ok(release.map(|release| Goal {
        version: release.version_number,
        rollout_percentage: release.rollout_percentage,
    }))
}

struct Watcher<'a> {
    args: WatchArgs,
    output: &'a Output,
    fleet: Fleet,
    lines: LineState,
    bars: Bars,
    is_connected: bool,
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
        let mut refresh = tokio::time::interval(REFRESH);
        // Counted from the last event, so that a busy fleet is waited for.
        let mut quiet_since = tokio::time::Instant::now();
        let mut is_settled = false;
        loop {
            if is_settled && let Some(end) = self.end() {
                return Ok(end);
            }
            let settling = async {
                match is_settled || !self.is_connected {
                    true => std::future::pending().await,
                    false => tokio::time::sleep_until(quiet_since + SETTLING).await,
                }
            };
            let event = tokio::select! {
                event = live.next() => event,
                _ = refresh.tick() => {
                    self.bars.refresh();
                    continue;
                }
                exit = &mut stopped => return Ok(End::Stopped(exit)),
                _ = &mut passed => return Ok(End::TimedOut),
                () = settling => {
                    is_settled = true;
                    continue;
                }
            };
            quiet_since = tokio::time::Instant::now();
            match event {
                Some(Ok(event)) => self.note(event)?,
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Failure::error("the live session ended")),
            }
        }
    }

    fn end(&self) -> Option<End> {
        let counts = self.fleet.counts();
        if self
            .args
            .fail_over
            .is_some_and(|limit| counts.failed_is_over(limit))
        {
            return Some(End::Failed);
        }
        let until = self.args.until?;
        counts.done_is_at_least(until).then_some(End::Reached)
    }

    fn note(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Connected(_) => Ok(()),
            Event::Ready => {
                let again = std::mem::replace(&mut self.is_connected, true);
                if again {
                    self.output.say("connected again");
                    return self.stream_state("live", None, None);
                }
                self.say_begin();
                Ok(())
            }
            Event::Gap => {
                self.output.warn("the daemon no longer has all events since the connection broke; some are missing here");
                self.stream_state("gap", None, None)
            }
            Event::Waiting { reason, .. } if !self.is_connected => {
                let failure = Failure::new(
                    Exit::Network,
                    "UNREACHABLE",
                    format!("cannot watch: {reason}"),
                );
                Err(failure
                    .help("is the daemon up?  relctld serve")
                    .help("another daemon?    --url or RELCTL_URL"))
            }
            Event::Waiting { reason, wait, .. } => {
                self.output.say(&format!(
                    "{reason}; trying again in {}",
                    format_duration(wait)
                ));
                self.stream_state("reconnecting", Some(reason), Some(wait))
            }
            Event::Message(message) => self.message(&message),
        }
    }

    fn say_begin(&self) {
        let what = match (self.fleet.goal(), &self.args.version) {
            (Some(goal), Some(_)) => format!("Watching clients take {}", goal.version),
            (Some(goal), None) => {
                format!("Watching the fleet; the newest release is {}", goal.version)
            }
            (None, _) => "Watching the fleet; nothing is published yet".to_owned(),
        };
        self.output.say(&format!("{what}; Ctrl-C ends it"));
    }

    fn message(&mut self, message: &ServerMessage) -> Result<(), Failure> {
        let Some(change) = self.fleet.apply(message) else {
            return Ok(());
        };
        if self.output.is_json() {
            return match lines::event(message) {
                Some(line) => self.output.json_line(&line),
                None => Ok(()),
            };
        }
        let is_drawn = self.bars.draw(&change, self.output);
        if !is_drawn && let Some(line) = self.lines.line(&change) {
            self.output.line(&line)?;
        }
        self.bars.total(&self.fleet, self.output);
        Ok(())
    }

    fn stream_state(
        &self,
        state: &'static str,
        reason: Option<String>,
        wait: Option<Duration>,
    ) -> Result<(), Failure> {
        if !self.output.is_json() {
            return Ok(());
        }
        let retry_in_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let state = StreamState {
            state,
            reason,
            retry_in_ms,
        };
        self.output.json_line(&own("STREAM_STATE", state))
    }

    /// The summary is the last line, however the watch ended.
    fn last_words(&self, end: End, elapsed: Duration) -> Result<Exit, Failure> {
        let counts = self.fleet.counts();
        let (result, exit) = match end {
            End::Reached => ("reached", Exit::Ok),
            End::Failed => ("failed", Exit::RolloutFailed),
            End::TimedOut => ("timeout", Exit::Timeout),
            End::Stopped(exit) => ("interrupted", exit),
        };
        let summary = Summary {
            result,
            target: self.args.until.map(|until| format!("{until}%")),
            version: self.fleet.goal().map(|goal| goal.version.to_string()),
            eligible: counts.eligible,
            completed: counts.done,
            failed: counts.failed,
            rate_limited: counts.rate_limited,
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        if self.output.is_json() {
            self.output.json_line(&own("SUMMARY", &summary))?;
            return Ok(exit);
        }
        let share = format_share(counts.done, counts.eligible);
        self.output.line(&format!(
            "{result}: {share} done ({} of {}), {} failed, in {}",
            counts.done,
            counts.eligible,
            counts.failed,
            format_duration(elapsed)
        ))?;
        Ok(exit)
    }
}
