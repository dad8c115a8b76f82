//! `relctl publish`: check, make deltas, upload unannounced, upload the deltas, announce.
//!
//! Each step looks first whether it was done before, so a publish that broke anywhere is simply run again.

mod artifact;
mod deltas;
mod standing;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::Daemon;
use client::http::{ListQuery, NewRelease};
use protocol::api::{ReleaseChange, ReleaseState, ReleaseView};
use protocol::limits::RELEASE_NOTES_BYTES;
use protocol::{Channel, Checksum, Code, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::progress::{Counter, shown};
use crate::args::{Global, PublishArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{count, format_duration, format_size, format_speed};
use artifact::Artifact;
use deltas::DeltaOutcome;
use standing::Standing;

/// What became of it, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary<'a> {
    version: &'a Version,
    channel: &'a Channel,
    state: ReleaseState,
    rollout_percentage: u8,
    /// Whether nothing was left to do.
    already_published: bool,
    file: &'a str,
    size_bytes: u64,
    sha256: Checksum,
    deltas: &'a [DeltaOutcome],
    url: String,
    elapsed_ms: u64,
}

pub(crate) async fn run(
    global: &Global,
    args: PublishArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let daemon = config::daemon(global)?;
    let artifact = artifact::check(&args.file, args.version.as_ref()).await?;
    for warning in &artifact.warnings {
        output.warn(warning);
    }
    let release = release(&args, &artifact)?;
    let doing = || format!("publish {}", release.version);
    output.say(&format!(
        "Publishing {} on {} at {}",
        release.version,
        release.channel,
        daemon.url()
    ));
    output.say(&format!(
        "  checked    {}, {} entries, sha256 {}",
        format_size(artifact.size_bytes),
        artifact.entries,
        shortened(&artifact.checksum)
    ));

    let standing = standing::look(&daemon, &release).await;
    let outcome = match standing.map_err(|failure| failure.while_doing(doing()))? {
        Standing::Done(release) => (release, Vec::new(), true),
        standing => {
            let (release, deltas) = bring(&daemon, &args, &artifact, &release, standing, output)
                .await
                .map_err(|failure| failure.while_doing(doing()))?;
            (release, deltas, false)
        }
    };
    let (view, deltas, already_published) = outcome;
    let summary = Summary {
        version: &view.version_number,
        channel: &view.release_channel,
        state: view.state,
        rollout_percentage: view.rollout_percentage,
        already_published,
        file: &view.file_name,
        size_bytes: view.file_size,
        sha256: view.checksum,
        deltas: &deltas,
        url: format!("{}{}", daemon.url(), view.download_url),
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    output.result("publish", &summary, || describe(&summary, began.elapsed()))?;
    say_what_next(&daemon, &view, output).await;
    Ok(Exit::Ok)
}

/// Everything between "not there" and "announced".
async fn bring(
    daemon: &Daemon,
    args: &PublishArgs,
    artifact: &Artifact,
    release: &NewRelease,
    standing: Standing,
    output: &Output,
) -> Result<(ReleaseView, Vec<DeltaOutcome>), Failure> {
    let draft = match &standing {
        Standing::Draft(draft) => {
            output.say("  uploaded   before; going on where it stopped");
            Some(draft)
        }
        Standing::Done(_) | Standing::Absent => None,
    };
    let made = deltas::make(daemon, &args.delta_from, release, artifact, draft, output).await?;
    if let Standing::Absent = standing {
        upload(daemon, artifact, release, output).await?;
    }
    let outcomes = deltas::upload(daemon, &release.version, made, output).await?;
    let view = match args.draft {
        true => daemon.release(&release.version).await?,
        false => {
            let change = ReleaseChange {
                state: Some(ReleaseState::Active),
                ..ReleaseChange::default()
            };
            let view = daemon.change_release(&release.version, &change).await?;
            output.say(&format!(
                "  announced  on {}, rollout {} %",
                view.release_channel, view.rollout_percentage
            ));
            view
        }
    };
    Ok((view, outcomes))
}

async fn upload(
    daemon: &Daemon,
    artifact: &Artifact,
    release: &NewRelease,
    output: &Output,
) -> Result<(), Failure> {
    let began = Instant::now();
    let counter = Counter::new(AtomicU64::new(0));
    let counted = Arc::clone(&counter);
    let sent = Arc::new(move |bytes| counted.store(bytes, Ordering::Relaxed));
    let uploading = daemon.create_release(release, &artifact.path, sent);
    shown(
        output,
        "uploading",
        artifact.size_bytes,
        &counter,
        uploading,
    )
    .await
    .map_err(|error| {
        let is_conflict = error.code() == Some(Code::Conflict);
        let failure = Failure::from(error);
        match is_conflict {
            true => failure.help("see what is there:  relctl versions list"),
            false => failure,
        }
    })?;
    output.say(&format!(
        "  uploaded   {} in {} ({})",
        format_size(artifact.size_bytes),
        format_duration(began.elapsed()),
        speed(artifact.size_bytes, began.elapsed())
    ));
    Ok(())
}

fn speed(bytes: u64, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    format_speed(u64::try_from(u128::from(bytes) * 1000 / milliseconds).unwrap_or(u64::MAX))
}

/// Enough of a checksum to recognise it in a line of 80 characters.
fn shortened(checksum: &Checksum) -> String {
    let digits = checksum.to_string();
    format!("{}…", digits.get(..16).unwrap_or(&digits))
}

fn release(args: &PublishArgs, artifact: &Artifact) -> Result<NewRelease, Failure> {
    Ok(NewRelease {
        version: artifact.version.clone(),
        channel: args.channel.clone(),
        is_mandatory: args.mandatory,
        release_notes: notes(args)?,
        minimum_client_version: args.minimum_client_version.clone(),
        checksum: artifact.checksum,
        is_draft: true,
        rollout_percentage: args.rollout,
        platforms: args.platforms.clone(),
        allow_older: args.allow_older,
        signature: signature(args, artifact)?,
    })
}

fn signature(args: &PublishArgs, artifact: &Artifact) -> Result<Option<String>, Failure> {
    let key = args.signing_key.as_deref();
    match key.filter(|file| !file.as_os_str().is_empty()) {
        Some(file) => {
            let key = config::signing_key(file)?;
            Ok(Some(key.sign(&artifact.version, artifact.checksum)))
        }
        None => Ok(args.signature.clone()),
    }
}

fn notes(args: &PublishArgs) -> Result<String, Failure> {
    let text = match (&args.notes, &args.notes_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin()
                .take(RELEASE_NOTES_BYTES as u64 * 2)
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::usage(format!(
                        "cannot read the notes from standard input: {error}"
                    ))
                })?;
            text
        }
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| Failure::file("read the notes", path, &error))?,
        (None, None) => String::new(),
    };
    let text = text.trim_end().to_owned();
    if text.len() > RELEASE_NOTES_BYTES {
        return Err(Failure::usage("the notes are longer than 64 KiB")
            .help("shorten them, and link to the rest"));
    }
    Ok(text)
}

