//! The report: a line per tool on the console, and the whole as a Markdown document.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use crate::measure::LIMIT_SECONDS;
use crate::pairs::{ApkDiffPatch, Known};
use crate::tools::{Kind, Outcome, Round, Tool};

/// One pair with what every tool did, in the order of the tools.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) pair: &'static Known,
    pub(crate) old_bytes: u64,
    pub(crate) new_bytes: u64,
    pub(crate) rows: Vec<(&'static Tool, Outcome)>,
}

impl Measured {
    /// Our round at the default level.
    fn ours(&self) -> Option<&Round> {
        self.rows
            .first()
            .and_then(|(_, outcome)| outcome.as_ref().ok())
    }

    fn zstd(&self) -> Option<&Round> {
        let (_, outcome) = self.rows.iter().find(|(tool, _)| tool.kind == Kind::Zstd)?;
        outcome.as_ref().ok()
    }

    /// The smallest exact patch of a peer that ran here.
    fn best_here(&self) -> Option<u64> {
        self.rows
            .iter()
            .filter(|(tool, _)| !tool.kind.is_ours())
            .filter_map(|(_, outcome)| Some(outcome.as_ref().ok()?.patch_bytes))
            .min()
    }

    /// The same, with the exact patches that were measured elsewhere.
    fn best_anywhere(&self) -> Option<u64> {
        let elsewhere = &self.pair.elsewhere;
        let exact = match elsewhere.apkdiffpatch {
            ApkDiffPatch::Exact(bytes) => Some(bytes),
            ApkDiffPatch::NotExact(_) | ApkDiffPatch::Unknown => None,
        };
        [
            self.best_here(),
            elsewhere.hdiffpatch,
            exact,
            elsewhere.archive_patcher,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn ratio(&self, peer_bytes: Option<u64>) -> Option<f64> {
        Some(self.ours()?.patch_bytes as f64 / peer_bytes? as f64)
    }
}

pub(crate) const CONSOLE_HEADER: &str = "  tool                               patch bytes  create CPU s  peak MB   apply CPU s  peak MB";

pub(crate) fn console_row(name: &str, outcome: &Outcome) -> String {
    match outcome {
        Ok(round) => format!(
            "  {name:<32} {:>13} {:>13.2} {:>8} {:>13.2} {:>8}{}",
            grouped(round.patch_bytes),
            round.create.cpu_seconds,
            megabytes(round.create.peak_bytes),
            round.apply.cpu_seconds,
            megabytes(round.apply.peak_bytes),
            fallback(round),
        ),
        Err(reason) => format!("  {name:<32} {reason}"),
    }
}

fn fallback(round: &Round) -> &'static str {
    match round.fell_back {
        true => " (fell back to the format zstd)",
        false => "",
    }
}

/// The ratios to the best peers, pair by pair and in the geometric mean.
pub(crate) fn summary(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| pair | new JAR, MB | patch, bytes | of the JAR | of the best peer here | of the best exact peer anywhere | create CPU, of zstd's | apply CPU, s | apply peak, MB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for one in measured {
        let Some(ours) = one.ours() else {
            let _ = writeln!(
                text,
                "| {} | {:.1} | no patch |",
                one.pair.title(),
                one.new_bytes as f64 / 1e6
            );
            continue;
        };
        let create = one
            .zstd()
            .map(|zstd| ours.create.cpu_seconds / zstd.create.cpu_seconds);
        let _ = writeln!(
            text,
            "| {} | {:.1} | {}{} | {:.2} % | {} | {} | {} | {:.2} | {} |",
            one.pair.title(),
            one.new_bytes as f64 / 1e6,
            grouped(ours.patch_bytes),
            fallback(ours),
            ours.patch_bytes as f64 / one.new_bytes as f64 * 100.0,
            shown(one.ratio(one.best_here()), 3),
            shown(one.ratio(one.best_anywhere()), 3),
            // A peer that takes no measurable time at all gives no ratio.
            shown(create.filter(|ratio| ratio.is_finite()), 2),
            ours.apply.cpu_seconds,
            megabytes(ours.apply.peak_bytes),
        );
    }
    let here = geometric_mean(measured.iter().filter_map(|one| one.ratio(one.best_here())));
    let anywhere = geometric_mean(
        measured
            .iter()
            .filter_map(|one| one.ratio(one.best_anywhere())),
    );
    let _ = writeln!(
        text,
        "| **geometric mean** | | | | **{}** | **{}** | | | |",
        shown(here, 3),
        shown(anywhere, 3)
    );
    text
}

