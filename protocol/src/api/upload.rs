//! Uploads that go on where they were cut, as their owner sees them. How bytes get there is tus 1.0.0; see PROTOCOL.md.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, UploadId};

/// An upload that was begun and not yet used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadView {
    /// What a create names in its part `upload`.
    pub id: UploadId,
    /// Where it goes on.
    pub url: String,
    /// How many bytes are there.
    pub offset: u64,
    /// How many there will be.
    pub length: u64,
    /// What its owner said about it (`Upload-Metadata`), decoded. `relctl` says `filename` and `sha256`.
    pub metadata: BTreeMap<String, String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it goes away, unless something arrives before.
    pub expires_at: Timestamp,
}
