//! `relctl delta`.

pub(super) mod create;
pub(super) mod inspect;

use delta::{ApplyLimits, Expected};
use protocol::Checksum;
use schemars::JsonSchema;
use serde::Serialize;

use super::blocking;
use crate::args::{DeltaApplyArgs, DeltaCommand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::format_size;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Applied {
    file: String,
    size_bytes: u64,
    sha256: Checksum,
}

pub(crate) async fn run(command: DeltaCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        DeltaCommand::Create(args) => {
            let patch = args.output.display().to_string();
            let made = blocking(move || create::create(&args)).await?;
            output.result("delta", &made, || made.describe(&patch))?;
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
        DeltaCommand::Inspect(args) => {
            let inspected = blocking(move || inspect::inspect(&args.patch)).await?;
            output.result("delta-inspected", &inspected, || inspected.describe())?;
        }
    }
    Ok(Exit::Ok)
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
                .help("was it made for this old file?  relctl delta inspect PATCH"),
        })?;
    Ok(Applied {
        file: args.output.display().to_string(),
        size_bytes: applied.bytes,
        sha256: Checksum::from_bytes(applied.sha256),
    })
}
