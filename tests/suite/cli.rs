//! The command line as scripts rely on it: exit codes, JSON, and files that other tools accept.
