//! What the store keeps: releases, deltas, users, tokens, and who changed them.
//!
//! These are the daemon's own words, never the wire's: `ops` turns them into the bodies of [`protocol::api`]. What the
//! journal writes is defined apart from them (`store/change.rs`); here `serde` only serves the rows of the index,
//! which may be thrown away, so a field may be added without asking an old reader.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::api::{ReleaseState, Role};
use protocol::{
    Channel, Checksum, DeltaSource, Platform, ReleaseId, Timestamp, TokenId, Username, Version,
};
use serde::{Deserialize, Serialize};

/// One published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its id, for ever.
    pub id: ReleaseId,
    /// Its version number; no other release has the same precedence.
    pub version: Version,
    /// Where it was published.
    pub channel: Channel,
    /// What it is doing.
    pub state: ReleaseState,
    /// Whether clients must take it.
    pub is_mandatory: bool,
    /// Notes for users, 64 KiB at most.
    pub release_notes: Arc<str>,
    /// Clients below this version cannot take it directly.
    pub minimum_client_version: Version,
    /// The file's name at download.
    pub file_name: String,
    /// Its bytes.
    pub blob: BlobRef,
    /// The share of clients that are offered it, 0 to 100.
    pub rollout_percentage: u8,
    /// The platforms that it runs on; empty means all.
    pub platforms: Vec<Platform>,
    /// The publisher's detached signature, when there is one.
    pub signature: Option<String>,
    /// Who published it.
    pub created_by: Username,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The sequence number of the journal record that last changed it. The store sets it.
    pub revision: u64,
}

/// Bytes in `blobs/`, by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// Their SHA-256, which is also their name.
    pub checksum: Checksum,
    /// How many there are.
    pub size_bytes: u64,
}

/// A stored way from one release's file, or from nothing, to another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// What must be there.
    pub from: DeltaSource,
    /// The version that it rebuilds.
    pub to: Version,
    /// How to apply it: `zstd` or `jar`.
    pub format: String,
    /// Its bytes.
    pub blob: BlobRef,
    /// SHA-256 of the file that must be there; of no bytes when nothing must.
    pub source_checksum: Checksum,
    /// SHA-256 of the file that it rebuilds.
    pub target_checksum: Checksum,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A user of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// Whether its tokens are accepted.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token that the daemon issued. The token itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its `jti`.
    pub id: TokenId,
    /// Whose it is.
    pub username: Username,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// What shall change in a release; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleaseUpdate {
    /// What it shall do.
    pub state: Option<ReleaseState>,
    /// The share of clients that shall be offered it, 0 to 100.
    pub rollout_percentage: Option<u8>,
}

/// Who makes a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// A user name, or `relctld` for the daemon itself.
    pub name: String,
    /// The caller's address; `None` for the daemon itself.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// A user.
    #[must_use]
    pub fn user(name: &Username, address: Option<IpAddr>) -> Self {
        Self {
            name: name.to_string(),
            address,
        }
    }

    /// The daemon itself.
    #[must_use]
    pub fn daemon() -> Self {
        Self {
            name: "relctld".into(),
            address: None,
        }
    }
}

/// One line of a release's history, read from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRecord {
    /// The record's sequence number.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// Who: a user name, or `relctld` for the daemon itself.
    pub actor: String,
    /// From which address.
    pub address: Option<IpAddr>,
    /// What, as a word such as `RELEASE_CREATED`.
    pub action: &'static str,
    /// What, in a sentence.
    pub summary: String,
}
