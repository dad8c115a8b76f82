//! One server, measured from the first connection to the last publish.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::flock::Flock;
use crate::servers::{Kind, Press, marker};

/// Publishes that are not counted, single ones, and those of the burst.
const WARM_UP: usize = 3;
const SINGLES: usize = 20;
const BURST: usize = 50;

/// How long memory and pools may settle, and how long the idle server is looked at: half a heartbeat interval, in which
/// as many heartbeats are sent as in any other half.
const SETTLING: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(15);

const PATIENCE: Duration = Duration::from_secs(180);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Handshakes a second.
    pub(crate) connects: f64,
    /// Sessions that became ready a second, registered and subscribed where a server knows that.
    pub(crate) sessions: f64,
    /// Resident bytes of a ready, idle session.
    pub(crate) idle_bytes: f64,
    /// The same after everything was published.
    pub(crate) used_bytes: f64,
    /// Processor time of an idle session, in microseconds a second.
    pub(crate) idle_us: f64,
    /// Of single publishes: until half, 99 % and all of the sessions knew, in ms.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) last_ms: f64,
    pub(crate) single_rate: f64,
    /// Processor seconds of a million deliveries.
    pub(crate) single_cpu: f64,
    /// Of the burst: until all knew the newest, in ms, and what was delivered meanwhile.
    pub(crate) burst_ms: f64,
    pub(crate) burst_rate: f64,
    pub(crate) burst_messages: f64,
    pub(crate) burst_cpu: f64,
}

/// Measures one server.
pub(crate) fn measure(kind: Kind, clients: usize) -> Result<Measured> {
    let server = kind.start(WARM_UP + SINGLES + BURST)?;
    let gauge = server.gauge();
    let empty = gauge.resident_bytes();
    let mut flock = Flock::new()?;
    let (connected, ready) = flock.open(clients, &server.hello, PATIENCE)?;
    flock.read_for(SETTLING)?;
    let of_each = |bytes: u64| bytes.saturating_sub(empty) as f64 / clients as f64;
    let idle_bytes = of_each(gauge.resident_bytes());

    let before = gauge.cpu();
    flock.read_for(IDLE)?;
    let idle = gauge.cpu() - before;

    let mut press = server.publisher.connect()?;
    for number in 0..WARM_UP {
        publish(&mut press, &mut flock, number)?;
    }
    let mut times = Times::default();
    let before = (gauge.cpu(), flock.delivered());
    for number in WARM_UP..WARM_UP + SINGLES {
        times.take(publish(&mut press, &mut flock, number)?);
    }
    let singles_cpu = gauge.cpu() - before.0;
    let singles_delivered = flock.delivered() - before.1;

    let before = (gauge.cpu(), flock.delivered());
    let (first, newest) = (WARM_UP + SINGLES, WARM_UP + SINGLES + BURST - 1);
    flock.listen_for(&marker(newest));
    let sent = Instant::now();
    let burst = thread::scope(|scope| {
        let publishing = scope.spawn(move || -> Result<()> {
            for number in first..=newest {
                press.send(number)?;
                press.finish()?;
            }
            Ok(())
        });
        let heard = flock.read_until_heard(PATIENCE);
        // A refusal is the better reason.
        publishing.join().ok().context("the publisher panicked")??;
        Ok::<_, anyhow::Error>(*heard?.last().context("nobody heard")? - sent)
    })?;
    let burst_delivered = (flock.delivered() - before.1) as f64;
    flock.read_for(Duration::from_millis(30))?;
    let burst_cpu = gauge.cpu() - before.0;
    Ok(Measured {
        connects: clients as f64 / connected.as_secs_f64(),
        sessions: clients as f64 / ready.as_secs_f64(),
        idle_bytes,
        used_bytes: of_each(gauge.resident_bytes()),
        idle_us: idle.as_secs_f64() * 1e6 / IDLE.as_secs_f64() / clients as f64,
        p50_ms: times.median_of(|time| time.p50),
        p99_ms: times.median_of(|time| time.p99),
        last_ms: times.median_of(|time| time.last),
        single_rate: clients as f64 / (times.median_of(|time| time.last) / 1000.0),
        single_cpu: singles_cpu.as_secs_f64() * 1e6 / singles_delivered as f64,
        burst_ms: burst.as_secs_f64() * 1000.0,
        burst_rate: burst_delivered / burst.as_secs_f64(),
        burst_messages: burst_delivered / clients as f64,
        burst_cpu: burst_cpu.as_secs_f64() * 1e6 / burst_delivered,
    })
}

/// Publishes, and waits until everybody knows; when each session heard, after the publish was sent.
fn publish(press: &mut Press<'_>, flock: &mut Flock, number: usize) -> Result<Vec<Duration>> {
    flock.listen_for(&marker(number));
    let sent = Instant::now();
    press.send(number)?;
    let heard = match flock.read_until_heard(PATIENCE) {
        Ok(heard) => heard.iter().map(|at| *at - sent).collect(),
        // A refusal is the better reason.
        Err(error) => return Err(press.finish().err().unwrap_or(error)),
    };
    press.finish()?;
    // What the server does after the last delivery is its work too.
    flock.read_for(Duration::from_millis(30))?;
    Ok(heard)
}

/// When the sessions heard of each publish.
#[derive(Default)]
struct Times(Vec<Time>);

struct Time {
    p50: f64,
    p99: f64,
    last: f64,
}

impl Times {
    fn take(&mut self, heard: Vec<Duration>) {
        let after = |share: f64| {
            let index = ((heard.len() as f64 * share) as usize).min(heard.len() - 1);
            heard[index].as_secs_f64() * 1000.0
        };
        self.0.push(Time {
            p50: after(0.50),
            p99: after(0.99),
            last: after(1.0),
        });
    }

    fn median_of(&self, value: impl Fn(&Time) -> f64) -> f64 {
        median(self.0.iter().map(value))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
