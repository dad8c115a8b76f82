//! `relctl delta`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use protocol::Checksum;

use crate::units::parse_percent;

#[derive(Debug, Subcommand)]
pub(crate) enum DeltaCommand {
    /// Write down how NEW differs from OLD
    Create(DeltaCreateArgs),
    /// Rebuild NEW from OLD and a patch
    Apply(DeltaApplyArgs),
    /// Show what a patch is for and what applying it costs
    Inspect(DeltaInspectArgs),
}

/// How a delta is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeltaFormat {
    /// The smallest that this build can make
    Auto,
    /// Looks into JARs: a tenth of the size or less
    Jar,
    /// A zstd frame, for any files: `zstd -d --patch-from=OLD` undoes it
    Zstd,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl delta create app-2.0.0.jar app-2.1.0.jar -o app.patch
  relctl delta apply app-2.0.0.jar app.patch -o app-2.1.0.jar
  relctl delta inspect app.patch")]
pub(crate) struct DeltaCreateArgs {
    /// The file that clients have
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The file that they shall have
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Where the patch goes
    #[arg(long, short, value_name = "PATCH")]
    pub(crate) output: PathBuf,
    /// How the delta is written
    #[arg(long, value_enum, default_value_t = DeltaFormat::Auto)]
    pub(crate) format: DeltaFormat,
    /// How hard to try, 1 to 22 [default: 19 for jar, 9 for zstd]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: Option<i32>,
    /// Rather soon than small: level 3
    #[arg(long, conflicts_with = "level")]
    pub(crate) fast: bool,
    /// Refuse a delta above this share of NEW, with exit code 3
    #[arg(long, value_name = "PERCENT", default_value = "60%", value_parser = parse_percent)]
    pub(crate) max_ratio: u8,
}

#[derive(Debug, Args)]
pub(crate) struct DeltaApplyArgs {
    /// The file that the patch was made for
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The patch
    #[arg(value_name = "PATCH")]
    pub(crate) patch: PathBuf,
    /// Where the rebuilt file goes
    #[arg(long, short, value_name = "NEW")]
    pub(crate) output: PathBuf,
    /// The SHA-256 that the rebuilt file must have
    #[arg(long, value_name = "DIGITS")]
    pub(crate) sha256: Option<Checksum>,
}

#[derive(Debug, Args)]
pub(crate) struct DeltaInspectArgs {
    /// The patch
    #[arg(value_name = "PATCH")]
    pub(crate) patch: PathBuf,
}
