//! Measures packing a folder: megabytes of contents a second, here and with the JDK's `jar`.
//!
//! `pack FOLDER [RUNS]` prints a line for each, with the median of the runs. `jar` has level 6 and
//! no other; starting its JVM counts, as it does for whoever waits for it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, io};

use delta::package::{PackageOptions, package_directory};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: pack FOLDER [RUNS]")?;
    let runs: usize = arguments.next().map_or(Ok(5), |runs| runs.parse())?;
    let folder = Path::new(&folder);
    let bytes = contents_bytes(folder)?;
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out.jar");
    for level in [9, 6] {
        let options = PackageOptions {
            level,
            ..PackageOptions::default()
        };
        let seconds = median_seconds(runs, || {
            package_directory(folder, &out, &options)?;
            Ok(())
        })?;
        print(&format!("relctl, level {level}"), bytes, seconds, &out)?;
    }
    let seconds = median_seconds(runs, || {
        let mut jar = Command::new("jar");
        jar.arg("cf").arg(&out).arg("-C").arg(folder).arg(".");
        match jar.stdout(Stdio::null()).status()?.success() {
            true => Ok(()),
            false => Err("jar failed".into()),
        }
    })?;
    print("jar (level 6)", bytes, seconds, &out)
}

fn contents_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += match found.is_dir() {
            true => contents_bytes(&entry.path())?,
            false => found.len(),
        };
    }
    Ok(bytes)
}

fn median_seconds(runs: usize, mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let mut seconds = Vec::new();
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        work()?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

fn print(what: &str, bytes: u64, seconds: f64, out: &Path) -> Outcome<()> {
    use io::Write;
    let megabytes = bytes as f64 / 1e6;
    let packed = fs::metadata(out)?.len() as f64 / 1e6;
    writeln!(
        io::stdout(),
        "{what:<16} {megabytes:.1} MB in {seconds:.2} s, {:.1} MB/s, {packed:.2} MB packed",
        megabytes / seconds
    )?;
    Ok(())
}