/// The whole report, as `docs/bench-delta.md` keeps it.
pub(crate) fn document(measured: &[Measured], skipped: &[String]) -> String {
    let mut text = format!(
        "# Patches between real JARs, measured\n\n\
         Written by `make bench-delta` ({}); do not edit. The last run: {}.\n\n\
         Every tool made and applied its patch in a process of its own, one after the other, in one run. CPU is user and\n\
         system time in seconds, peak is the largest resident memory, MB are 10⁶ bytes. A tool has a size here only\n\
         if what it rebuilt had the SHA-256 of the published JAR. A process was given up after {LIMIT_SECONDS} s of CPU. CPU\n\
         figures rise when other programs keep the machine busy; sizes and memory do not. 0.00 s is less than 5 ms.\n\n\
         How to read it: a ratio of 0.40 means that our patch is 0.40 times as large as the best peer's. \"Here\" counts\n\
         the peers of this run, \"anywhere\" also those of the last table that are exact.\n\n\
         ## Against the best peer\n\n{}",
        "tests/benches/delta",
        circumstances(),
        summary(measured)
    );
    if !skipped.is_empty() {
        let _ = writeln!(
            text,
            "\nNot measured, because it could not be fetched: {}.",
            skipped.join(", ")
        );
    }
    text.push_str("\n## Tool by tool\n");
    for one in measured {
        text.push_str(&tool_table(one));
    }
    text.push_str(&elsewhere_table(measured));
    text
}

fn tool_table(one: &Measured) -> String {
    let mut text = format!(
        "\n### {}\n\n{} → {} bytes.\n\n\
         | tool | patch, bytes | create CPU, s | create peak, MB | apply CPU, s | apply peak, MB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n",
        one.pair.title(),
        grouped(one.old_bytes),
        grouped(one.new_bytes)
    );
    for (tool, outcome) in &one.rows {
        let _ = match outcome {
            Ok(round) => writeln!(
                text,
                "| {}{} | {} | {:.2} | {} | {:.2} | {} |",
                tool.name,
                fallback(round),
                grouped(round.patch_bytes),
                round.create.cpu_seconds,
                megabytes(round.create.peak_bytes),
                round.apply.cpu_seconds,
                megabytes(round.apply.peak_bytes),
            ),
            Err(reason) => writeln!(text, "| {} | {reason} | | | | |", tool.name),
        };
    }
    text
}

fn elsewhere_table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "\n## Peers that Debian does not have\n\n\
         **Not measured in this run**: patch sizes in bytes on the same pairs, measured once on another machine, each tool at its\n\
         best settings. A size in brackets does not count, because the tool rebuilt another file than the published JAR.\n\n\
         | pair | HDiffPatch, LZMA2 | ApkDiffPatch, LZMA2 | archive-patcher + xz | relctl, this run |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    for one in measured {
        let elsewhere = &one.pair.elsewhere;
        let apkdiffpatch = match elsewhere.apkdiffpatch {
            ApkDiffPatch::Exact(bytes) => grouped(bytes),
            ApkDiffPatch::NotExact(bytes) => format!("({})", grouped(bytes)),
            ApkDiffPatch::Unknown => "–".to_owned(),
        };
        let known = |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), grouped);
        let _ = writeln!(
            text,
            "| {} | {} | {apkdiffpatch} | {} | {} |",
            one.pair.title(),
            known(elsewhere.hdiffpatch),
            known(elsewhere.archive_patcher),
            known(one.ours().map(|round| round.patch_bytes)),
        );
    }
    text
}

/// When, where and with what it was measured.
fn circumstances() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let version = |package: &str| said("dpkg-query", &["-W", "-f=${Version}", package]);
    format!(
        "{}, {processor}, {} processors ({} runnable processes on average at its end), Linux; relctl with the crate delta of commit {}, default level {}; zstd {}, bsdiff {}, xdelta3 {} from Debian",
        said("date", &["-u", "+%F %R UTC"]),
        thread::available_parallelism().map_or(1, usize::from),
        load.split(' ').nth(2).unwrap_or("?"),
        last_change_of_the_engine(),
        delta::Format::Jar.default_level(),
        version("zstd"),
        version("bsdiff"),
        version("xdelta3"),
    )
}

/// Commits of other crates do not make another engine.
fn last_change_of_the_engine() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    said(
        "git",
        &["-C", root, "log", "-1", "--format=%h", "--", "delta"],
    )
}

fn said(program: &str, args: &[&str]) -> String {
    match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}

fn geometric_mean(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = ratios.map(f64::ln).collect();
    let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
    (!logarithms.is_empty()).then(|| mean.exp())
}

fn shown(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format!("{number:.digits$}"))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
