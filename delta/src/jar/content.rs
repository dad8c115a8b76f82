//! Unpacks entries to check them.
