//! What a pipeline relies on blindly: schemas, endings, settings, and errors that say what to do. `docs/cli.md` is the
//! promise.

mod endings;
mod errors;
mod schemas;
mod settings;
mod tokens;

use std::path::PathBuf;

use tests::{Daemon, Relctl};

use crate::BINARIES;
use crate::jars::small_jar;

fn relctl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Relctl<'static> {
    Relctl::new(BINARIES.relctl).args(arguments)
}

/// A JAR of that version in the daemon's home.
fn jar(daemon: &Daemon, version: &str) -> PathBuf {
    let path = daemon.home().join(format!("app-{version}.jar"));
    std::fs::write(&path, small_jar(version)).unwrap();
    path
}
