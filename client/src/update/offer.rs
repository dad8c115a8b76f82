//! What the daemon offers, and the ways to it that it names.

use delta::Format;
use protocol::api::{CheckAnswer, DeltaAnswer, ReleaseMetadata};
use protocol::{Checksum, Version};

use crate::download::Wanted;
use crate::{Daemon, Error};

/// What the daemon offers to this application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the application runs; `0.0.0` when nothing is installed.
    pub from: Version,
    /// What it should run.
    pub to: Version,
    /// Whether it must.
    pub is_mandatory: bool,
    /// Whether this is a way back, because the running version was recalled.
    pub is_rollback: bool,
    /// The whole file.
    pub full: Wanted,
    /// The deltas to it, best first.
    pub deltas: Vec<OfferedDelta>,
    /// The whole file, compressed: a delta from nothing, which needs no installed file.
    pub compressed: Option<OfferedDelta>,
    /// The publisher's signature, when there is one.
    pub signature: Option<String>,
}

/// A delta of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedDelta {
    /// How to apply it.
    pub format: String,
    /// Its bytes.
    pub file: Wanted,
    /// The SHA-256 that the file must have from which it starts; of no bytes where it starts from nothing.
    pub source: Checksum,
}

impl Offer {
    pub(super) fn from_answer(daemon: &Daemon, answer: CheckAnswer) -> Result<Self, Error> {
        let (Some(path), Some(size_bytes), Some(checksum)) =
            (answer.download_url, answer.file_size, answer.checksum)
        else {
            return Err(Error::Unreadable {
                url: daemon.url().to_owned(),
                reason: "it offers an update without saying where its file is".into(),
            });
        };
        Ok(Self {
            from: answer.current_version,
            to: answer.latest_version,
            is_mandatory: answer.is_mandatory,
            is_rollback: answer.is_rollback,
            deltas: offered(answer.delta, checksum),
            compressed: compressed_of(answer.compressed, checksum),
            signature: answer.signature,
            full: Wanted {
                path,
                size_bytes,
                checksum,
            },
        })
    }

    /// The offer of a first installation.
    pub(super) fn first(release: ReleaseMetadata, compressed: Option<DeltaAnswer>) -> Self {
        Self {
            from: Version::ZERO,
            to: release.version,
            is_mandatory: release.is_mandatory,
            is_rollback: false,
            full: Wanted {
                path: release.download_url,
                size_bytes: release.file_size,
                checksum: release.checksum,
            },
            deltas: Vec::new(),
            compressed: compressed_of(compressed, release.checksum),
            signature: release.signature,
        }
    }
}

/// The deltas of an answer. One to other bytes than the announced ones is of no use.
fn offered(answer: Option<DeltaAnswer>, target: Checksum) -> Vec<OfferedDelta> {
    let Some(answer) = answer.filter(|answer| answer.target_checksum == target) else {
        return Vec::new();
    };
    let source = answer.source_checksum;
    let deltas = answer.deltas.into_iter();
    deltas
        .map(|delta| OfferedDelta {
            format: delta.format,
            file: Wanted {
                path: delta.download_url,
                size_bytes: delta.size,
                checksum: delta.checksum,
            },
            source,
        })
        .collect()
}

/// The compressed file of an answer, in a format that this build knows.
fn compressed_of(answer: Option<DeltaAnswer>, target: Checksum) -> Option<OfferedDelta> {
    let mut all = offered(answer, target).into_iter();
    all.find(|offered| offered.format.parse::<Format>().is_ok())
}
