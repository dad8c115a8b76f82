//! `relctl versions`.

use client::Daemon;
use client::http::ListQuery;
use protocol::api::{HistoryEntry, ReleaseChange, ReleaseState, ReleaseView};

use crate::args::{Global, VersionsCommand};
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, table};
use crate::suggest::nearest;
use crate::units::{format_share, format_size};

pub(crate) async fn run(
    global: &Global,
    command: VersionsCommand,
    output: &Output,
) -> Result<Exit, Failure> {
    let daemon = config::daemon(global)?;
    let wanted = Wanted::by(&command);
    let outcome = carry_out(&daemon, command, output).await;
    match outcome {
        Ok(()) => Ok(Exit::Ok),
        Err(failure) if failure.exit == Exit::NotFound => {
            Err(suggest(&daemon, &wanted, failure).await)
        }
        Err(failure) => Err(failure),
    }
}

/// What a command names, as it may be misspelt.
#[derive(Default)]
struct Wanted {
    version: Option<String>,
    channel: Option<String>,
}

impl Wanted {
    fn by(command: &VersionsCommand) -> Self {
        let (version, channel) = match command {
            VersionsCommand::List(args) => (None, args.channel.as_ref()),
            VersionsCommand::Show { version }
            | VersionsCommand::Enable { version }
            | VersionsCommand::Disable { version }
            | VersionsCommand::Rollout { version, .. }
            | VersionsCommand::History { version } => (Some(version), None),
            VersionsCommand::Rollback { channel, to } => (Some(to), Some(channel)),
        };
        Self {
            version: version.map(ToString::to_string),
            channel: channel.map(ToString::to_string),
        }
    }
}

/// Adds the name that may have been meant. It costs a request, and only of those who were wrong anyway.
async fn suggest(daemon: &Daemon, wanted: &Wanted, mut failure: Failure) -> Failure {
    let query = ListQuery {
        size: 100,
        ..ListQuery::default()
    };
    let Ok(page) = daemon.releases(&query).await else {
        return failure;
    };
    let texts = |name: fn(&ReleaseView) -> String| page.content.iter().map(name).collect();
    let versions: Vec<String> = texts(|release| release.version_number.to_string());
    let mut channels: Vec<String> = texts(|release| release.release_channel.to_string());
    channels.extend(["stable", "beta", "alpha"].map(str::to_owned));
    for (wanted, known) in [(&wanted.version, versions), (&wanted.channel, channels)] {
        let Some(wanted) = wanted.as_ref().filter(|wanted| !known.contains(wanted)) else {
            continue;
        };
        if let Some(near) = nearest(wanted, known.iter().map(String::as_str)) {
            failure.help.insert(0, format!("did you mean {near}?"));
        }
    }
    failure
}

async fn carry_out(
    daemon: &Daemon,
    command: VersionsCommand,
    output: &Output,
) -> Result<(), Failure> {
    match command {
        VersionsCommand::List(args) => {
            let query = ListQuery {
                page: args.page,
                size: args.size,
                channel: args.channel,
                state: args.state.map(ReleaseState::from),
            };
            let page = daemon.releases(&query).await?;
            output.result("versions", &page, || list(&page.content))?;
            if page.content.is_empty() {
                output.say("no releases; the first one:  relctl publish FILE.jar");
            } else if u64::from(page.page) + 1 < page.total_pages {
                output.say(&format!(
                    "{} of {}; more with --page {}",
                    page.content.len(),
                    page.total_elements,
                    page.page + 1
                ));
            }
        }
        VersionsCommand::Show { version } => {
            let release = daemon.release(&version).await?;
            output.result("version", &release, || show(&release))?;
        }
        VersionsCommand::Enable { version } => {
            let change = state(ReleaseState::Active);
            let release = daemon.change_release(&version, &change).await?;
            output.result("version", &release, || {
                format!(
                    "{version} is offered on {}, rollout {} %",
                    release.release_channel, release.rollout_percentage
                )
            })?;
        }
        VersionsCommand::Disable { version } => {
            let change = state(ReleaseState::Inactive);
            let release = daemon.change_release(&version, &change).await?;
            output.result("version", &release, || {
                format!("{version} is no longer offered; clients that have it keep it")
            })?;
            output.say(&format!(
                "Bring them back    relctl versions rollback --channel {} --to V",
                release.release_channel
            ));
        }
        VersionsCommand::Rollout { version, percent } => {
            let change = ReleaseChange {
                rollout_percentage: Some(percent),
                ..ReleaseChange::default()
            };
            let release = daemon.change_release(&version, &change).await?;
            output.result("version", &release, || {
                format!(
                    "{version} is offered to {} % of the clients",
                    release.rollout_percentage
                )
            })?;
        }
        VersionsCommand::Rollback { channel, to } => {
            let answer = daemon.roll_back(&channel, &to).await?;
            output.result("rollback", &answer, || {
                let recalled: Vec<String> =
                    answer.recalled.iter().map(ToString::to_string).collect();
                match recalled.is_empty() {
                    true => format!("{channel} is at {to}; nothing newer was to be recalled"),
                    false => format!(
                        "{channel} is back at {to}; recalled {}",
                        recalled.join(", ")
                    ),
                }
            })?;
        }
        VersionsCommand::History { version } => {
            let page = daemon.release_history(&version, 0, 100).await?;
            output.result("history", &page, || history(&page.content))?;
        }
    }
    Ok(())
}

