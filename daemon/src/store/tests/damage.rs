//! The data folder after accidents: whatever happens to the index, nothing is lost.
