//! What the processes of a server use, as the kernel counts it.

use std::fs;
use std::time::Duration;

/// The processes of one server.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(Vec<u32>);

impl Gauge {
    /// A process and all that it started.
    pub(crate) fn of(process: u32) -> Self {
        let mut all = vec![process];
        let mut next = 0;
        while let Some(parent) = all.get(next) {
            let path = format!("/proc/{parent}/task/{parent}/children");
            let children = fs::read_to_string(path).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
            next += 1;
        }
        Self(all)
    }

    /// Memory that they hold now.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let of_one = |id: &u32| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let kilobytes = status.lines().find_map(|line| {
                let rest = line.strip_prefix("VmRSS:")?;
                rest.trim_end_matches("kB").trim().parse::<u64>().ok()
            });
            kilobytes.unwrap_or(0) * 1024
        };
        self.0.iter().map(of_one).sum()
    }

    /// Processor time that they have used, threads that ended included, to a hundredth of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let of_one = |id: &u32| -> u64 {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            // The name of the process stands in brackets and may hold anything.
            let fields = stat.rsplit(')').next().unwrap_or_default();
            let ticks = fields.split_whitespace().skip(USER_TICKS).take(2);
            ticks.filter_map(|field| field.parse::<u64>().ok()).sum()
        };
        Duration::from_millis(self.0.iter().map(of_one).sum::<u64>() * TICK_MS)
    }
}

/// Where the times in user and kernel mode stand behind the name (`man 5 proc_pid_stat`, fields 14 and 15).
const USER_TICKS: usize = 11;
/// Linux counts a hundred ticks a second for programs, whatever it does itself.
const TICK_MS: u64 = 10;
