//! `relctl client`: the reference desktop client.

pub(super) mod install;
mod request;
pub(super) mod rollback;
pub(super) mod run;
pub(super) mod status;
pub(super) mod update;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use client::download::{Progress, Wanted, download};
use client::install::HeldBack;
use client::{AppFolder, Daemon};
use protocol::api::{CheckAnswer, CheckQuery};
use protocol::message::CompatibilityIssue;
use protocol::{Checksum, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::progress::{Counter, shown};
use super::simulate;
use crate::args::{CheckArgs, ClientCommand, DownloadArgs, Global};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, harmless_word};
use crate::units::{format_share, format_size};

pub(crate) async fn run(
    global: &Global,
    command: ClientCommand,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        ClientCommand::Check(args) => check(&config::daemon(global)?, args, output).await,
        ClientCommand::Download(args) => fetch(&config::daemon(global)?, args, output).await,
        ClientCommand::Update(args) => update::run(config::daemon(global)?, args, output).await,
        ClientCommand::Run(args) => run::run(global, args, output).await,
        ClientCommand::Install(args) => install::run(global, args, output).await,
        ClientCommand::Rollback(args) => rollback::run(global, args, output).await,
        ClientCommand::Status(args) => status::run(&args, output),
        ClientCommand::Simulate(args) => simulate::run(global, args, output).await,
    }
}

/// The folder of an application, which must be there.
fn folder(app_dir: &Path) -> Result<AppFolder, Failure> {
    match std::fs::metadata(app_dir) {
        Ok(_) => Ok(AppFolder::at(app_dir)),
        Err(error) => Err(Failure::file("find", app_dir, &error)),
    }
}

async fn check(daemon: &Daemon, args: CheckArgs, output: &Output) -> Result<Exit, Failure> {
    let current_version = match (args.current_version, &args.app_dir) {
        (Some(version), _) => version,
        (None, Some(folder)) => AppFolder::open(folder)?
            .current()?
            .map_or(Version::ZERO, |current| current.version),
        (None, None) => return Err(Failure::usage("give --current-version or --app-dir")),
    };
    let query = CheckQuery {
        current_version,
        channel: Some(args.channel),
        client_id: args.client_id,
        platform: None,
        architecture: None,
    };
    let answer = daemon.check(&query).await?;
    output.result("check", &answer, || describe(&answer))?;
    match args.exit_code && answer.update_available {
        true => Ok(Exit::UpdateAvailable),
        false => Ok(Exit::Ok),
    }
}

fn describe(answer: &CheckAnswer) -> String {
    let mut lines = Vec::new();
    match (answer.update_available, answer.file_size) {
        (true, Some(size)) => {
            let mandatory = if answer.is_mandatory {
                ", mandatory"
            } else {
                ""
            };
            let way = if answer.is_rollback {
                "back to"
            } else {
                "update to"
            };
            lines.push(format!(
                "{way} {} ({}{mandatory})",
                answer.latest_version,
                format_size(size)
            ));
            if let Some(delta) = &answer.delta {
                let share = format_share(delta.size, delta.full_size);
                lines.push(format!(
                    "delta   {} ({share}), {}",
                    format_size(delta.size),
                    harmless_word(&delta.format)
                ));
            }
            if let Some(compressed) = &answer.compressed {
                let share = format_share(compressed.size, compressed.full_size);
                lines.push(format!(
                    "whole   {} ({share}), compressed",
                    format_size(compressed.size)
                ));
            }
            for line in answer.release_notes.lines() {
                lines.push(format!("  {line}"));
            }
        }
        _ => lines.push(format!("{} is up to date", answer.current_version)),
    }
    if let Some(issue) = &answer.compatibility_issue {
        lines.push(cannot_install(issue));
    }
    lines.join("\n")
}

/// Why something newer waits, in two sentences.
fn cannot_install(issue: &CompatibilityIssue) -> String {
    let CompatibilityIssue {
        version,
        description,
        resolution,
        ..
    } = issue;
    format!(
        "{version} cannot be installed yet: {}; {resolution}",
        description.trim_end_matches('.')
    )
}

/// Why what is offered is left alone.
fn held_back(held: &HeldBack) -> String {
    let HeldBack {
        version,
        reason,
        since: _,
    } = held;
    format!(
        "{version} is offered and held back here: {}",
        harmless_word(reason)
    )
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Downloaded {
    version: Version,
    file: String,
    size_bytes: u64,
    fetched_bytes: u64,
    sha256: Checksum,
}

async fn fetch(daemon: &Daemon, args: DownloadArgs, output: &Output) -> Result<Exit, Failure> {
    let public_key = config::public_key(args.pinned.public_key.as_deref())?;
    let release = daemon.metadata(&args.version).await?;
    if let Some(key) = public_key {
        key.check(
            &args.version,
            release.checksum,
            release.signature.as_deref(),
        )?;
    }
    let target = target(args.output, &release.file_name, &args.version);
    let wanted = Wanted {
        path: release.download_url,
        size_bytes: release.file_size,
        checksum: release.checksum,
    };
    let counter = Counter::new(AtomicU64::new(0));
    let counted = Arc::clone(&counter);
    let mut on_progress =
        move |progress: Progress| counted.store(progress.done_bytes, Ordering::Relaxed);
    let client = args.client_id.as_ref();
    let fetching = download(daemon, &wanted, client, &target, &mut on_progress);
    let fetched = shown(output, "download", wanted.size_bytes, &counter, fetching).await?;
    let downloaded = Downloaded {
        version: args.version,
        file: target.display().to_string(),
        size_bytes: wanted.size_bytes,
        fetched_bytes: fetched.fetched_bytes,
        sha256: wanted.checksum,
    };
    output.result("download", &downloaded, || {
        let before = match fetched.resumed_bytes {
            0 => String::new(),
            bytes => format!(", {} of it were there", format_size(bytes)),
        };
        let size = format_size(downloaded.size_bytes);
        format!(
            "{}: {size}{before}, sha256 {}",
            downloaded.file, downloaded.sha256
        )
    })?;
    Ok(Exit::Ok)
}

/// The daemon's name for the file is only a proposal: nothing of it may lead out of the folder.
fn target(output: Option<PathBuf>, file_name: &str, version: &Version) -> PathBuf {
    let proposed = Path::new(file_name)
        .file_name()
        .map_or_else(|| PathBuf::from(format!("{version}.jar")), PathBuf::from);
    match output {
        Some(output) if output.is_dir() => output.join(proposed),
        Some(output) => output,
        None => proposed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_leads_nowhere_else() {
        let version = Version::new(2, 1, 0);
        assert_eq!(
            target(None, "../../etc/passwd", &version),
            PathBuf::from("passwd")
        );
        assert_eq!(target(None, "..", &version), PathBuf::from("2.1.0.jar"));
        assert_eq!(
            target(Some("x.jar".into()), "app.jar", &version),
            PathBuf::from("x.jar")
        );
    }
}
