//! What only tests do with an index, and the pieces that values are cut into.

use std::path::Path;

use super::*;

/// How long the longest value in this folder is.
pub(in crate::store) fn longest_value(folder: &Path) -> usize {
    let rows = Rows::open_sled(folder).unwrap();
    let mut longest = 0;
    rows.visit(&[], |_, value| longest = longest.max(value.len()))
        .unwrap();
    longest
}

/// Adds a row that nobody understands, in a way that the digest is right.
pub(in crate::store) fn add_unreadable_row(folder: &Path) {
    let rows = Rows::open_sled(folder).unwrap();
    let mut meta = None;
    let meta_key = Table::Meta.prefix();
    rows.visit(&meta_key, |_, value| meta = Some(value.to_vec()))
        .unwrap();
    let mut meta: Meta = decode(&meta.unwrap()).unwrap();
    let key = [&Table::User.prefix()[..], b"eve\0", &[0, 0]].concat();
    meta.digest.add(&key, b"{}");
    let meta = serde_json::to_vec(&meta).unwrap();
    rows.write(vec![(key, Some(b"{}".to_vec())), (meta_key, Some(meta))])
        .unwrap();
}

/// An index on a sled that fails whatever it is asked.
pub(in crate::store) fn broken() -> Index {
    Index::empty(Rows::closed_sled())
}
