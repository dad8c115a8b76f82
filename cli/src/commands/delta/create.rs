//! `relctl delta create`: the smallest delta that this build can make, or none that saves too little.

use std::path::Path;

use delta::{Format, Options};
use protocol::Checksum;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{DeltaCreateArgs, DeltaFormat};
use crate::failure::Failure;
use crate::units::{format_share, format_size};

/// The level of `--fast`.
const FAST_LEVEL: i32 = 3;

/// A delta that was made, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Made {
    format: &'static str,
    size_bytes: u64,
    full_bytes: u64,
    source_sha256: Checksum,
    target_sha256: Checksum,
}

impl Made {
    pub(super) fn describe(&self, patch: &str) -> String {
        format!(
            "{patch}: {} instead of {} ({}), {}",
            format_size(self.size_bytes),
            format_size(self.full_bytes),
            format_share(self.size_bytes, self.full_bytes),
            self.format
        )
    }
}

pub(super) fn create(args: &DeltaCreateArgs) -> Result<Made, Failure> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let (format, patch) = make(args, &old, &new)?;
    refuse_too_large(format, patch.len(), new.len(), args.max_ratio)?;
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

fn make(args: &DeltaCreateArgs, old: &[u8], new: &[u8]) -> Result<(Format, Vec<u8>), Failure> {
    let level = match args.fast {
        true => Some(FAST_LEVEL),
        false => args.level,
    };
    let options = Options { level };
    let made = match args.format {
        DeltaFormat::Auto => delta::create_best(old, new, options),
        DeltaFormat::Jar => with_format(Format::Jar, old, new, options),
        DeltaFormat::Zstd => with_format(Format::Zstd, old, new, options),
    };
    made.map_err(not_made)
}

fn with_format(
    format: Format,
    old: &[u8],
    new: &[u8],
    options: Options,
) -> Result<(Format, Vec<u8>), delta::Error> {
    Ok((format, delta::create(format, old, new, options)?))
}

fn not_made(error: delta::Error) -> Failure {
    let failure = Failure::check(format!("no delta was made: {error}"));
    match error {
        delta::Error::NotModelled { .. } => failure
            .help("let relctl choose, which takes zstd where jar cannot be had:  --format auto"),
        _ => failure,
    }
}

/// A delta that saves little costs every client a rebuild for nothing.
fn refuse_too_large(
    format: Format,
    patch_bytes: usize,
    new_bytes: usize,
    max_percent: u8,
) -> Result<(), Failure> {
    let (patch_bytes, new_bytes) = (patch_bytes as u64, new_bytes as u64);
    if exceeds(patch_bytes, new_bytes, u64::from(max_percent)) {
        return Err(Failure::check(format!(
            "no delta was written: the {format} delta has {}, {} of the {} that NEW has",
            format_size(patch_bytes),
            format_share(patch_bytes, new_bytes),
            format_size(new_bytes)
        ))
        .reason(format!("The limit is {max_percent} % (--max-ratio)."))
        .help("let clients fetch the whole file: that costs them little more")
        .help("have it all the same, up to the size of NEW:  --max-ratio 100%"));
    }
    Ok(())
}

/// Whether a part is above this many percent of a whole. No product of real sizes overflows 128 bits.
fn exceeds(part_bytes: u64, whole_bytes: u64, percent: u64) -> bool {
    u128::from(part_bytes) * 100 > u128::from(whole_bytes) * u128::from(percent)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_delta_above_the_ratio_is_refused_with_both_sizes_and_the_way_out() {
        assert!(refuse_too_large(Format::Jar, 600, 1000, 60).is_ok());
        let failure = refuse_too_large(Format::Zstd, 8_600_000, 14_000_000, 60).unwrap_err();
        assert_eq!(failure.exit, Exit::CheckFailed);
        insta::assert_snapshot!(crate::output::describe(&failure), @r"
        error: no delta was written: the zstd delta has 8.6 MB, 61 % of the 14.0 MB that NEW has

          The limit is 60 % (--max-ratio).

          help: let clients fetch the whole file: that costs them little more
          help: have it all the same, up to the size of NEW:  --max-ratio 100%
          code: CHECK_FAILED   exit: 3
        ");
    }

    #[test]
    fn a_file_that_is_no_jar_is_told_of_auto() {
        let failure = with_format(Format::Jar, b"old", b"new", Options::default())
            .map_err(not_made)
            .unwrap_err();
        assert_eq!(failure.exit, Exit::CheckFailed);
        assert!(
            failure.help[0].contains("--format auto"),
            "{:?}",
            failure.help
        );
    }
}
