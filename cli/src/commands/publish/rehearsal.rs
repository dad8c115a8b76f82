//! `--dry-run`: what a publish would upload, which deltas at which sizes, and whom it would reach. Only reads at the daemon.

use client::http::NewRelease;
use protocol::api::{ReleaseState, paths};

use super::artifact::Artifact;
use super::deltas;
use super::link::Link;
use super::reach::Reach;
use super::standing::Standing;
use super::summary::Summary;
use crate::args::PublishArgs;
use crate::failure::Failure;
use crate::units::format_size;

/// Makes the deltas, since nobody knows their sizes before, and stops there.
pub(super) async fn rehearse(
    link: Link<'_>,
    args: &PublishArgs,
    artifact: &Artifact,
    release: &NewRelease,
    standing: Standing,
) -> Result<Summary, Failure> {
    let draft = match &standing {
        Standing::Draft(draft) => Some(draft),
        Standing::Done(_) | Standing::Absent => None,
    };
    let made = deltas::make(link, &args.delta_from, release, artifact, draft).await?;
    let (outcomes, mut sent_bytes) = deltas::planned(made);
    match draft {
        Some(_) => link
            .output
            .say("  JAR        is uploaded already, unannounced"),
        None => {
            sent_bytes += artifact.size_bytes;
            let size = format_size(artifact.size_bytes);
            link.output.say(&format!("  JAR        {size} to upload"));
        }
    }
    let reach = match args.draft {
        true => {
            link.output.say("  reaches    nobody before it is enabled");
            None
        }
        false => {
            let statistics = link.call(|| link.daemon.statistics()).await?;
            let reach = Reach::of(&statistics, release);
            link.output
                .say(&format!("  reaches    {}", reach.describe()));
            Some(reach)
        }
    };
    let file = artifact.path.file_name().unwrap_or_default();
    let (daemon_url, version) = (link.daemon.url(), &release.version);
    Ok(Summary {
        version: version.clone(),
        channel: release.channel.clone(),
        state: match args.draft {
            true => ReleaseState::Draft,
            false => ReleaseState::Active,
        },
        rollout_percentage: release.rollout_percentage,
        already_published: false,
        dry_run: true,
        file: file.to_string_lossy().into_owned(),
        size_bytes: artifact.size_bytes,
        sha256: artifact.checksum,
        uploaded_bytes: sent_bytes,
        resumed_bytes: 0,
        deltas: outcomes,
        reach,
        url: format!("{daemon_url}{}/download/{version}", paths::CLIENT),
        elapsed_ms: 0,
    })
}
