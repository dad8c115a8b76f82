//! `relctl publish`: check, make deltas, upload unannounced, upload the deltas, announce; and, where it is asked for, watch.
//!
//! Each step looks first whether it was done before, so a publish that broke anywhere is simply run again.

mod artifact;
mod deltas;
mod github;
mod link;
mod next;
mod notes;
mod reach;
mod rehearsal;
mod send;
mod standing;
mod summary;

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use client::http::NewRelease;
use protocol::api::{ReleaseChange, ReleaseState};
use protocol::{Checksum, Code};

use super::{watch, within};
use crate::args::{Global, PublishArgs, ViewName, WatchArgs};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::units::{format_duration, format_size, format_speed};
use artifact::Artifact;
use github::Github;
use link::Link;
use send::Brought;
use standing::Standing;

pub(super) use summary::Summary;

pub(crate) async fn run(
    global: &Global,
    args: PublishArgs,
    output: &Output,
) -> Result<Exit, Failure> {
    let github = Github::find();
    let publishing = within(global.timeout, publish(global, &args, &github, output));
    let release = publishing
        .await
        .inspect_err(|failure| github.failed(failure, output))?;
    match args.wait {
        Some(_) if release.state == ReleaseState::Active => {
            let exit = follow(global, args, release, output)
                .await
                .inspect_err(|failure| github.failed(failure, output))?;
            if let Some(failure) = unfinished(exit) {
                github.failed(&failure, output);
            }
            Ok(exit)
        }
        Some(_) | None => Ok(Exit::Ok),
    }
}

/// Everything up to the announcement.
async fn publish(
    global: &Global,
    args: &PublishArgs,
    github: &Github,
    output: &Output,
) -> Result<Summary, Failure> {
    let began = Instant::now();
    let daemon = config::daemon(global)?;
    let link = Link {
        daemon: &daemon,
        output,
        retries: args.retries,
    };
    let artifact = artifact::check(&args.file, args.version.as_ref()).await?;
    for warning in &artifact.warnings {
        output.warn(warning);
    }
    let release = release(args, &artifact)?;
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
    let mut summary = bring_if_needed(link, args, &artifact, &release)
        .await
        .map_err(|failure| failure.while_doing(format!("publish {}", release.version)))?;
    let elapsed = began.elapsed();
    summary.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    output.result("publish", &summary, || summary.describe(elapsed))?;
    github.done(&summary, output);
    if !args.dry_run {
        next::say_what_next(&daemon, &summary, output).await;
    }
    Ok(summary)
}

async fn bring_if_needed(
    link: Link<'_>,
    args: &PublishArgs,
    artifact: &Artifact,
    release: &NewRelease,
) -> Result<Summary, Failure> {
    match standing::look(link, release).await? {
        Standing::Done(view) => Ok(Summary {
            already_published: true,
            dry_run: args.dry_run,
            ..Summary::of(link.daemon, view)
        }),
        standing @ (Standing::Draft(_) | Standing::Absent) if args.dry_run => {
            rehearsal::rehearse(link, args, artifact, release, standing).await
        }
        standing @ (Standing::Draft(_) | Standing::Absent) => {
            bring(link, args, artifact, release, standing).await
        }
    }
}

/// Everything between "not there" and "announced".
async fn bring(
    link: Link<'_>,
    args: &PublishArgs,
    artifact: &Artifact,
    release: &NewRelease,
    standing: Standing,
) -> Result<Summary, Failure> {
    let Link { daemon, output, .. } = link;
    let draft = match &standing {
        Standing::Draft(draft) => {
            output.say("  uploaded   before; going on where it stopped");
            Some(draft)
        }
        Standing::Done(_) | Standing::Absent => None,
    };
    let made = deltas::make(link, &args.delta_from, release, artifact, draft).await?;
    let mut brought = Brought::default();
    if let Standing::Absent = standing {
        brought = upload(link, artifact, release).await?;
    }
    let (deltas, of_deltas) = deltas::upload(link, &release.version, made).await?;
    brought += of_deltas;
    let view = match args.draft {
        true => link.call(|| daemon.release(&release.version)).await?,
        false => {
            let change = ReleaseChange {
                state: Some(ReleaseState::Active),
                ..ReleaseChange::default()
            };
            let changing = link.call(|| daemon.change_release(&release.version, &change));
            let view = changing.await?;
            output.say(&format!(
                "  announced  on {}, rollout {} %",
                view.release_channel, view.rollout_percentage
            ));
            view
        }
    };
    Ok(Summary::of(daemon, view).with(brought, deltas))
}

async fn upload(
    link: Link<'_>,
    artifact: &Artifact,
    release: &NewRelease,
) -> Result<Brought, Failure> {
    let began = Instant::now();
    let sending = send::send_release(link, artifact, release).await;
    let brought = sending.map_err(|error| {
        let is_conflict = error.code() == Some(Code::Conflict);
        let failure = Failure::from(error);
        match is_conflict {
            true => failure.help("see what is there:  relctl versions list"),
            false => failure,
        }
    })?;
    let earlier = match brought.resumed_bytes {
        0 => String::new(),
        bytes => format!("; {} of it were there before", format_size(bytes)),
    };
    link.output.say(&format!(
        "  uploaded   {} in {} ({}){earlier}",
        format_size(artifact.size_bytes),
        format_duration(began.elapsed()),
        speed(brought.sent_bytes, began.elapsed())
    ));
    Ok(brought)
}

/// Watches the clients take it. With `--json` the events follow the document, line by line.
async fn follow(
    global: &Global,
    args: PublishArgs,
    release: Summary,
    output: &Output,
) -> Result<Exit, Failure> {
    let global = Global {
        timeout: Some(args.wait_timeout),
        ..global.clone()
    };
    let watched = WatchArgs {
        version: Some(release.version),
        channel: None,
        client: None,
        until: args.wait,
        fail_over: args.fail_over,
        min_sample: NonZeroU64::MIN,
        give_up_after: None,
        since: None,
        view: ViewName::Auto,
    };
    watch::run(&global, watched, output).await
}

/// How a watch that did not reach its end is said to the system that runs us; to people it has said so itself.
fn unfinished(exit: Exit) -> Option<Failure> {
    let (code, message) = match exit {
        Exit::RolloutFailed => ("ROLLOUT_FAILED", "too many clients failed to install it"),
        Exit::Timeout => ("TIMEOUT", "too few clients took it in time"),
        _ => return None,
    };
    Some(Failure::new(exit, code, message))
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
        release_notes: notes::notes(args)?,
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
