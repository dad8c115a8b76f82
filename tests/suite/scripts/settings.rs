//! Flags over variables over files over defaults, seen from outside.

use tempfile::TempDir;
use tests::{Daemon, Relctl};

use super::relctl;
use crate::BINARIES;

/// A folder with a `relctl.toml`, in a home with a file of its own.
struct Project(TempDir);

impl Project {
    fn new(project: &str, user: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (folder, name, text) in [
            ("project", "relctl.toml", project),
            ("config/relctl", "config.toml", user),
        ] {
            let folder = home.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), text).unwrap();
        }
        std::fs::create_dir(home.path().join("project/below")).unwrap();
        Self(home)
    }

    fn relctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Relctl<'static> {
        let config = self.0.path().join("config").display().to_string();
        relctl(arguments)
            .env("XDG_CONFIG_HOME", &config)
            .in_folder(&self.0.path().join("project/below"))
    }

    fn value(&self, call: Relctl<'_>) -> String {
        call.succeed().trim_end().to_owned()
    }
}

#[test]
fn the_nearest_word_counts() {
    let project = Project::new(
        "channel = 'beta'\n[publish]\nrollout = '10%'\n[profiles.prod]\nchannel = 'stable'",
        "channel = 'alpha'\ntimeout = '30s'",
    );
    let channel = || project.relctl(["config", "get", "channel"]);
    assert_eq!(project.value(channel()), "beta");
    assert_eq!(
        project.value(channel().args(["--profile", "prod"])),
        "stable"
    );
    assert_eq!(
        project.value(channel().env("RELCTL_PROFILE", "prod")),
        "stable"
    );
    assert_eq!(
        project.value(channel().env("RELCTL_CHANNEL", "nightly")),
        "nightly"
    );
    assert_eq!(project.value(channel().env("RELCTL_CHANNEL", "")), "beta");
    assert_eq!(
        project.value(channel().args(["--config", "none"])),
        "stable"
    );
    let timeout = || project.relctl(["config", "get", "timeout"]);
    assert_eq!(project.value(timeout()), "30s");
    assert_eq!(project.value(timeout().args(["--timeout", "5s"])), "5s");
    let rollout = project.relctl(["config", "get", "publish.rollout"]);
    assert_eq!(project.value(rollout), "10%");

    let shown = project.relctl(["config", "show", "--origin"]).succeed();
    for words in ["project/relctl.toml", "config/relctl/config.toml"] {
        assert!(shown.contains(words), "{shown}");
    }
    let _ = project
        .relctl(["config", "get", "ca-cert"])
        .run()
        .exits_with(5);
}

#[test]
fn a_file_that_cannot_be_used_stops_all_but_what_helps_to_mend_it() {
    let project = Project::new("urk = 'http://x'", "");
    let refused = project.relctl(["versions", "list", "--json"]).run();
    let document = refused.exits_with(12).json();
    assert_eq!(document["error"]["code"], "CONFIG");
    assert_eq!(document["error"]["help"][0], "did you mean url?");
    let doctor = project
        .relctl(["doctor", "--url", "http://127.0.0.1:1"])
        .run();
    let doctor = doctor.exits_with(12);
    assert!(doctor.stdout.contains("urk"), "{}", doctor.story());
    for words in [
        &["help", "environment"][..],
        &["schema"],
        &["config", "path"],
    ] {
        project.relctl(words.iter().copied()).succeed();
    }
}

#[test]
fn a_switch_is_on_by_its_variable_and_off_by_an_empty_one() {
    let document = |value: &str| {
        let call = relctl(["config", "get", "color"]).env("RELCTL_JSON", value);
        call.succeed().starts_with('{')
    };
    assert!(document("1") && document("true"));
    assert!(!document("") && !document("0") && !document("false"));
}

#[test]
fn doctor_sees_a_daemon_that_is_well() {
    let daemon = Daemon::start(BINARIES);
    let report = daemon
        .relctl(["doctor", "--json"])
        .run()
        .exits_with(0)
        .json();
    assert_eq!(report["data"]["healthy"], true, "{report:#}");
    let checks = report["data"]["checks"].as_array().unwrap();
    let status = |id: &str| {
        let check = checks.iter().find(|check| check["id"] == id);
        check.unwrap_or_else(|| panic!("{report:#}"))["status"].clone()
    };
    for id in [
        "configuration",
        "address",
        "daemon",
        "version",
        "clock",
        "tls",
        "token",
    ] {
        assert_eq!(status(id), "ok", "{id}: {report:#}");
    }
    let bad = daemon.relctl(["doctor"]).token("a.b.c").run().exits_with(4);
    assert!(bad.stdout.contains("relctl token create") || bad.stdout.contains("RELCTL_TOKEN"));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = relctl(["completions", shell]).succeed();
        for word in ["publish", "rollback", "delta-from", "doctor"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    relctl(["man"]).path(folder.path()).succeed();
    for page in ["relctl.1", "relctl-publish.1", "relctl-versions-list.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
}

#[test]
fn an_application_starts_whatever_stands_in_the_users_file() {
    for text in ["urk = 1", "[client.run]\nmax-crashes = 0", "timeout = "] {
        let project = Project::new("", text);
        let folder = project.0.path().join("app");
        let run = project.relctl(["client", "run", "--app-dir"]).path(&folder);
        // Nothing is installed: that, and not the file, is what stops it.
        let finished = run.run().exits_with(5);
        let said = &finished.stderr;
        assert!(
            said.contains("warning: no settings are used"),
            "{}",
            finished.story()
        );
        assert!(
            said.contains("nothing can be started"),
            "{}",
            finished.story()
        );
    }
}
