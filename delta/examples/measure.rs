//! Measures one pair of files: the patch's size, and what making and applying it costs.
//!
//! `measure OLD NEW [LEVEL] [FORMAT]` makes the patch, applies it in a process of its own, and prints
//! a line. CPU time and peak memory come from `/proc`, so this is for Linux.

use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs, io};

use delta::{ApplyLimits, Format, Options};

fn main() -> outcome::Result {
    let args: Vec<String> = env::args().skip(1).collect();
    let at = |index: usize| args.get(index).map(String::as_str);
    match (at(0), at(1), at(2)) {
        (Some("--apply"), Some(old), Some(patch)) => apply(old, patch),
        (Some(old), Some(new), level) => {
            measure(old, new, level.unwrap_or("19"), at(3).unwrap_or("jar"))
        }
        _ => Err("usage: measure OLD NEW [LEVEL] [FORMAT]".into()),
    }
}

/// The error type of all here.
mod outcome {
    pub(crate) type Result = std::result::Result<(), Box<dyn std::error::Error>>;
}

fn measure(old: &str, new: &str, level: &str, format: &str) -> outcome::Result {
    let (old_bytes, new_bytes) = (read(old)?, fs::read(new)?);
    let options = Options {
        level: Some(level.parse()?),
    };
    let (started, cpu) = (Instant::now(), cpu_seconds()?);
    let (format, patch) = match format {
        "best" => delta::create_best(&old_bytes, &new_bytes, options)?,
        name => {
            let format: Format = name.parse()?;
            (
                format,
                delta::create(format, &old_bytes, &new_bytes, options)?,
            )
        }
    };
    print(&format!(
        "{format} {} bytes of {} ({:.4}); create {:.2} s CPU, {:.2} s, {} MB",
        patch.len(),
        new_bytes.len(),
        patch.len() as f64 / new_bytes.len() as f64,
        cpu_seconds()? - cpu,
        started.elapsed().as_secs_f64(),
        peak_mb()?
    ));
    if let Some(contents) = delta::inspect(&patch)?.contents {
        let streams = contents.streams.iter();
        let sizes = streams.map(|stream| format!("{} {}", stream.name, stream.packed_bytes));
        print(&format!("  {}", sizes.collect::<Vec<_>>().join(", ")));
    }
    delta::verify(&old_bytes, &patch, &new_bytes)?;
    let path = env::temp_dir().join(format!("measure-{}.patch", std::process::id()));
    fs::write(&path, &patch)?;
    let status = Command::new(env::current_exe()?)
        .args([Path::new("--apply"), Path::new(old), &path])
        .status()?;
    fs::remove_file(&path)?;
    match status.success() {
        true => Ok(()),
        false => Err("the patch could not be applied".into()),
    }
}

fn apply(old: &str, patch: &str) -> outcome::Result {
    let (started, cpu) = (Instant::now(), cpu_seconds()?);
    let (old, patch) = (read(old)?, fs::read(patch)?);
    delta::apply(&old, &patch, &ApplyLimits::default(), &mut io::sink())?;
    print(&format!(
        "  apply {:.2} s CPU, {:.2} s, {} MB",
        cpu_seconds()? - cpu,
        started.elapsed().as_secs_f64(),
        peak_mb()?
    ));
    Ok(())
}

/// `-` is an empty old file.
fn read(path: &str) -> io::Result<Vec<u8>> {
    match path {
        "-" => Ok(Vec::new()),
        path => fs::read(path),
    }
}

/// User and system time of this process, all threads.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The command's name in parentheses may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or("");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap_or(0))
        .sum();
    // 100 ticks a second on every Linux that we know.
    Ok(ticks as f64 / 100.0)
}

fn peak_mb() -> Result<u64, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = line.unwrap_or("0").trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024)
}

#[expect(clippy::print_stdout, reason = "printing is what this example is for")]
fn print(line: &str) {
    println!("{line}");
}
