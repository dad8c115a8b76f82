//! Which entry names are safe.
