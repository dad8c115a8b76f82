//! Runs one process and tells what it cost: processor time, peak memory, and whether it came to an end.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Processor seconds after which a process is given up: an updater's author would not wait longer either.
pub(crate) const LIMIT_SECONDS: u32 = 600;

/// What one process cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// User and system time together.
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_bytes: u64,
}

/// Runs `command`; the inner error says in a few words why it gave no result.
pub(crate) fn measure(command: &[OsString], scratch: &Path) -> Result<Result<Cost, String>> {
    let report = scratch.join("time");
    let output = Command::new("sh")
        .args(["-c", "ulimit -t \"$1\"; shift; exec \"$@\"", "sh"])
        .arg(LIMIT_SECONDS.to_string())
        .args(["/usr/bin/time", "--quiet", "-f", "%U %S %M", "-o"])
        .arg(&report)
        .args(command)
        // So that the last line says why a process failed.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .context("starting a process under /usr/bin/time")?;
    let written = fs::read_to_string(&report).context("reading what /usr/bin/time wrote")?;
    // A process that a signal ended has a sentence about it above its figures.
    let figures = written.lines().last().unwrap_or_default();
    let cost = parse(figures).with_context(|| format!("/usr/bin/time wrote {written:?}"))?;
    if cost.cpu_seconds >= f64::from(LIMIT_SECONDS) - 1.0 {
        return Ok(Err(format!("not done after {LIMIT_SECONDS} s of CPU")));
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default();
        return Ok(Err(format!("failed, {}: {said}", output.status)));
    }
    Ok(Ok(cost))
}

fn parse(figures: &str) -> Option<Cost> {
    let mut figures = figures.split(' ');
    let user: f64 = figures.next()?.parse().ok()?;
    let system: f64 = figures.next()?.parse().ok()?;
    let peak_kib: u64 = figures.next()?.parse().ok()?;
    Some(Cost {
        cpu_seconds: user + system,
        peak_bytes: peak_kib * 1024,
    })
}
