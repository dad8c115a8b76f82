//! One small number for all that the index holds.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The sum of the hashes of all rows. Order does not matter, so it is kept up to date with what each batch changes.
///
/// It guards against accidents of sled and the disk. Against people it guards nothing: whoever can write the index can
/// write the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digest([u64; 2]);

impl Digest {
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        let Self(sum) = self;
        let Self(hash) = Self::of(key, value);
        *sum = [sum[0].wrapping_add(hash[0]), sum[1].wrapping_add(hash[1])];
    }

    pub(super) fn remove(&mut self, key: &[u8], value: &[u8]) {
        let Self(sum) = self;
        let Self(hash) = Self::of(key, value);
        *sum = [sum[0].wrapping_sub(hash[0]), sum[1].wrapping_sub(hash[1])];
    }

    fn of(key: &[u8], value: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        // The length first, so that no byte can move between key and value unseen.
        hasher.update(key.len().to_le_bytes());
        hasher.update(key);
        hasher.update(value);
        let hash: [u8; 32] = hasher.finalize().into();
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        Self([number(0), number(8)])
    }
}
