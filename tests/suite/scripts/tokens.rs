//! Where tokens come from and where they never go.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use tests::{Daemon, Relctl};

use super::relctl;
use crate::BINARIES;

/// A user who has no token yet.
struct User(TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn relctl<'a>(
        &self,
        url: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Relctl<'static> {
        let home = self.0.path().display().to_string();
        relctl(arguments)
            .env("XDG_CONFIG_HOME", &home)
            .env("RELCTL_URL", url)
    }

    fn log_in(&self, daemon: &Daemon) {
        let token = self.0.path().join("token");
        std::fs::write(&token, daemon.admin_token()).unwrap();
        let login = self
            .relctl(daemon.url(), ["login", "--token-file"])
            .path(&token);
        let said = login.run().exits_with(0);
        assert!(!said.story().contains(daemon.admin_token().trim()));
        std::fs::remove_file(token).unwrap();
    }
}

#[test]
fn who_logged_in_needs_no_token_until_logging_out() {
    let (one, two) = (Daemon::start(BINARIES), Daemon::start(BINARIES));
    let user = User::new();
    let _ = user.relctl(one.url(), ["whoami"]).run().exits_with(4);
    user.log_in(&one);
    user.relctl(one.url(), ["whoami"]).succeed();
    let slash = format!("{}/", one.url());
    user.relctl(&slash, ["whoami"]).succeed();
    // What was stored for one daemon is shown to no other.
    let refused = user
        .relctl(two.url(), ["whoami", "--json"])
        .run()
        .exits_with(4);
    assert_eq!(refused.json()["error"]["code"], "NO_TOKEN");
    let bad = user.relctl(one.url(), ["whoami"]).token("a.b.c").run();
    assert_eq!(bad.code, Some(4), "a variable comes before it");
    user.relctl(one.url(), ["logout"]).succeed();
    let _ = user.relctl(one.url(), ["whoami"]).run().exits_with(4);
}

#[test]
fn a_stored_token_is_for_its_owner_only() {
    let daemon = Daemon::start(BINARIES);
    let user = User::new();
    user.log_in(&daemon);
    let file = user.0.path().join("relctl/credentials.toml");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    mode(0o644).unwrap();
    let refused = user.relctl(daemon.url(), ["whoami"]).run().exits_with(4);
    assert!(refused.stderr.contains("chmod 600"), "{}", refused.story());
    mode(0o600).unwrap();
    user.relctl(daemon.url(), ["whoami"]).succeed();
}

#[test]
fn a_token_that_does_not_count_is_not_stored() {
    let daemon = Daemon::start(BINARIES);
    let user = User::new();
    let token = user.0.path().join("token");
    std::fs::write(&token, "a.b.c").unwrap();
    let login = || {
        user.relctl(daemon.url(), ["login", "--token-file"])
            .path(&token)
    };
    let refused = login().run().exits_with(4);
    assert!(
        refused.stderr.contains("cannot log in"),
        "{}",
        refused.story()
    );
    assert!(!user.0.path().join("relctl/credentials.toml").exists());
}

#[test]
fn no_token_is_shown_by_what_shows_settings() {
    let daemon = Daemon::start(BINARIES);
    let user = User::new();
    user.log_in(&daemon);
    for words in [
        &["config", "show", "--origin", "--all"][..],
        &["doctor"],
        &["config", "path"],
    ] {
        for format in [&[][..], &["--json"]] {
            let call = user.relctl(daemon.url(), words.iter().copied());
            let finished = call.args(format.iter().copied()).run().exits_with(0);
            assert!(
                !finished.story().contains(daemon.admin_token().trim()),
                "{words:?}"
            );
        }
    }
}
