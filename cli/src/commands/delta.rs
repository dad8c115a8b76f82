//! `relctl delta`.

use std::path::Path;

use delta::{ApplyLimits, Expected, Format, Options};
use protocol::Checksum;
use serde::Serialize;

use super::blocking;
use crate::args::{DeltaApplyArgs, DeltaCommand, DeltaCreateArgs, DeltaFormat};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{format_share, format_size};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    format: &'static str,
    size_bytes: u64,
    full_bytes: u64,
    source_sha256: Checksum,
    target_sha256: Checksum,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Applied {
    file: String,
    size_bytes: u64,
    sha256: Checksum,
}

pub(crate) async fn run(command: DeltaCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        DeltaCommand::Create(args) => {
            let patch = args.output.display().to_string();
            let made = blocking(move || create(&args)).await?;
            output.result("delta", &made, || {
                let share = format_share(made.size_bytes, made.full_bytes);
                format!(
                    "{patch}: {} instead of {} ({share}), {}",
                    format_size(made.size_bytes),
                    format_size(made.full_bytes),
                    made.format
                )
            })?;
        }
        DeltaCommand::Apply(args) => {
            let applied = blocking(move || apply(&args)).await?;
            output.result("delta-applied", &applied, || {
                format!(
                    "{}: {}, sha256 {}",
                    applied.file,
                    format_size(applied.size_bytes),
                    applied.sha256
                )
            })?;
        }
    }
    Ok(Exit::Ok)
}

fn create(args: &DeltaCreateArgs) -> Result<Made, Failure> {
    let format = match args.format {
        DeltaFormat::Auto | DeltaFormat::Zstd => Format::Zstd,
        DeltaFormat::Jar => named("jar")?,
    };
    let options = Options {
        level: args.level.unwrap_or(Options::default().level),
    };
    let old = read(&args.old)?;
    let new = read(&args.new)?;
    let failed = |error: delta::Error| Failure::check(format!("no delta was made: {error}"));
    let patch = delta::create(format, &old, &new, options).map_err(failed)?;
    // A patch leaves this process only after it rebuilt its target once.
    delta::verify(&old, &patch, &new).map_err(failed)?;
    std::fs::write(&args.output, &patch)
        .map_err(|error| Failure::file("write", &args.output, &error))?;
    Ok(Made {
        format: format.name(),
        size_bytes: patch.len() as u64,
        full_bytes: new.len() as u64,
        source_sha256: Checksum::from_bytes(delta::checksum::sha256(&old)),
        target_sha256: Checksum::from_bytes(delta::checksum::sha256(&new)),
    })
}

/// A format that a later build may know.
fn named(name: &str) -> Result<Format, Failure> {
    name.parse().map_err(|_| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        Failure::usage(format!(
            "this build does not make deltas of the format {name}"
        ))
        .reason(format!("It makes: {}.", known.join(", ")))
        .help("leave --format out, or say --format zstd")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

fn apply(args: &DeltaApplyArgs) -> Result<Applied, Failure> {
    let expected = Expected {
        base: None,
        result: args.sha256.map(|checksum| *checksum.as_bytes()),
    };
    let limits = ApplyLimits::default();
    let applied = delta::apply_to_file(&args.old, &args.patch, &args.output, &expected, &limits)
        .map_err(|error| match error {
            delta::Error::File {
                doing,
                path,
                source,
            } => Failure::file(doing, &path, &source),
            error => Failure::check(format!("the patch was not applied: {error}"))
                .help("was it made for this old file?  relctl checksum create OLD"),
        })?;
    Ok(Applied {
        file: args.output.display().to_string(),
        size_bytes: applied.bytes,
        sha256: Checksum::from_bytes(applied.sha256),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_that_this_build_does_not_make_is_named_with_the_way_out() {
        if let Err(failure) = named("jar") {
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.reasons[0].contains("zstd"));
        }
        assert!(named("zstd").is_ok());
    }
}
