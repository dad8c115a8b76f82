//! How small are our patches between real JARs, and what do they cost? Run by `make bench-delta`, in release.
//!
//! For each pair of [`pairs`] every tool of [`tools`] makes a patch and applies it, one after the other and each in a
//! process of its own, so that processor time and peak memory are its own. Ours is this executable, started again.
//! `PAIRS=py4j,jdeploy` picks pairs by the beginning of their names. Only a run that measured all pairs replaces
//! `docs/bench-delta.md`; each run writes `target/bench-delta.md`, anew after every pair.
#![expect(clippy::print_stdout, reason = "the report is for people")]

mod measure;
mod pairs;
mod report;
mod tools;

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use pairs::{Known, PAIRS};
use report::Measured;
use tools::{ENGINE_APPLY, ENGINE_CREATE, TOOLS};

fn main() -> Result<()> {
    // Cargo adds `--bench` to what it starts.
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [ENGINE_CREATE, level, old, new, patch] => {
            tools::engine_create(level, old.as_ref(), new.as_ref(), patch.as_ref())
        }
        [ENGINE_APPLY, old, patch, new] => {
            tools::engine_apply(old.as_ref(), patch.as_ref(), new.as_ref())
        }
        [] => compare(),
        _ => bail!("unknown arguments {args:?}; pairs are picked with PAIRS=py4j,jdeploy"),
    }
}

fn compare() -> Result<()> {
    let chosen = chosen_pairs()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the package lies in the workspace")?;
    let scratch = tempfile::tempdir()?;
    let latest = root.join("target/bench-delta.md");

    let mut measured = Vec::new();
    let mut skipped = Vec::new();
    for pair in &chosen {
        match pair.pair.fetch() {
            Ok((old, new)) => {
                measured.push(run_pair(pair, old, new, scratch.path())?);
                fs::write(&latest, report::document(&measured, &skipped))?;
            }
            Err(error) => {
                println!("\n{}\n  SKIPPED: {error:#}", pair.title());
                skipped.push(pair.title());
            }
        }
    }
    println!("\n{}", report::summary(&measured));
    println!("Written to {}", latest.display());
    if measured.len() == PAIRS.len() {
        let kept = root.join("docs/bench-delta.md");
        fs::write(&kept, report::document(&measured, &skipped))?;
        println!("Written to {}", kept.display());
    }
    Ok(())
}

fn chosen_pairs() -> Result<Vec<&'static Known>> {
    let wanted = env::var("PAIRS").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|name| !name.is_empty()).collect();
    let chosen: Vec<&Known> = PAIRS
        .iter()
        .filter(|pair| {
            wanted.is_empty() || wanted.iter().any(|name| pair.title().starts_with(name))
        })
        .collect();
    if chosen.is_empty() {
        let known: Vec<String> = PAIRS.iter().map(Known::title).collect();
        bail!("PAIRS picks none of: {}", known.join(", "));
    }
    Ok(chosen)
}

fn run_pair(pair: &'static Known, old: PathBuf, new: PathBuf, scratch: &Path) -> Result<Measured> {
    let old_bytes = fs::metadata(&old)?.len();
    let new_bytes = fs::metadata(&new)?.len();
    println!("\n{}, {:.1} MB", pair.title(), new_bytes as f64 / 1e6);
    println!("{}", report::CONSOLE_HEADER);
    let mut rows = Vec::new();
    for tool in TOOLS {
        let outcome = tools::run(tool, &old, &new, scratch)
            .with_context(|| format!("{} on {}", tool.name, pair.title()))?;
        println!("{}", report::console_row(tool.name, &outcome));
        rows.push((tool, outcome));
    }
    Ok(Measured {
        pair,
        old_bytes,
        new_bytes,
        rows,
    })
}
