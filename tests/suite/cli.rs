//! The command line as scripts rely on it: exit codes, JSON documents, and files that other tools accept.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use fixtures::java::{Demo, MAIN_CLASS, compile};
use fixtures::{broken, jars};
use tests::process::{Process, Stream};
use tests::wait::PATIENCE;
use tests::{Daemon, Relctl, java};

use crate::BINARIES;
use crate::jars::small_jar;

/// Exit codes that scripts rely on; the help of `relctl` lists all.
mod exit {
    pub(super) const USAGE: i32 = 2;
    pub(super) const CHECK_FAILED: i32 = 3;
    pub(super) const REFUSED: i32 = 4;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const CONFLICT: i32 = 6;
    pub(super) const NETWORK: i32 = 8;
}

#[test]
fn help_is_success_and_a_wrong_argument_is_not() {
    let help = relctl(["--help"]).run().exits_with(0);
    assert!(help.stdout.contains("publish"), "{}", help.story());
    let version = relctl(["--version"]).succeed();
    assert!(version.starts_with("relctl "), "{version}");
    for arguments in [
        vec!["--no-such-flag"],
        vec!["no-such-command"],
        vec!["publish"],
        vec!["token", "create", "--user", "x", "--ttl", "soon"],
    ] {
        let finished = relctl(arguments).run().exits_with(exit::USAGE);
        assert_eq!(finished.stdout, "", "{}", finished.story());
    }
}

#[test]
fn no_daemon_is_said_with_its_address() {
    let finished = relctl(["versions", "list"])
        .env("RELCTL_URL", "http://127.0.0.1:1")
        .token("some-token")
        .run()
        .exits_with(exit::NETWORK);
    assert!(
        finished.stderr.contains("127.0.0.1:1"),
        "{}",
        finished.story()
    );
}

#[test]
fn what_is_not_there_and_what_is_not_allowed_have_codes_of_their_own() {
    let daemon = Daemon::start(BINARIES);
    let _ = daemon
        .relctl(["versions", "show", "9.9.9"])
        .run()
        .exits_with(exit::NOT_FOUND);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let token = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    assert_eq!(token.lines().count(), 1, "stdout holds the token alone");
    let _ = daemon
        .relctl(["versions", "list"])
        .token(token.trim())
        .run()
        .exits_with(exit::REFUSED);
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .run()
        .exits_with(exit::CONFLICT);
}

#[test]
fn publishing_again_is_success_and_other_bytes_are_a_conflict() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), "app.jar", &small_jar("1.0.0"));
    let publish = || daemon.relctl(["publish", "--json"]).path(&jar).run();
    let first = publish().exits_with(0).json();
    let second = publish().exits_with(0).json();
    assert_eq!(data(&first)["version"], "1.0.0");
    assert_eq!(data(&second)["version"], "1.0.0");

    write(daemon.home(), "app.jar", &small_jar("1.0.1"));
    let finished = daemon
        .relctl(["publish", "--version", "1.0.0"])
        .path(&jar)
        .run()
        .exits_with(exit::CONFLICT);
    assert!(finished.stderr.contains("1.0.0"), "{}", finished.story());
    let show = daemon
        .relctl(["versions", "show", "1.0.0", "--json"])
        .run()
        .exits_with(0);
    assert!(
        show.stdout.contains(&crate::sha256(&small_jar("1.0.0"))),
        "{}",
        show.story()
    );
}

#[test]
fn a_broken_jar_is_refused_before_anything_is_sent() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), "app.jar", &broken::zip_slip());
    let arguments = ["--version", "1.0.0"];
    let finished = daemon.relctl(["publish"]).path(&jar).args(arguments).run();
    let _ = finished.exits_with(exit::CHECK_FAILED);
    let list = daemon
        .relctl(["versions", "list", "--json"])
        .run()
        .exits_with(0);
    assert!(!list.stdout.contains("1.0.0"), "{}", list.story());
}

