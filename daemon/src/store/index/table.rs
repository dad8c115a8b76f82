//! What kinds of rows there are, and their keys.

use protocol::{ReleaseId, TokenId, Username};
use sha2::{Digest, Sha256};

use super::IndexError;
use crate::store::records::{Delta, Release, Token, User};

/// The first byte of a key.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Table {
    Meta = b'm',
    Release = b'r',
    Delta = b'd',
    User = b'u',
    Token = b't',
    Revoked = b'x',
    History = b'h',
}

impl Table {
    pub(super) fn prefix(self) -> Vec<u8> {
        vec![self as u8]
    }

    fn key(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = self.prefix();
        for part in parts {
            key.extend_from_slice(part);
        }
        key
    }
}

/// Something that a record changed, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Row {
    Release(Release),
    Delta(Delta),
    User(User),
    Token(Token),
    Revoked {
        jti: String,
    },
    /// The record at this offset is about this release.
    History {
        release: ReleaseId,
        seq: u64,
        offset: u64,
    },
}

impl Row {
    /// Its key and value.
    pub(super) fn encode(&self) -> Result<(Vec<u8>, Vec<u8>), IndexError> {
        let (key, value) = match self {
            Self::Release(release) => (release_key(release.id), serde_json::to_vec(release)),
            Self::Delta(delta) => (delta_key(delta), serde_json::to_vec(delta)),
            Self::User(user) => (user_key(&user.username), serde_json::to_vec(user)),
            Self::Token(token) => (token_key(token.id), serde_json::to_vec(token)),
            Self::Revoked { jti } => (revoked_key(jti), serde_json::to_vec(&true)),
            Self::History {
                release,
                seq,
                offset,
            } => {
                let key = [&history_prefix(*release)[..], &seq.to_be_bytes()].concat();
                (key, serde_json::to_vec(offset))
            }
        };
        Ok((key, value.map_err(IndexError::Row)?))
    }
}

pub(super) fn release_key(id: ReleaseId) -> Vec<u8> {
    Table::Release.key(&[id.as_str().as_bytes()])
}

/// Neither versions nor formats contain the byte 0.
fn delta_key(delta: &Delta) -> Vec<u8> {
    let (from, to) = (delta.from.to_string(), delta.to.to_string());
    let format = delta.format.as_bytes();
    Table::Delta.key(&[to.as_bytes(), &[0], from.as_bytes(), &[0], format, &[0]])
}

/// User names differ in length; none contains the byte 0.
pub(super) fn user_key(name: &Username) -> Vec<u8> {
    Table::User.key(&[name.as_str().as_bytes(), &[0]])
}

pub(super) fn token_key(id: TokenId) -> Vec<u8> {
    Table::Token.key(&[id.as_str().as_bytes()])
}

/// A foreign issuer's `jti` may be any text of any length, so its hash stands for it.
pub(super) fn revoked_key(jti: &str) -> Vec<u8> {
    Table::Revoked.key(&[&Sha256::digest(jti)])
}

/// The sequence number follows, so that the history of a release is in order.
pub(super) fn history_prefix(release: ReleaseId) -> Vec<u8> {
    Table::History.key(&[release.as_str().as_bytes()])
}
