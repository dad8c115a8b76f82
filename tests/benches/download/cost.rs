//! What a server costs while it is under load: processor time and memory, as Linux tells them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// Units of times in `/proc/PID/stat`; Linux has had no other on any machine for decades.
const TICKS_PER_SECOND: f64 = 100.0;

/// Between two looks at the memory.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// What a load cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) gigabytes_per_second: f64,
    pub(crate) cpu_seconds_per_gigabyte: f64,
    pub(crate) peak_megabytes: f64,
}

/// The processes of one server.
#[derive(Clone, Debug)]
pub(crate) struct Processes(Vec<u32>);

impl Processes {
    /// A process and its children.
    pub(crate) fn of(parent: u32) -> Result<Self> {
        let mut ids = vec![parent];
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // What has ended meanwhile is nobody's child.
            if fields(id).is_ok_and(|fields| fields.get(1) == Some(&parent.to_string())) {
                ids.push(id);
            }
        }
        Ok(Self(ids))
    }

    /// Begins to measure.
    pub(crate) fn watch(&self) -> Result<Watch> {
        let is_over = Arc::new(AtomicBool::new(false));
        let memory = {
            let (processes, is_over) = (self.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let mut peak = 0;
                while !is_over.load(Ordering::Acquire) {
                    peak = peak.max(processes.memory_kib()?);
                    std::thread::sleep(SAMPLE_INTERVAL);
                }
                Ok(peak)
            })
        };
        Ok(Watch {
            processes: self.clone(),
            is_over,
            memory,
            cpu_seconds: self.cpu_seconds()?,
            began: Instant::now(),
        })
    }

    fn cpu_seconds(&self) -> Result<f64> {
        let mut ticks = 0;
        for id in &self.0 {
            let fields = fields(*id)?;
            for index in [11, 12] {
                let field = fields.get(index).context("a short stat")?;
                ticks += field.parse::<u64>()?;
            }
        }
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    /// Each page divided by how many map it: what would be free without the server.
    fn memory_kib(&self) -> Result<u64> {
        let mut kib = 0;
        for id in &self.0 {
            let path = format!("/proc/{id}/smaps_rollup");
            let text = fs::read_to_string(&path).with_context(|| path.clone())?;
            let pss = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let pss = pss.with_context(|| format!("{path} has no Pss"))?;
            kib += pss.trim_end_matches("kB").trim().parse::<u64>()?;
        }
        Ok(kib)
    }
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything.
fn fields(id: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("a stat without a name")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// A measurement that runs.
pub(crate) struct Watch {
    processes: Processes,
    is_over: Arc<AtomicBool>,
    memory: JoinHandle<Result<u64>>,
    cpu_seconds: f64,
    began: Instant,
}

impl Watch {
    /// Ends it, after so many bytes.
    pub(crate) fn finish(self, bytes: u64) -> Result<Cost> {
        let seconds = self.began.elapsed().as_secs_f64();
        let cpu_seconds = self.processes.cpu_seconds()? - self.cpu_seconds;
        self.is_over.store(true, Ordering::Release);
        let peak_kib = self
            .memory
            .join()
            .map_err(|_| anyhow!("the sampler panicked"))??;
        let gigabytes = bytes as f64 / 1e9;
        Ok(Cost {
            gigabytes_per_second: gigabytes / seconds,
            cpu_seconds_per_gigabyte: cpu_seconds / gigabytes,
            peak_megabytes: peak_kib as f64 * 1024.0 / 1e6,
        })
    }
}