#[test]
fn each_answer_in_json_is_one_document() {
    let daemon = Daemon::start(BINARIES);
    let jar = write(daemon.home(), "app.jar", &small_jar("1.0.0"));
    let _ = daemon.relctl(["publish"]).path(&jar).succeed();
    for arguments in [
        vec!["versions", "list"],
        vec!["versions", "show", "1.0.0"],
        vec!["versions", "disable", "1.0.0"],
        vec!["versions", "enable", "1.0.0"],
        vec!["user", "add", "jane", "--role", "USER"],
        vec!["user", "list"],
        vec!["token", "create", "--user", "jane"],
        vec!["whoami"],
        vec![
            "client",
            "check",
            "--channel",
            "stable",
            "--current-version",
            "0.9.0",
        ],
    ] {
        let finished = daemon
            .relctl(arguments)
            .args(["--json"])
            .run()
            .exits_with(0);
        let document = finished.json();
        assert!(document.is_object(), "{}", finished.story());
    }
    let missing = daemon.relctl(["versions", "show", "9.9.9", "--json"]).run();
    let missing = missing.exits_with(exit::NOT_FOUND);
    assert!(
        missing.json().to_string().contains("NOT_FOUND"),
        "{}",
        missing.story()
    );
}

#[test]
fn sha256sum_accepts_our_checksum_files_and_we_accept_its() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a.jar", b"some bytes");
    write(folder.path(), "b.jar", b"more bytes");
    let _ = relctl(["checksum", "create", "a.jar", "b.jar", "-o", "SHA256SUMS"])
        .in_folder(folder.path())
        .succeed();
    let mut check = Command::new("sha256sum");
    run(check.args(["-c", "SHA256SUMS"]).current_dir(folder.path()));

    let mut sums = Command::new("sha256sum");
    let theirs = run(sums.args(["a.jar", "b.jar"]).current_dir(folder.path()));
    write(folder.path(), "THEIRS", theirs.as_bytes());
    let _ = relctl(["checksum", "verify", "THEIRS"])
        .in_folder(folder.path())
        .succeed();

    write(folder.path(), "b.jar", b"less bytes");
    let failed = relctl(["checksum", "verify", "SHA256SUMS"])
        .in_folder(folder.path())
        .run()
        .exits_with(exit::CHECK_FAILED);
    let said = format!("{}{}", failed.stdout, failed.stderr);
    assert!(said.contains("b.jar"), "{}", failed.story());
}

#[test]
fn the_stock_zstd_undoes_our_deltas_and_so_do_we() {
    let folder = TempDir::new().unwrap();
    let (old, new) = jars::jar_pair(1, 1_000_000);
    write(folder.path(), "old.jar", &old);
    write(folder.path(), "new.jar", &new);
    let create = [
        "delta", "create", "old.jar", "new.jar", "-o", "patch", "--format", "zstd",
    ];
    let _ = relctl(create).in_folder(folder.path()).succeed();
    let patch = std::fs::read(folder.path().join("patch")).unwrap();
    assert!(
        patch.len() < new.len() / 2,
        "{} of {}",
        patch.len(),
        new.len()
    );

    let mut zstd = Command::new("zstd");
    zstd.args([
        "-q",
        "-d",
        "--patch-from=old.jar",
        "patch",
        "-o",
        "theirs.jar",
    ]);
    run(zstd.current_dir(folder.path()));
    assert!(std::fs::read(folder.path().join("theirs.jar")).unwrap() == new);

    let apply = ["delta", "apply", "old.jar", "patch", "-o", "ours.jar"];
    let _ = relctl(apply).in_folder(folder.path()).succeed();
    assert!(std::fs::read(folder.path().join("ours.jar")).unwrap() == new);

    // On the wrong file it leaves nothing behind.
    let wrong = ["delta", "apply", "new.jar", "patch", "-o", "wrong.jar"];
    let finished = relctl(wrong).in_folder(folder.path()).run();
    assert_ne!(finished.code, Some(0), "{}", finished.story());
    assert!(!folder.path().join("wrong.jar").exists());
}

