//! Under which version something is packaged, and what is odd about it.

use std::path::Path;

use delta::jar::{DetectedVersion, NoVersion, inspect};
use delta::package::{PackageError, PackageOptions, detect_version};
use protocol::Version;

use super::{Way, refused};
use crate::args::PackageArgs;
use crate::commands::jar;
use crate::failure::Failure;

pub(super) struct Versioned {
    pub(super) version: Version,
    /// Where it was found.
    pub(super) source: String,
    pub(super) warnings: Vec<String>,
}

pub(super) fn find(
    args: &PackageArgs,
    way: Way,
    options: &PackageOptions,
) -> Result<Versioned, Failure> {
    let input = &args.input;
    match (way, &args.version) {
        // It becomes what the manifest says, so nothing can disagree.
        (Way::PackFolder | Way::PackJarAnew, Some(version)) => Ok(given(version, Vec::new())),
        (Way::PackFolder | Way::PackJarAnew, None) => {
            let detected = detect_version(input, options).map_err(|error| match error {
                PackageError::NoVersion(error) => no_version(&error),
                error => refused(input, error),
            })?;
            taken(&detected, input, Vec::new())
        }
        (Way::CopyJar, version) => of_copy(args, version.as_ref(), options),
    }
}

fn of_copy(
    args: &PackageArgs,
    version: Option<&Version>,
    options: &PackageOptions,
) -> Result<Versioned, Failure> {
    let input = &args.input;
    let mut warnings = Vec::new();
    if args.main_class.is_some() || args.manifest.is_some() || !args.attributes.is_empty() {
        warnings.push(
            "an existing JAR is copied as it is: --manifest, --main-class and --attribute were not \
             used; --normalize packs it anew"
                .to_owned(),
        );
    }
    let summary = inspect(input, &options.limits).map_err(|error| jar::refused(input, error))?;
    let detected = delta::jar::detect_version(input, &summary);
    let Some(version) = version else {
        let detected = detected.map_err(|error| no_version(&error))?;
        return taken(&detected, input, warnings);
    };
    if let Ok(detected) = detected
        && detected.version != version.to_string()
    {
        warnings.push(format!(
            "the JAR says version {} ({}), not {version}",
            detected.version, detected.source
        ));
    }
    Ok(given(version, warnings))
}

fn given(version: &Version, warnings: Vec<String>) -> Versioned {
    Versioned {
        version: version.clone(),
        source: "--version".to_owned(),
        warnings,
    }
}

fn taken(
    detected: &DetectedVersion,
    input: &Path,
    mut warnings: Vec<String>,
) -> Result<Versioned, Failure> {
    warnings.extend(jar::disagreements(detected));
    Ok(Versioned {
        version: jar::usable(detected, input)?,
        source: detected.source.to_string(),
        warnings,
    })
}

fn no_version(error: &NoVersion) -> Failure {
    Failure::usage(error.to_string())
}
