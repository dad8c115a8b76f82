//! Where a packaged JAR goes, and what is written beside it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use delta::checksum::{Line, format_line, parse};
use delta::write_file;
use protocol::Version;
use protocol::release_file::ReleaseFile;

use crate::args::PackageArgs;
use crate::failure::Failure;

/// `-o x.jar` is that file alone; everything else is a folder, in which a release file and a list of sums go with it.
#[derive(Debug)]
pub(super) struct Destination {
    jar: PathBuf,
    name: String,
    beside: Option<Beside>,
}

#[derive(Debug)]
struct Beside {
    release: PathBuf,
    sums: PathBuf,
}

impl Destination {
    pub(super) fn of(args: &PackageArgs, version: &Version) -> Result<Self, Failure> {
        let out = &args.output;
        let name = match &args.name {
            Some(name) => name.clone(),
            None => base_name(&args.input, version),
        };
        if is_jar(out) {
            return Ok(Destination {
                jar: out.clone(),
                name,
                beside: None,
            });
        }
        if name.contains(['/', '\\']) {
            return Err(Failure::usage(format!(
                "the name {name:?} would leave the folder {}",
                out.display()
            ))
            .help("give a folder with --output, and a plain name with --name"));
        }
        std::fs::create_dir_all(out)
            .map_err(|error| Failure::file("make the folder", out, &error))?;
        Ok(Destination {
            jar: out.join(format!("{name}-{version}.jar")),
            beside: Some(Beside {
                release: out.join(format!("{name}-{version}.release.json")),
                sums: out.join("SHA256SUMS"),
            }),
            name,
        })
    }

    pub(super) fn jar(&self) -> &Path {
        &self.jar
    }

    pub(super) fn jar_name(&self) -> String {
        let name = self.jar.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is written beside the JAR.
    pub(super) fn beside(&self) -> impl Iterator<Item = &Path> {
        let beside = self.beside.iter();
        beside.flat_map(|Beside { release, sums }| [release.as_path(), sums])
    }

    /// Writes what goes beside the JAR, and names all files, the JAR first.
    pub(super) fn complete(&self, release: &ReleaseFile) -> Result<Vec<String>, Failure> {
        if let Some(beside) = &self.beside {
            let json = serde_json::to_string_pretty(release)
                .map_err(|error| Failure::error(error.to_string()))?;
            write(&beside.release, &format!("{json}\n"))?;
            write(&beside.sums, &sums(&beside.sums, release)?)?;
        }
        let files = std::iter::once(self.jar()).chain(self.beside());
        Ok(files.map(|path| path.display().to_string()).collect())
    }
}

/// The output folder, if it lies in the folder to pack: what was packed before is not packed again.
pub(super) fn folder_inside(args: &PackageArgs) -> Option<PathBuf> {
    let input = args.input.canonicalize().ok()?;
    let output = args.output.canonicalize().ok()?;
    let is_inside = output != input && output.starts_with(input);
    (output.is_dir() && is_inside).then_some(output)
}

fn is_jar(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension == "jar") && !out.is_dir()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_file(path, text.as_bytes()).map_err(|error| Failure::file("write", path, &error))
}

/// The list with this release in it. What it says of other files in the folder stays.
fn sums(list: &Path, release: &ReleaseFile) -> Result<String, Failure> {
    let mut lines = match std::fs::read_to_string(list) {
        Ok(text) => parse(&text).map_err(|error| {
            Failure::check(format!("{}: {error}", list.display()))
                .help("take it away, and it is written anew")
        })?,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Failure::file("read", list, &error)),
    };
    let folder = list.parent().unwrap_or(Path::new(""));
    let is_ours = |line: &Line| {
        let mut files = release.artifacts.iter();
        files.any(|artifact| artifact.file == line.name)
    };
    lines.retain(|line| !is_ours(line) && folder.join(&line.name).exists());
    lines.extend(release.artifacts.iter().map(|artifact| Line {
        digest: *artifact.sha256.as_bytes(),
        name: artifact.file.clone(),
    }));
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    let lines = lines.iter();
    Ok(lines
        .map(|line| format_line(&line.digest, &line.name))
        .collect())
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
