//! `relctl checksum`: the lists of sha256sum.

use std::path::{Path, PathBuf};

use delta::checksum::{format_line, parse, sha256_file};
use protocol::Checksum;
use schemars::JsonSchema;
use serde::Serialize;

use super::blocking;
use crate::args::{ChecksumCommand, ChecksumCreateArgs, ChecksumVerifyArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::count;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sum {
    file: String,
    sha256: Checksum,
    size_bytes: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Compared {
    file: String,
    /// `ok`, `failed` or `missing`.
    result: &'static str,
}

pub(crate) async fn run(command: ChecksumCommand, output: &Output) -> Result<Exit, Failure> {
    match command {
        ChecksumCommand::Create(args) => create(args, output).await,
        ChecksumCommand::Verify(args) => verify(args, output).await,
    }
}

async fn create(args: ChecksumCreateArgs, output: &Output) -> Result<Exit, Failure> {
    let ChecksumCreateArgs {
        files,
        output: list,
    } = args;
    let sums = blocking(move || {
        files
            .iter()
            .map(|file| sum_of(file))
            .collect::<Result<Vec<Sum>, Failure>>()
    })
    .await?;
    let text: String = sums
        .iter()
        .map(|sum| format_line(sum.sha256.as_bytes(), &sum.file))
        .collect();
    match list {
        Some(list) => {
            std::fs::write(&list, &text).map_err(|error| Failure::file("write", &list, &error))?;
            output.result("checksums", &sums, String::new)?;
            output.say(&format!(
                "{} in {}",
                count(sums.len() as u64, "sum"),
                list.display()
            ));
        }
        None => output.result("checksums", &sums, || text.clone())?,
    }
    Ok(Exit::Ok)
}

fn sum_of(file: &Path) -> Result<Sum, Failure> {
    let (digest, size_bytes) =
        sha256_file(file).map_err(|error| Failure::file("read", file, &error))?;
    Ok(Sum {
        file: file.to_string_lossy().into_owned(),
        sha256: Checksum::from_bytes(digest),
        size_bytes,
    })
}

async fn verify(args: ChecksumVerifyArgs, output: &Output) -> Result<Exit, Failure> {
    let list = args.list;
    let compared = blocking(move || compare(&list)).await?;
    let text: String = compared
        .iter()
        .map(|compared| {
            let words = match compared.result {
                "ok" => "OK",
                "missing" => "MISSING",
                _ => "FAILED",
            };
            format!("{}: {words}\n", compared.file)
        })
        .collect();
    let wrong: Vec<&Compared> = compared.iter().filter(|file| file.result != "ok").collect();
    if wrong.is_empty() {
        output.result("checksum-verify", &compared, || text.clone())?;
        return Ok(Exit::Ok);
    }
    let message = format!(
        "{} of {} did not match",
        count(wrong.len() as u64, "file"),
        compared.len()
    );
    let mut failure = Failure::check(message).help("fetch or build the files again");
    failure.code = "CHECKSUM_MISMATCH";
    for file in wrong {
        failure = failure.reason(format!("{}: {}", file.file, file.result));
    }
    if !output.is_json() {
        output.line(&text)?;
    }
    Err(failure)
}

fn compare(list: &Path) -> Result<Vec<Compared>, Failure> {
    let text =
        std::fs::read_to_string(list).map_err(|error| Failure::file("read", list, &error))?;
    let lines = parse(&text).map_err(|error| {
        Failure::check(format!("{} is no list of sums: {error}", list.display()))
            .help("a list is what `relctl checksum create` or sha256sum writes")
    })?;
    if lines.is_empty() {
        return Err(Failure::check(format!("{} lists no files", list.display())));
    }
    let mut compared = Vec::new();
    for line in lines {
        let path = find(&line.name, list);
        let result = match sha256_file(&path) {
            Ok((digest, _)) if digest == line.digest => "ok",
            Ok(_) => "failed",
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "missing",
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        let file = line.name;
        compared.push(Compared { file, result });
    }
    Ok(compared)
}

/// As sha256sum does, from the current folder; else beside the list, where a published list has its files.
fn find(name: &str, list: &Path) -> PathBuf {
    let here = PathBuf::from(name);
    let beside = list.parent().map(|folder| folder.join(name));
    match beside {
        Some(beside) if !here.exists() && beside.exists() => beside,
        _ => here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_finds_the_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.jar"), "a").unwrap();
        std::fs::write(folder.path().join("b.jar"), "b").unwrap();
        let list = folder.path().join("SHA256SUMS");
        let digest = delta::checksum::sha256(b"a");
        let text = ["a.jar", "b.jar", "c.jar"]
            .map(|name| format_line(&digest, name))
            .concat();
        std::fs::write(&list, text).unwrap();
        let results: Vec<&str> = compare(&list)
            .unwrap()
            .iter()
            .map(|file| file.result)
            .collect();
        assert_eq!(results, ["ok", "failed", "missing"]);
    }

    #[test]
    fn what_is_no_list_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("SHA256SUMS");
        for text in ["", "hello\n"] {
            std::fs::write(&list, text).unwrap();
            assert_eq!(compare(&list).unwrap_err().exit, Exit::CheckFailed);
        }
    }
}
