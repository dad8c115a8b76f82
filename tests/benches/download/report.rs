//! The report: medians side by side, as a Markdown table for the console and for `docs/bench-download.md`.

use std::fmt::Write as _;
use std::fs;

use protocol::Timestamp;

use crate::cost::Cost;
use crate::load::Load;
use crate::{FILE_BYTES, ROUNDS};

/// One load with what it cost each server, round by round.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) load: &'static Load,
    pub(crate) ours: Vec<Cost>,
    pub(crate) nginx: Vec<Cost>,
}

impl Measured {
    pub(crate) fn new(load: &'static Load) -> Self {
        Self {
            load,
            ours: Vec::new(),
            nginx: Vec::new(),
        }
    }
}

pub(crate) fn document(measured: &[Measured], nginx: &str) -> String {
    let moment = Timestamp::now().to_string();
    let file_mb = FILE_BYTES / 1_000_000;
    let mut text = format!(
        "# Downloads, measured beside nginx

Written by `make bench-download` (tests/benches/download); do not edit. The last run: {moment},
{}, Linux {}, {} runnable processes on average over the last minute.

relctld and {nginx} (`sendfile on`, 2 workers) served the same file of {file_mb} MB from the same page cache over the loopback
interface, without TLS, taking turns, {ROUNDS} rounds after one to warm up. Figures are medians. The client is one thread for both
and has the kernel throw the bytes away unread. CPU is user and system time of all processes of a server; memory is the largest
sum of proportional set sizes seen in any round. MB are 10⁶ bytes, GB 10⁹. A ratio below 1 in CPU and above 1 in speed is in our
favour. relctld checks a token, counts, and answers to a named client that nobody follows; nginx does nothing of the kind.

",
        processor(),
        line_of("/proc/sys/kernel/osrelease"),
        line_of("/proc/loadavg").split(' ').next().unwrap_or_default(),
    );
    text.push_str(&table(measured));
    text
}

pub(crate) fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| what | at once | GB/s | nginx | ratio | CPU s per GB | nginx | ratio | peak MB | nginx |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
",
    );
    for Measured { load, ours, nginx } in measured {
        let speed = |costs: &[Cost]| median(costs, |cost| cost.gigabytes_per_second);
        let cpu = |costs: &[Cost]| median(costs, |cost| cost.cpu_seconds_per_gigabyte);
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.3} | {:.3} | {:.2} | {:.1} | {:.1} |",
            load.name,
            load.connections,
            speed(ours),
            speed(nginx),
            speed(ours) / speed(nginx),
            cpu(ours),
            cpu(nginx),
            cpu(ours) / cpu(nginx),
            peak(ours),
            peak(nginx),
        );
    }
    text
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn peak(costs: &[Cost]) -> f64 {
    costs
        .iter()
        .map(|cost| cost.peak_megabytes)
        .fold(0.0, f64::max)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name
        .unwrap_or_default()
        .trim_start_matches(['\t', ' ', ':']);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {count} processors")
}

fn line_of(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
