//! `relctl package`: a reproducible JAR of a folder, or a checked copy of an existing one.

mod destination;
mod version;

use std::path::Path;

use delta::package::{
    FORMAT, PackageError, PackageOptions, normalize_jar, package_directory, package_jar,
};
use protocol::release_file::{JarFacts, Packaging, ReleaseArtifact, ReleaseFile, SCHEMA};
use protocol::{Checksum, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::{blocking, jar};
use crate::args::PackageArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::format_size;
use destination::Destination;
use version::Versioned;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    file: String,
    /// Everything that was written.
    files: Vec<String>,
    version: Version,
    version_source: String,
    size_bytes: u64,
    sha256: Checksum,
    entries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    main_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    java_release: Option<u16>,
    /// Absent for a copied JAR.
    #[serde(skip_serializing_if = "Option::is_none")]
    packaging: Option<Packaging>,
    warnings: Vec<String>,
    #[serde(skip)]
    facts: JarFacts,
}

pub(crate) async fn run(args: PackageArgs, output: &Output) -> Result<Exit, Failure> {
    let made = blocking(move || package(&args)).await?;
    for warning in &made.warnings {
        output.warn(warning);
    }
    output.result("package", &made, || made.describe())?;
    output.say(&format!("Next    relctl publish {}", made.file));
    Ok(Exit::Ok)
}

/// What becomes of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    PackFolder,
    PackJarAnew,
    CopyJar,
}

fn package(args: &PackageArgs) -> Result<Made, Failure> {
    let input = &args.input;
    let found = std::fs::metadata(input).map_err(|error| Failure::file("read", input, &error))?;
    let way = match (found.is_dir(), args.normalize) {
        (true, _) => Way::PackFolder,
        (false, true) => Way::PackJarAnew,
        (false, false) => Way::CopyJar,
    };
    let mut options = options(args);
    let Versioned {
        version,
        source,
        mut warnings,
    } = version::find(args, way, &options)?;
    jar::refuse_warnings(&args.checks, input, &warnings)?;
    options.version = Some(version.to_string());

    let destination = Destination::of(args, &version)?;
    let beside = destination.beside();
    options.left_out.extend(beside.map(Path::to_owned));
    options.left_out.extend(destination::folder_inside(args));
    let out = destination.jar();
    let packaged = match way {
        Way::PackFolder => package_directory(input, out, &options),
        Way::PackJarAnew => normalize_jar(input, out, &options),
        Way::CopyJar => package_jar(input, out, &options.limits),
    };
    let packaged = packaged.map_err(|error| refused(input, error))?;
    warnings.extend(packaged.summary.warnings.iter().cloned());
    let packaging = (way != Way::CopyJar).then(|| Packaging {
        format: FORMAT.to_owned(),
        epoch_seconds: args.epoch,
        level: args.level,
    });
    let artifact = ReleaseArtifact {
        file: destination.jar_name(),
        media_type: "application/java-archive".to_owned(),
        size_bytes: packaged.size_bytes,
        sha256: Checksum::from_bytes(packaged.sha256),
        jar: jar::facts(&packaged.summary),
        packaging,
    };
    let release = ReleaseFile {
        schema: SCHEMA.to_owned(),
        name: destination.name().to_owned(),
        version,
        version_source: source,
        artifacts: vec![artifact.clone()],
    };
    Ok(Made {
        file: out.display().to_string(),
        files: destination.complete(&release)?,
        version: release.version,
        version_source: release.version_source,
        size_bytes: artifact.size_bytes,
        sha256: artifact.sha256,
        entries: artifact.jar.entries,
        main_class: artifact.jar.main_class.clone(),
        java_release: artifact.jar.java_release,
        facts: artifact.jar,
        packaging: artifact.packaging,
        warnings,
    })
}

fn options(args: &PackageArgs) -> PackageOptions {
    PackageOptions {
        main_class: args.main_class.clone(),
        version: None,
        manifest: args.manifest.clone(),
        attributes: args.attributes.clone(),
        epoch_seconds: args.epoch,
        level: args.level,
        left_out: Vec::new(),
        limits: jar::limits(&args.checks),
    }
}

fn refused(input: &Path, error: PackageError) -> Failure {
    match error {
        PackageError::File {
            doing,
            path,
            source,
        } => Failure::file(doing, &path, &source),
        PackageError::Jar(error) => jar::refused(input, error),
        error => {
            let mut failure = Failure::check(error.to_string());
            failure.code = "INVALID_ARTIFACT";
            failure
        }
    }
}

impl Made {
    fn describe(&self) -> String {
        let mut text = format!(
            "{}: version {} ({}), {}\n{}\nsha256 {}",
            self.file,
            self.version,
            self.version_source,
            format_size(self.size_bytes),
            jar::describe(&self.facts),
            self.sha256
        );
        if let Some(packaging) = &self.packaging {
            text.push_str(&format!("\n{}", describe_packaging(packaging)));
        }
        let others: Vec<&str> = self.files.iter().skip(1).map(String::as_str).collect();
        if !others.is_empty() {
            text.push_str(&format!("\nalso   {}", others.join(", ")));
        }
        text
    }
}

/// `the same on every machine: relctl-jar-1, zlib level 9, SOURCE_DATE_EPOCH 1700000000`.
pub(super) fn describe_packaging(packaging: &Packaging) -> String {
    let epoch = match packaging.epoch_seconds {
        Some(seconds) => format!(", SOURCE_DATE_EPOCH {seconds}"),
        None => String::new(),
    };
    format!(
        "the same on every machine: {}, zlib level {}{epoch}",
        packaging.format, packaging.level
    )
}
