//! Commands that work on files and need no daemon.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::Version;

/// Make a reproducible JAR of a folder, or check and copy an existing one
///
/// The same files give the same bytes on every machine. An existing JAR is checked and copied byte for byte,
/// or packed anew with --normalize, unless it is signed.
///
/// The version is that of --version, or else what the manifest (Implementation-Version, Bundle-Version,
/// Specification-Version), the only pom.properties, or the input's name says, in this order.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl package build/classes --version 2.1.0 --main-class app.Main -o app-2.1.0.jar
  relctl package app.jar --version 2.1.0 -o dist/
  relctl package app.jar --normalize --max-java 17 --strict
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) relctl package build/classes --manifest build/MANIFEST.MF")]
pub(crate) struct PackageArgs {
    /// A folder of classes and resources, or a JAR
    #[arg(value_name = "DIR|JAR")]
    pub(crate) input: PathBuf,
    /// The version, if the input does not name it or names another one
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<Version>,
    /// The class to start, for the manifest
    #[arg(long, value_name = "CLASS")]
    pub(crate) main_class: Option<String>,
    /// A JAR, or a folder that gets NAME-VERSION.jar, NAME-VERSION.release.json and SHA256SUMS; what is written
    /// there is never packed itself
    #[arg(long, short, value_name = "OUT.jar|OUTDIR", default_value = "dist")]
    pub(crate) output: PathBuf,
    /// The NAME for an OUTDIR [default: the input's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A manifest to take in place of the input's own
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// A further attribute of the manifest; --version and --main-class are of this kind, too
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = parse_attribute)]
    pub(crate) attributes: Vec<(String, String)>,
    /// How hard to compress, 0 (not at all) to 9
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) level: u8,
    /// The time of every entry, in seconds since 1970
    #[arg(
        long,
        env = "SOURCE_DATE_EPOCH",
        hide_env_values = true,
        value_name = "SECONDS"
    )]
    pub(crate) epoch: Option<i64>,
    /// Pack an existing JAR anew, as if it were a folder
    #[arg(long)]
    pub(crate) normalize: bool,
    #[command(flatten)]
    pub(crate) checks: CheckingArgs,
}

/// How strictly a JAR is looked at.
#[derive(Debug, Args)]
pub(crate) struct CheckingArgs {
    /// Refuse classes that need a later Java than this, such as 17
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) max_java: Option<u16>,
    /// Take every warning for a failed check
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Tell what a JAR, a delta or a release file is, and what changed against another
///
/// JARs pass the same checks as when they are published: safe and unique names, whole contents, nothing hidden.
/// A JAR is compared with a JAR, a release file with a release file; of a delta it is told whether it is from or to OTHER.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl inspect dist/app-2.1.0.jar --against dist/app-2.0.5.jar
  relctl inspect dist/app-2.1.0.jar --list --json
  relctl inspect dist/app-2.1.0.release.json
  relctl inspect update.patch --against dist/app-2.0.5.jar")]
pub(crate) struct InspectArgs {
    /// A JAR, a delta, or a release file, whatever its name is
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// An older file to compare with
    #[arg(long, value_name = "OTHER")]
    pub(crate) against: Option<PathBuf>,
    /// List every entry, and every change
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) checks: CheckingArgs,
}

fn parse_attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChecksumCommand {
    /// Print the SHA-256 of files, one line each
    Create(ChecksumCreateArgs),
    /// Compare files with a list of sums
    Verify(ChecksumVerifyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  relctl checksum create dist/*.jar -o dist/SHA256SUMS")]
pub(crate) struct ChecksumCreateArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write the list here instead of printing it
    #[arg(long, short, value_name = "SHA256SUMS")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ChecksumVerifyArgs {
    /// The list, as `checksum create` and sha256sum write it
    #[arg(default_value = "SHA256SUMS", value_name = "SHA256SUMS")]
    pub(crate) list: PathBuf,
}
