//! `relctl inspect`: what a JAR, a delta or a release file is, and what changed against another. No network.

mod against;
mod jar_file;
mod release;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use delta::Format;
use protocol::Checksum;
use protocol::release_file::ReleaseFile;
use schemars::JsonSchema;
use serde::Serialize;

use super::blocking;
use super::delta::inspect::{self as patch, Inspected as Patch};
use crate::args::InspectArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use against::Against;
use jar_file::JarDocument;

/// What was found, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inspected {
    file: String,
    size_bytes: u64,
    sha256: Checksum,
    contents: Contents,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
    warnings: Vec<String>,
}

/// What the file is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "facts", rename_all = "lowercase")]
enum Contents {
    Jar(Box<JarDocument>),
    Delta(Box<Patch>),
    Release(Box<ReleaseFile>),
}

pub(crate) async fn run(args: InspectArgs, output: &Output) -> Result<Exit, Failure> {
    let is_full = args.list;
    let inspected = blocking(move || inspect(&args)).await?;
    for warning in &inspected.warnings {
        output.warn(warning);
    }
    output.result("inspect", &inspected, || inspected.describe(is_full))?;
    Ok(Exit::Ok)
}

fn inspect(args: &InspectArgs) -> Result<Inspected, Failure> {
    let path = &args.file;
    let (sha256, size_bytes) = sum(path)?;
    let other = args.against.as_deref();
    let mut warnings = Vec::new();
    let (contents, against) = match look(path)? {
        Looks::Jar => {
            let jar = jar_file::read(path, args)?;
            warnings.clone_from(&jar.warnings);
            let against = other.map(|other| against::jars(other, &jar.listing));
            (Contents::Jar(Box::new(jar.document)), against.transpose()?)
        }
        Looks::Delta => {
            let patch = patch::inspect(path)?;
            let against = other.map(|other| against::delta(other, &patch));
            (Contents::Delta(Box::new(patch)), against.transpose()?)
        }
        Looks::Release => {
            let release = release::read(path)?;
            warnings = release::check_artifacts(path, &release)?;
            let against = other.map(|other| against::releases(other, &release));
            (Contents::Release(Box::new(release)), against.transpose()?)
        }
    };
    super::jar::refuse_warnings(&args.checks, path, &warnings)?;
    Ok(Inspected {
        file: path.display().to_string(),
        size_bytes,
        sha256,
        contents,
        against,
        warnings,
    })
}

fn sum(path: &Path) -> Result<(Checksum, u64), Failure> {
    let found = std::fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?;
    if !found.is_file() {
        // A pipe would be waited for, for ever.
        return Err(Failure::usage(format!("{} is no file", path.display()))
            .help("give a JAR, a delta, or a release file"));
    }
    let (digest, size_bytes) =
        delta::checksum::sha256_file(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok((Checksum::from_bytes(digest), size_bytes))
}

/// What the first bytes say.
enum Looks {
    Jar,
    Delta,
    Release,
}

/// Everything that is neither a delta nor JSON is taken for a JAR, which may begin with anything.
fn look(path: &Path) -> Result<Looks, Failure> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(|error| Failure::file("read", path, &error))?;
    if Format::detect(&head).is_ok() {
        return Ok(Looks::Delta);
    }
    match head.trim_ascii_start().first() {
        Some(b'{') => Ok(Looks::Release),
        _ => Ok(Looks::Jar),
    }
}

impl Inspected {
    fn describe(&self, is_full: bool) -> String {
        let mut text = match &self.contents {
            Contents::Jar(jar) => jar.describe(&self.file, self.size_bytes, is_full),
            Contents::Delta(patch) => patch.describe(),
            Contents::Release(release) => release::describe(&self.file, release),
        };
        text.push_str(&format!("\nsha256   {}", self.sha256));
        if let Some(against) = &self.against {
            text.push_str(&format!("\n\n{}", against.describe(self.sha256, is_full)));
        }
        text
    }
}