fn state(state: ReleaseState) -> ReleaseChange {
    ReleaseChange {
        state: Some(state),
        ..ReleaseChange::default()
    }
}

fn list(releases: &[ReleaseView]) -> String {
    if releases.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = releases
        .iter()
        .map(|release| {
            vec![
                release.version_number.to_string(),
                release.release_channel.to_string(),
                release.state.as_str().to_owned(),
                format!("{} %", release.rollout_percentage),
                format_size(release.file_size),
                release.deltas.len().to_string(),
                release.created_at.to_string(),
            ]
        })
        .collect();
    table(
        &[
            "VERSION", "CHANNEL", "STATE", "ROLLOUT", "SIZE", "DELTAS", "CREATED",
        ],
        &rows,
    )
}

fn show(release: &ReleaseView) -> String {
    let mut facts = vec![
        ("version", release.version_number.to_string()),
        ("channel", release.release_channel.to_string()),
        ("state", release.state.as_str().to_owned()),
        ("rollout", format!("{} %", release.rollout_percentage)),
        (
            "mandatory",
            if release.is_mandatory { "yes" } else { "no" }.to_owned(),
        ),
        ("minimum", release.minimum_client_version.to_string()),
        (
            "file",
            format!("{}, {}", release.file_name, format_size(release.file_size)),
        ),
        ("sha256", release.checksum.to_string()),
        (
            "created",
            format!("{} by {}", release.created_at, release.created_by),
        ),
        ("changed", release.updated_at.to_string()),
        ("id", release.id.to_string()),
    ];
    if !release.platforms.is_empty() {
        let names: Vec<&str> = release
            .platforms
            .iter()
            .map(protocol::Platform::as_str)
            .collect();
        facts.push(("platforms", names.join(", ")));
    }
    for delta in &release.deltas {
        let share = format_share(delta.size, release.file_size);
        let size = format_size(delta.size);
        facts.push((
            "delta",
            format!(
                "from {}, {size} ({share}), {}",
                delta.from_version, delta.format
            ),
        ));
    }
    if let Some(compressed) = &release.compressed {
        let share = format_share(compressed.size, release.file_size);
        let size = format_size(compressed.size);
        facts.push(("compressed", format!("{size} ({share})")));
    }
    let mut text = String::new();
    for (name, value) in facts {
        text.push_str(&format!("{name:<10} {value}\n"));
    }
    if !release.release_notes.is_empty() {
        text.push('\n');
        for line in release.release_notes.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn history(entries: &[HistoryEntry]) -> String {
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.time.to_string(),
                entry.actor.clone(),
                entry.address.clone().unwrap_or_else(|| "-".to_owned()),
                entry.action.clone(),
                entry.summary.clone(),
            ]
        })
        .collect();
    table(&["TIME", "WHO", "FROM", "ACTION", "WHAT"], &rows)
}