fn describe(summary: &Summary<'_>, elapsed: Duration) -> String {
    let Summary {
        version, channel, ..
    } = summary;
    if summary.already_published {
        return format!(
            "{version} is already published on {channel} with the same content; nothing was uploaded"
        );
    }
    let there = || summary.deltas.iter().filter(|delta| delta.is_there());
    let deltas = there().filter(|delta| !delta.is_compressed()).count() as u64;
    let compressed = there().find(|delta| delta.is_compressed());
    let mut size = format_size(summary.size_bytes);
    if let Some(compressed) = compressed {
        let compressed = format_size(compressed.size_bytes());
        size.push_str(&format!(" ({compressed} compressed)"));
    }
    let done = match summary.state {
        ReleaseState::Active => "Published",
        ReleaseState::Draft | ReleaseState::Inactive | ReleaseState::Recalled => {
            "Uploaded, unannounced:"
        }
    };
    format!(
        "{done} {version} on {channel} in {}: {size}, {}\nsha256 {}",
        format_duration(elapsed),
        count(deltas, "delta"),
        summary.sha256
    )
}

/// The commands that are typed next, with what they need filled in.
async fn say_what_next(daemon: &Daemon, release: &ReleaseView, output: &Output) {
    let version = &release.version_number;
    if release.state == ReleaseState::Draft {
        output.say(&format!("  Announce   relctl versions enable {version}"));
        return;
    }
    output.say(&format!("  Watch      relctl watch {version}"));
    if release.rollout_percentage < 100 {
        output.say(&format!(
            "  Widen      relctl versions rollout {version} 100%"
        ));
    }
    let query = ListQuery {
        size: 100,
        channel: Some(release.release_channel.clone()),
        state: Some(ReleaseState::Active),
        ..ListQuery::default()
    };
    // Only a hint: when the list does not come, nothing is lost.
    let Ok(page) = daemon.releases(&query).await else {
        return;
    };
    let older = page
        .content
        .iter()
        .find(|other| version.is_newer_than(&other.version_number));
    if let Some(older) = older {
        output.say(&format!(
            "  Undo       relctl versions rollback --channel {} --to {}",
            release.release_channel, older.version_number
        ));
    }
}