#[test]
fn deltas_of_both_formats_rebuild_the_new_file_and_those_that_save_too_little_are_not_written() {
    let folder = TempDir::new().unwrap();
    let (old, new) = jars::jar_pair(1, 300_000);
    write(folder.path(), "old.jar", &old);
    write(folder.path(), "new.jar", &new);
    let create = |format: &'static str, ratio: &'static str| {
        let arguments = ["delta", "create", "old.jar", "new.jar", "-o", "patch"];
        let options = ["--json", "--format", format, "--max-ratio", ratio];
        relctl(arguments)
            .args(options)
            .in_folder(folder.path())
            .run()
    };
    for (format, made) in [("jar", "jar"), ("zstd", "zstd"), ("auto", "jar")] {
        let document = create(format, "60%").exits_with(0).json();
        assert_eq!(data(&document)["format"], made, "{document:#}");
        let inspect = ["delta", "inspect", "patch", "--json"];
        let inspected = relctl(inspect).in_folder(folder.path()).run();
        let inspected = inspected.exits_with(0).json();
        assert_eq!(data(&inspected)["format"], made, "{inspected:#}");
        assert_eq!(
            data(&inspected)["sizeBytes"],
            data(&document)["sizeBytes"],
            "{inspected:#}"
        );
        if made == "jar" {
            let stated = &data(&inspected)["stated"];
            assert_eq!(stated["targetSha256"], crate::sha256(&new), "{inspected:#}");
            let entries = &data(&inspected)["entries"];
            assert!(entries["copied"].is_u64(), "{inspected:#}");
            let streams = data(&inspected)["streams"].as_array();
            assert!(
                streams.is_some_and(|streams| !streams.is_empty()),
                "{inspected:#}"
            );
        }
        let apply = ["delta", "apply", "old.jar", "patch", "-o", "rebuilt.jar"];
        let _ = relctl(apply).in_folder(folder.path()).succeed();
        assert!(std::fs::read(folder.path().join("rebuilt.jar")).unwrap() == new);
        std::fs::remove_file(folder.path().join("patch")).unwrap();
    }

    let refused = create("auto", "0%").exits_with(exit::CHECK_FAILED);
    assert!(
        refused.stderr.contains("--max-ratio"),
        "{}",
        refused.story()
    );
    assert!(!folder.path().join("patch").exists());

    write(folder.path(), "old.jar", b"this is no JAR, ");
    write(
        folder.path(),
        "new.jar",
        b"this is no JAR, and neither is this",
    );
    let refused = create("jar", "100%").exits_with(exit::CHECK_FAILED);
    assert!(
        refused.stderr.contains("--format auto"),
        "{}",
        refused.story()
    );
}

#[test]
fn a_packed_folder_of_classes_runs_and_is_the_same_every_time() {
    let folder = TempDir::new().unwrap();
    compile(Demo::V1, &folder.path().join("classes"));
    for name in ["first.jar", "second.jar"] {
        let _ = relctl([
            "package",
            "classes",
            "--version",
            "1.0.0",
            "--main-class",
            MAIN_CLASS,
            "-o",
            name,
        ])
        .in_folder(folder.path())
        .succeed();
    }
    let [first, second] = ["first.jar", "second.jar"].map(|name| folder.path().join(name));
    assert_eq!(java::run_jar(&first, &["--version"]), "1.0.0\n");
    assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap());
}

#[test]
fn no_flag_takes_a_token_because_others_can_read_it_there() {
    let daemon = Daemon::start(BINARIES);
    let token = daemon.admin_token();
    let finished = daemon.relctl(["whoami", "--token", &token]).run();
    let _ = finished.exits_with(exit::USAGE);
    let file = write(daemon.home(), "token", token.as_bytes());
    let _ = Relctl::new(BINARIES.relctl)
        .on(&daemon)
        .args(["whoami", "--token-file"])
        .path(&file)
        .succeed();
}

fn relctl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Relctl<'static> {
    Relctl::new(BINARIES.relctl).args(arguments)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What a document is about, inside or without an envelope.
fn data(document: &Value) -> &Value {
    document.get("data").unwrap_or(document)
}

/// Runs somebody else's tool, which must succeed; its stdout.
#[track_caller]
fn run(command: &mut Command) -> String {
    let mut process = Process::start(command);
    let status = process.wait(PATIENCE);
    assert!(status.success(), "{process:?}");
    process.said(Stream::Stdout)
}
