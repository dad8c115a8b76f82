//! What `docs/ci.md` promises to pipelines: its shell script is run, its options exist, and GitHub's files are written.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::process::{Process, Stream};
use tests::{Daemon, Relctl};

use super::{CONFLICT, publish, write};
use crate::BINARIES;
use crate::jars::small_jar;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_shell_script_of_the_documentation_publishes_and_can_be_run_again() {
    let daemon = Daemon::start(BINARIES);
    let home = daemon.home();
    let text = document();
    let (_, rest) = text.split_once("```sh\n#!/bin/sh\n").expect("a script");
    let (script, _) = rest.split_once("```").unwrap();
    std::fs::write(home.join("publish.sh"), script).unwrap();
    std::fs::create_dir(home.join("bin")).unwrap();
    symlink(BINARIES.relctl, home.join("bin/relctl")).unwrap();
    std::fs::write(home.join("CHANGES.md"), "Bug fixes and improvements\n").unwrap();
    write(home, &small_jar("1.0.0"));
    let run = || {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        command
            .args(["publish.sh", "app.jar"])
            .current_dir(home)
            .env("PATH", format!("{}/bin:{path}", home.display()))
            .env("RELCTL_URL", daemon.url())
            .env("RELCTL_TOKEN", daemon.admin_token());
        let mut script = Process::start(&mut command);
        let status = script.wait(Duration::from_secs(60));
        (
            status.code(),
            script.said(Stream::Stdout),
            format!("{script:?}"),
        )
    };
    let (code, said, story) = run();
    assert_eq!(code, Some(0), "{story}");
    assert!(said.contains("1.0.0"), "{story}");
    let (code, _, story) = run();
    assert_eq!(code, Some(0), "{story}");
    write(home, &small_jar("1.0.1"));
    let other = publish(&daemon, daemon.url(), &home.join("app.jar")).args(["--version", "1.0.0"]);
    let _ = other.run().exits_with(CONFLICT);
}

#[test]
fn each_option_in_the_documentation_exists() {
    let text = document();
    let mut seen = 0;
    for line in text.lines().filter(|line| line.contains("relctl ")) {
        let Some((_, call)) = line.split_once("relctl ") else {
            continue;
        };
        let command = call.split_whitespace().next().unwrap();
        if !matches!(command, "publish" | "watch" | "package") {
            continue;
        }
        let help = Relctl::new(BINARIES.relctl)
            .args([command, "--help"])
            .succeed();
        let options = call
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        for option in options {
            let option = option.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            assert!(
                help.contains(option),
                "relctl {command} has no {option}: {line}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn github_is_told_of_results_and_of_failures() {
    let daemon = Daemon::start(BINARIES);
    let home = daemon.home();
    let jar = write(home, &small_jar("1.0.0"));
    let (outputs, summary) = (home.join("outputs"), home.join("summary"));
    let on_github = |url: &str| {
        publish(&daemon, url, &jar)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", outputs.to_str().unwrap())
            .env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())
    };
    let _ = on_github(daemon.url()).succeed();
    let told = std::fs::read_to_string(&outputs).unwrap();
    let sha256 = format!("sha256={}\n", crate::sha256(&small_jar("1.0.0")));
    assert!(
        told.contains("version=1.0.0\n") && told.contains(&sha256),
        "{told}"
    );
    let told = std::fs::read_to_string(&summary).unwrap();
    assert!(
        told.starts_with("### relctl: published 1.0.0 on stable\n"),
        "{told}"
    );

    write(home, &small_jar("1.0.1"));
    let refused = on_github(daemon.url()).args(["--version", "1.0.0", "--quiet"]);
    let refused = refused.run().exits_with(CONFLICT);
    let line = refused
        .stderr
        .lines()
        .find(|line| line.starts_with("::error "));
    let line = line.unwrap_or_else(|| panic!("{}", refused.story()));
    assert!(
        line.starts_with("::error title=relctl publish (CONFLICT)::"),
        "{line}"
    );
    assert!(refused.json()["ok"] == false);
}
