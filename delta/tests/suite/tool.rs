//! Runs the machine's own tools.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Runs a tool in a folder and gives what it printed; fails the test, with all it said, if it fails.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, program: &str, args: &[A]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program}: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}
