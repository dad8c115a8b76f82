//! The deltas of a publish: from which releases, made here, and uploaded before the release is announced.
//!
//! One starts from nothing: the compressed file, for clients that no other delta fits. A delta is a saving, never a
//! condition: one that is too large, or that the daemon does not take, is left out with a remark, and clients fetch the
//! whole file instead.

mod bases;
mod making;
mod pool;
#[cfg(test)]
pub(super) mod samples;

use std::sync::atomic::AtomicU64;

use client::http::NewRelease;
use delta::Format;
use protocol::api::{DeltaSummary, ReleaseView};
use protocol::limits::DELTA_PERCENT_MAX;
use protocol::{Code, DeltaSource, Version};
use schemars::JsonSchema;
use serde::Serialize;
use tempfile::TempDir;

use super::artifact::Artifact;
use super::link::Link;
use super::send::{Brought, send_delta};
use crate::args::DeltaFrom;
use crate::commands::progress::{Counter, shown_steps};
use crate::failure::Failure;
use crate::units::format_size;
pub(super) use bases::receives;
pub(super) use making::MadeDelta;
use pool::Missing;

/// What became of one delta.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeltaOutcome {
    /// Absent for the compressed file.
    #[serde(skip_serializing_if = "DeltaSource::is_nothing")]
    from_version: DeltaSource,
    format: &'static str,
    size_bytes: u64,
    result: DeltaResult,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DeltaResult {
    Uploaded,
    // A dry run would upload it.
    Planned,
    AlreadyThere,
    TooLarge,
    Failed,
    Refused,
}

impl DeltaOutcome {
    /// Whether clients can use it, or could after a dry run.
    pub(super) fn is_there(&self) -> bool {
        matches!(
            self.result,
            DeltaResult::Uploaded | DeltaResult::Planned | DeltaResult::AlreadyThere
        )
    }

