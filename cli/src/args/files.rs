//! Commands that work on files and need no daemon.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::Version;

/// Make a reproducible JAR of a folder, or check and copy an existing one
///
/// The same files give the same bytes on every machine. An existing JAR is checked and copied byte for byte.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl package build/classes --version 2.1.0 --main-class app.Main -o app-2.1.0.jar
  relctl package app.jar --version 2.1.0 -o dist/")]
pub(crate) struct PackageArgs {
    /// A folder of classes and resources, or a JAR
    #[arg(value_name = "DIR|JAR")]
    pub(crate) input: PathBuf,
    /// The version; an existing JAR may name it itself
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<Version>,
    /// The class to start, for the manifest of a folder
    #[arg(long, value_name = "CLASS")]
    pub(crate) main_class: Option<String>,
    /// A JAR, or a folder that gets NAME-VERSION.jar and SHA256SUMS
    #[arg(long, short, value_name = "OUT.jar|OUTDIR")]
    pub(crate) output: PathBuf,
    /// The NAME for an OUTDIR [default: the input's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A further attribute of a folder's manifest
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
