//! `relctl package`: a reproducible JAR of a folder, or a checked copy of an existing one.

use std::path::{Path, PathBuf};

use delta::jar::{JarLimits, detect_version, inspect};
use delta::package::{PackageError, PackageOptions, Packaged, package_directory, package_jar};
use protocol::{Checksum, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::blocking;
use crate::args::PackageArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{count, format_size};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    file: String,
    version: Version,
    size_bytes: u64,
    sha256: Checksum,
    entries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    main_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    java_release: Option<u16>,
    warnings: Vec<String>,
}

pub(crate) async fn run(args: PackageArgs, output: &Output) -> Result<Exit, Failure> {
    let made = blocking(move || package(&args)).await?;
    for warning in &made.warnings {
        output.warn(warning);
    }
    output.result("package", &made, || {
        format!(
            "{}: version {}, {}, {}\nsha256 {}",
            made.file,
            made.version,
            format_size(made.size_bytes),
            count(made.entries, "entry").replace("entrys", "entries"),
            made.sha256
        )
    })?;
    output.say(&format!("Next    relctl publish {}", made.file));
    Ok(Exit::Ok)
}

fn package(args: &PackageArgs) -> Result<Made, Failure> {
    let input = &args.input;
    let found = std::fs::metadata(input).map_err(|error| Failure::file("read", input, &error))?;
    let is_folder = found.is_dir();
    let version = match (&args.version, is_folder) {
        (Some(version), _) => version.clone(),
        (None, false) => version_of_jar(input)?,
        (None, true) => {
            return Err(Failure::usage("the version of the JAR is missing")
                .help("name it:  --version 2.1.0"));
        }
    };
    let out = destination(args, &version)?;
    let packaged = match is_folder {
        true => package_directory(input, &out.jar, &options(args, &version)),
        false => package_jar(input, &out.jar, &JarLimits::default()),
    }
    .map_err(refused)?;
    let checksum = Checksum::from_bytes(packaged.sha256);
    if let Some(sums) = &out.sums {
        let name = out.jar.file_name().unwrap_or_default().to_string_lossy();
        let line = delta::checksum::format_line(checksum.as_bytes(), &name);
        std::fs::write(sums, line).map_err(|error| Failure::file("write", sums, &error))?;
    }
    Ok(Made {
        warnings: warnings(args, &packaged, &version, is_folder),
        file: out.jar.display().to_string(),
        version,
        size_bytes: packaged.size_bytes,
        sha256: checksum,
        entries: packaged.summary.entries,
        main_class: packaged.summary.main_class().map(str::to_owned),
        java_release: packaged.summary.java_release(),
    })
}

fn options(args: &PackageArgs, version: &Version) -> PackageOptions {
    PackageOptions {
        main_class: args.main_class.clone(),
        version: Some(version.to_string()),
        attributes: args.attributes.clone(),
        epoch_seconds: args.epoch,
        level: args.level,
    }
}

fn warnings(
    args: &PackageArgs,
    packaged: &Packaged,
    version: &Version,
    is_folder: bool,
) -> Vec<String> {
    let mut warnings = packaged.summary.warnings.clone();
    if !is_folder {
        if args.main_class.is_some() || !args.attributes.is_empty() {
            warnings.push(
                "an existing JAR is copied as it is: --main-class and --attribute were not used"
                    .to_owned(),
            );
        }
        if let Some(named) = packaged.summary.implementation_version()
            && named != version.to_string()
        {
            warnings.push(format!(
                "the JAR's manifest says version {named}, not {version}"
            ));
        }
    }
    warnings
}

fn version_of_jar(jar: &Path) -> Result<Version, Failure> {
    let summary =
        inspect(jar, &JarLimits::default()).map_err(|error| refused(PackageError::Jar(error)))?;
    let detected =
        detect_version(jar, &summary).map_err(|error| Failure::usage(error.to_string()))?;
    detected.version.parse().map_err(|error| {
        Failure::usage(format!(
            "the JAR's version {:?} cannot be used: {error}",
            detected.version
        ))
        .help("name another one:  --version 2.1.0")
    })
}

struct Destination {
    jar: PathBuf,
    sums: Option<PathBuf>,
}

/// `-o x.jar` is a file; everything else is a folder that gets a JAR and its sum.
fn destination(args: &PackageArgs, version: &Version) -> Result<Destination, Failure> {
    let out = &args.output;
    let is_jar = out.extension().is_some_and(|extension| extension == "jar") && !out.is_dir();
    if is_jar {
        return Ok(Destination {
            jar: out.clone(),
            sums: None,
        });
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::file("make the folder", out, &error))?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => base_name(&args.input, version),
    };
    Ok(Destination {
        jar: out.join(format!("{name}-{version}.jar")),
        sums: Some(out.join("SHA256SUMS")),
    })
}

/// `build/app` and `app-2.1.0.jar` are both `app`.
fn base_name(input: &Path, version: &Version) -> String {
    let full = std::fs::canonicalize(input).unwrap_or_else(|_| input.to_owned());
    let name = full
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stem = name.strip_suffix(".jar").unwrap_or(&name);
    let stem = stem.strip_suffix(&format!("-{version}")).unwrap_or(stem);
    match stem {
        "" => "app".to_owned(),
        stem => stem.to_owned(),
    }
}

fn refused(error: PackageError) -> Failure {
    match error {
        PackageError::File {
            doing,
            path,
            source,
        } => Failure::file(doing, &path, &source),
        error => {
            let mut failure = Failure::check(error.to_string());
            failure.code = "INVALID_ARTIFACT";
            failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_stands_before_the_version() {
        let version: Version = "2.1.0".parse().unwrap();
        assert_eq!(base_name(Path::new("/x/app-2.1.0.jar"), &version), "app");
        assert_eq!(base_name(Path::new("/x/app.jar"), &version), "app");
        assert_eq!(base_name(Path::new("/x/classes"), &version), "classes");
    }
}
