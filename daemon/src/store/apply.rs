//! What a record does: from the rows before it to the rows after it.
//!
//! The one place that knows. Writing calls it before the record is appended, replaying calls it for each record that was
//! read, so a store that was opened again cannot differ from the one that was closed.

use super::change::{AddedDelta, Change, CreatedRelease, Entry};
use super::index::{Index, IndexError, Row};
use super::records::{BlobRef, Delta, Release, Token, User};
use protocol::api::ReleaseState;
use protocol::{DeltaSource, ReleaseId, TokenId};

/// The rows that a record changes, as they are after it.
pub(super) fn rows(
    seq: u64,
    offset: u64,
    entry: &Entry,
    index: &Index,
) -> Result<Vec<Row>, IndexError> {
    let mut rows = changed(seq, entry, index)?;
    for release in entry.change.releases() {
        rows.push(Row::History {
            release,
            seq,
            offset,
        });
    }
    Ok(rows)
}

fn changed(seq: u64, entry: &Entry, index: &Index) -> Result<Vec<Row>, IndexError> {
    let unknown = |what: String| IndexError::Unknown { seq, what };
    let release_before = |id: ReleaseId| {
        let release = index.release(id)?;
        release.ok_or_else(|| unknown(format!("release {id}")))
    };
    let release_with_state = |id, state| -> Result<Row, IndexError> {
        let before = release_before(id)?;
        Ok(Row::Release(Release {
            state,
            revision: seq,
            updated_at: entry.time,
            ..before
        }))
    };
    match &entry.change {
        Change::UserCreated { username, role } => Ok(vec![Row::User(User {
            username: username.clone(),
            role: *role,
            enabled: true,
            created_at: entry.time,
        })]),
        Change::UserChanged {
            username,
            role,
            enabled,
        } => {
            let before = index.user(username)?;
            let before = before.ok_or_else(|| unknown(format!("user {username}")))?;
            Ok(vec![Row::User(User {
                role: role.unwrap_or(before.role),
                enabled: enabled.unwrap_or(before.enabled),
                ..before
            })])
        }
        Change::TokenIssued {
            id,
            username,
            issued_at,
            expires_at,
        } => Ok(vec![Row::Token(Token {
            id: *id,
            username: username.clone(),
            issued_at: *issued_at,
            expires_at: *expires_at,
            revoked: index.is_revoked(&id.as_str())?,
        })]),
        Change::TokenRevoked { jti } => {
            let mut rows = vec![Row::Revoked { jti: jti.clone() }];
            // Tokens of other issuers are only known by being revoked.
            if let Ok(id) = jti.parse::<TokenId>()
                && let Some(token) = index.token(id)?
            {
                rows.push(Row::Token(Token {
                    revoked: true,
                    ..token
                }));
            }
            Ok(rows)
        }
        Change::ReleaseCreated(created) => Ok(vec![Row::Release(release(seq, created))]),
        Change::ReleaseChanged {
            release,
            state,
            rollout_percentage,
        } => {
            let before = release_before(release.id)?;
            Ok(vec![Row::Release(Release {
                state: state.unwrap_or(before.state),
                rollout_percentage: rollout_percentage.unwrap_or(before.rollout_percentage),
                revision: seq,
                updated_at: entry.time,
                ..before
            })])
        }
        Change::ChannelRolledBack { to, recalled, .. } => {
            let recalled = recalled.iter().map(|r| (r.id, ReleaseState::Recalled));
            recalled
                .chain([(to.id, ReleaseState::Active)])
                .map(|(id, state)| release_with_state(id, state))
                .collect()
        }
        Change::DeltaAdded(added) => Ok(vec![Row::Delta(delta(added))]),
    }
}

fn release(seq: u64, created: &CreatedRelease) -> Release {
    Release {
        id: created.id,
        version: created.version.clone(),
        channel: created.channel.clone(),
        state: created.state,
        is_mandatory: created.is_mandatory,
        release_notes: created.release_notes.clone(),
        minimum_client_version: created.minimum_client_version.clone(),
        file_name: created.file_name.clone(),
        blob: BlobRef {
            checksum: created.checksum,
            size_bytes: created.size_bytes,
        },
        rollout_percentage: created.rollout_percentage,
        platforms: created.platforms.clone(),
        signature: created.signature.clone(),
        created_by: created.created_by.clone(),
        created_at: created.created_at,
        updated_at: created.created_at,
        revision: seq,
    }
}

fn delta(added: &AddedDelta) -> Delta {
    Delta {
        from: if added.from_nothing {
            DeltaSource::Nothing
        } else {
            DeltaSource::Version(added.from.clone())
        },
        to: added.to.clone(),
        format: added.format.clone(),
        blob: BlobRef {
            checksum: added.checksum,
            size_bytes: added.size_bytes,
        },
        source_checksum: added.source_checksum,
        target_checksum: added.target_checksum,
        created_at: added.created_at,
    }
}
