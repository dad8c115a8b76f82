//! What a user reads when something is wrong: what, why, what to do, the code, the request id and the exit code.

use tests::{Daemon, Relctl};

use super::{jar, relctl};
use crate::BINARIES;
use crate::jars::small_jar;

#[test]
fn each_error_says_what_why_and_what_to_do() {
    let daemon = Daemon::start(BINARIES);
    let path = jar(&daemon, "1.0.0");
    let _ = daemon.relctl(["publish"]).path(&path).succeed();
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let jane = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    let expired = daemon
        .relctl(["token", "create", "--user", "jane", "--json"])
        .run();
    let expired = expired.exits_with(0).json();
    let id = expired["data"]["tokenId"].as_str().unwrap();
    let _ = daemon.relctl(["token", "revoke", id]).succeed();
    std::fs::write(&path, small_jar("1.0.1")).unwrap();
    std::fs::write(
        daemon.home().join("broken.jar"),
        fixtures::broken::zip_slip(),
    )
    .unwrap();

    let here = |words: &[&'static str]| {
        daemon
            .relctl(words.iter().copied())
            .in_folder(daemon.home())
    };
    let alone = |words: &[&'static str]| relctl(words.iter().copied());
    let revoked = expired["data"]["token"].as_str().unwrap();
    let cases: Vec<(&str, Relctl<'_>)> = vec![
        ("versions show 1.0.1", here(&["versions", "show", "1.0.1"])),
        ("versions show 7.7.7", here(&["versions", "show", "7.7.7"])),
        (
            "versions rollback",
            here(&[
                "versions",
                "rollback",
                "--channel",
                "stabel",
                "--to",
                "1.0.0",
            ]),
        ),
        (
            "publish of other bytes",
            here(&[
                "publish",
                "app-1.0.0.jar",
                "--version",
                "1.0.0",
                "--delta-from",
                "none",
                "--quiet",
            ]),
        ),
        (
            "publish of a damaged file",
            here(&["publish", "broken.jar", "--version", "2.0.0"]),
        ),
        ("publish of no file", here(&["publish", "missing.jar"])),
        (
            "a role that is not enough",
            here(&["versions", "list"]).token(jane.trim()),
        ),
        (
            "a revoked token",
            here(&["versions", "list"]).token(revoked),
        ),
        (
            "a user that is there",
            here(&["user", "add", "jane", "--role", "USER"]),
        ),
        ("no token", alone(&["versions", "list"])),
        ("a token that is none", alone(&["whoami"]).token("a b")),
        (
            "no daemon",
            alone(&["whoami", "--url", "http://127.0.0.1:1"]).token("a.b.c"),
        ),
        (
            "no address",
            alone(&["whoami", "--url", "localhost"]).token("a.b.c"),
        ),
        ("a slip", alone(&["publsh"])),
        (
            "a wrong value",
            alone(&["publish", "a.jar", "--rollout", "101"]),
        ),
        ("no setting", alone(&["config", "get", "chanel"])),
        ("no profile", alone(&["whoami", "--profile", "prod"])),
        ("no schema", alone(&["schema", "publsh"])),
    ];
    let mut said = String::new();
    for (name, call) in cases {
        let finished = call.env("RUST_BACKTRACE", "full").run();
        assert_eq!(finished.stdout, "", "{}", finished.story());
        assert!(
            !finished.stderr.contains("backtrace"),
            "{}",
            finished.story()
        );
        let code = finished.code.unwrap_or(-1);
        said.push_str(&format!("== {name} ({code})\n{}\n", finished.stderr));
    }
    insta::assert_snapshot!(without_accidents(&said, &daemon));
}

/// Addresses, folders and ids differ from run to run.
fn without_accidents(text: &str, daemon: &Daemon) -> String {
    let text = text.replace(daemon.url(), "http://DAEMON");
    let text = text.replace(&daemon.home().display().to_string(), "HOME");
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let body = word.trim_end_matches([' ', '\n', ')']);
        let end = &word[body.len()..];
        let is_id = body.len() == 36 && body.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
        match (is_id, body.parse::<protocol::Timestamp>()) {
            (true, _) => format!("ID{end}"),
            (false, Ok(_)) => format!("TIME{end}"),
            (false, Err(_)) => word.to_owned(),
        }
    });
    words.collect()
}
