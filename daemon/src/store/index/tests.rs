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

/// An index on a sled that fails whatever it is asked.
pub(in crate::store) fn broken() -> Index {
    Index::empty(Rows::closed_sled())
}
