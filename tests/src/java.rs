//! The JVM's word: a JAR is right when `java -jar` runs it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::fail;
use crate::process::{Process, Stream};

/// A JVM starts within a second; on a busy machine it takes several.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an executable JAR prints.
#[track_caller]
pub fn run_jar(jar: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("java");
    command.arg("-jar").arg(jar).args(arguments);
    let mut process = Process::start(&mut command);
    let status = process.wait(PATIENCE);
    if !status.success() {
        fail(format!("it ended with {status}"), &process.story());
    }
    process.said(Stream::Stdout)
}