    /// Whether it is the compressed file.
    pub(super) fn is_compressed(&self) -> bool {
        self.from_version.is_nothing()
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// `from 2.0.0: 53 kB (jar)`.
    pub(super) fn describe(&self) -> String {
        let size = format_size(self.size_bytes);
        format!("from {}: {size} ({})", self.from_version, self.format)
    }

    fn already_there(found: &DeltaSummary, format: Format) -> Self {
        Self {
            from_version: found.from_version.clone(),
            format: format.name(),
            size_bytes: found.size,
            result: DeltaResult::AlreadyThere,
        }
    }
}

/// Deltas that wait for their upload, in files that go with this value.
#[derive(Debug)]
pub(super) struct Made {
    deltas: Vec<MadeDelta>,
    outcomes: Vec<DeltaOutcome>,
    /// Removed with this value.
    folder: TempDir,
}

/// Makes the deltas that are not there yet, in every format that this build knows: clients in other languages may
/// know but one. `draft` is what an earlier publish of the same left.
pub(super) async fn make(
    link: Link<'_>,
    from: &DeltaFrom,
    release: &NewRelease,
    artifact: &Artifact,
    draft: Option<&ReleaseView>,
) -> Result<Made, Failure> {
    let Link { daemon, output, .. } = link;
    let bases = bases::bases(link, from, release).await?;
    let folder = tempfile::Builder::new()
        .prefix("relctl-publish-")
        .tempdir()
        .map_err(|error| Failure::file("make a folder in", &std::env::temp_dir(), &error))?;
    let mut made = Made {
        deltas: Vec::new(),
        outcomes: Vec::new(),
        folder,
    };
    let mut missing = Missing {
        bases: Vec::new(),
        largest_percent: match from {
            DeltaFrom::Versions(_) => making::LARGEST_PERCENT_WHEN_NAMED,
            DeltaFrom::Auto | DeltaFrom::None => DELTA_PERCENT_MAX,
        },
        is_compressed_missing: false,
    };
    let there = draft.map_or(&[][..], |draft| &draft.deltas);
    for base in bases {
        let (outcomes, formats_missing) = look(&base, there);
        if !outcomes.is_empty() {
            let formats: Vec<&str> = outcomes.iter().map(|outcome| outcome.format).collect();
            output.say(&format!(
                "  delta      from {}: {} there already",
                base.version_number,
                formats.join(" and ")
            ));
        }
        made.outcomes.extend(outcomes);
        if !formats_missing.is_empty() {
            missing.bases.push((base, formats_missing));
        }
    }
    match (from, draft.and_then(|draft| draft.compressed.as_ref())) {
        (DeltaFrom::None, _) => {}
        (DeltaFrom::Auto | DeltaFrom::Versions(_), None) => missing.is_compressed_missing = true,
        (DeltaFrom::Auto | DeltaFrom::Versions(_), Some(found)) => {
            output.say("  compressed there already");
            let outcome = DeltaOutcome::already_there(found, Format::Jar);
            made.outcomes.push(outcome);
        }
    }
    let steps = missing.steps();
    if steps == 0 {
        return Ok(made);
    }
    let done = Counter::new(AtomicU64::new(0));
    let folder = made.folder.path();
    let making = pool::make_all(daemon, missing, artifact, folder, &done, output);
    for from_base in shown_steps(output, "deltas", steps, &done, making).await? {
        made.outcomes.extend(from_base.outcomes());
        made.deltas.extend(from_base.deltas);
    }
    Ok(made)
}

/// Which deltas from a release are there, and in which formats there is none.
fn look(base: &ReleaseView, there: &[DeltaSummary]) -> (Vec<DeltaOutcome>, Vec<Format>) {
    let (mut outcomes, mut missing) = (Vec::new(), Vec::new());
    for &format in Format::ALL {
        let from = DeltaSource::Version(base.version_number.clone());
        let found = there
            .iter()
            .find(|delta| delta.from_version == from && delta.format == format.name());
        match found {
            Some(found) => outcomes.push(DeltaOutcome::already_there(found, format)),
            None => missing.push(format),
        }
    }
    (outcomes, missing)
}

/// What would be uploaded, for who only wants to know, and how many bytes that are.
pub(super) fn planned(made: Made) -> (Vec<DeltaOutcome>, u64) {
    let mut outcomes = made.outcomes;
    let bytes = made.deltas.iter().map(|delta| delta.size_bytes).sum();
    let planned = made.deltas.iter();
    outcomes.extend(planned.map(|delta| delta.outcome(DeltaResult::Planned)));
    (outcomes, bytes)
}

/// Uploads what was made.
pub(super) async fn upload(
    link: Link<'_>,
    to: &Version,
    made: Made,
) -> Result<(Vec<DeltaOutcome>, Brought), Failure> {
    let Link { output, .. } = link;
    let Made {
        deltas,
        mut outcomes,
        folder: _folder,
    } = made;
    let mut brought = Brought::default();
    for delta in deltas {
        let result = match send_delta(link, to, &delta).await {
            Ok(of_delta) => {
                brought += of_delta;
                DeltaResult::Uploaded
            }
            Err(error) => match error.code() {
                Some(Code::Conflict) => DeltaResult::AlreadyThere,
                // An older daemon calls a format that it does not know an invalid request, and nothing a bad version.
                Some(
                    Code::InvalidArtifact
                    | Code::ChecksumMismatch
                    | Code::InvalidRequest
                    | Code::InvalidVersion,
                ) => {
                    output.warn(&format!(
                        "the daemon did not take the {}: {error}; clients go another way",
                        delta.name()
                    ));
                    DeltaResult::Refused
                }
                _ => return Err(error.into()),
            },
        };
        outcomes.push(delta.outcome(result));
    }
    let there = || outcomes.iter().filter(|outcome| outcome.is_there());
    let deltas = there().filter(|outcome| !outcome.is_compressed());
    let sizes: Vec<u64> = deltas.map(|delta| delta.size_bytes).collect();
    let compressed = there().find(|outcome| outcome.is_compressed());
    let mut words = Vec::new();
    if !sizes.is_empty() {
        let all = format_size(sizes.iter().sum());
        words.push(format!("{} there, {all}", sizes.len()));
    }
    if let Some(compressed) = compressed {
        let size = format_size(compressed.size_bytes);
        words.push(format!("compressed file there, {size}"));
    }
    if !words.is_empty() {
        output.say(&format!("  deltas     {}", words.join("; ")));
    }
    Ok((outcomes, brought))
}
