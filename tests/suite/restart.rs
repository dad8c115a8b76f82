//! A daemon that is stopped and started again is the same daemon.

use serde_json::{Value, json};

use protocol::api::paths;
use tests::{Daemon, Socket, Upload};

use crate::BINARIES;
use crate::jars::small_jar;

/// Everything that an administrator can see and that must not change by itself.
async fn what_the_administrator_sees(daemon: &Daemon) -> Vec<(String, Value)> {
    let api = daemon.api();
    let mut seen = vec![(
        "releases".to_owned(),
        json!(crate::all_releases(&api).await),
    )];
    for path in [
        format!("{}/versions/1.0.0/history", paths::ADMIN),
        format!("{}/versions/1.1.0/history", paths::ADMIN),
        format!("{}/users", paths::IDENTITY),
        format!("{}/tokens", paths::IDENTITY),
        format!("{}/delta/1.0.0/1.1.0", paths::CLIENT),
    ] {
        let answer = api.get(&path).await.is(200);
        seen.push((path, answer.data()));
    }
    seen
}

#[tokio::test]
async fn a_restart_keeps_releases_deltas_users_tokens_revocations_and_history() {
    let mut daemon = Daemon::start(BINARIES);
    let folder = daemon.home().to_owned();
    for version in ["1.0.0", "1.1.0"] {
        let jar = folder.join(format!("app-{version}.jar"));
        std::fs::write(&jar, crate::jars::large_jar(version)).unwrap();
        let _ = daemon
            .relctl(["publish"])
            .path(&jar)
            .args(["--version", version, "--notes", "Faster"])
            .succeed();
    }
    let _ = daemon.relctl(["versions", "disable", "1.0.0"]).succeed();
    let _ = daemon
        .relctl(["user", "add", "jane", "--role", "USER"])
        .succeed();
    let _ = daemon
        .relctl(["user", "add", "joe", "--role", "USER"])
        .succeed();
    let _ = daemon.relctl(["user", "disable", "joe"]).succeed();
    let kept = daemon
        .relctl(["token", "create", "--user", "jane"])
        .succeed();
    let tokens = format!("{}/tokens", paths::IDENTITY);
    let revoked = daemon
        .api()
        .post(&tokens, &json!({ "username": "jane", "ttlSeconds": 3600 }))
        .await
        .is(201)
        .data();
    let path = format!("{tokens}/{}", revoked["tokenId"].as_str().unwrap());
    let _ = daemon.api().delete(&path).await.is(200);
    let secret = std::fs::read(daemon.data_dir().join("jwt.secret")).unwrap();
    let before = what_the_administrator_sees(&daemon).await;

    daemon.restart();

    let after = what_the_administrator_sees(&daemon).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(
        secret,
        std::fs::read(daemon.data_dir().join("jwt.secret")).unwrap()
    );
    let _ = daemon.api_as(kept.trim()).get(paths::WHOAMI).await.is(200);
    let revoked = daemon.api_as(revoked["token"].as_str().unwrap());
    revoked
        .get(paths::WHOAMI)
        .await
        .is_refused(401, "UNAUTHORIZED");
    let bytes = daemon.api().download("1.1.0").await.is(200).body;
    assert!(bytes == crate::jars::large_jar("1.1.0"));
    assert!(!daemon.log().contains("WARN"), "{}", daemon.log());
}

#[tokio::test]
async fn a_restart_keeps_the_statistics() {
    let mut daemon = Daemon::start(BINARIES);
    let upload = Upload::new("1.1.0", small_jar("1.1.0"));
    let _ = daemon.api().publish(&upload).await.is(201);
    let _ = daemon.api().download("1.1.0").await.is(200);
    let mut socket = Socket::open(&daemon, &daemon.admin_token()).await;
    socket.register("desktop-1", "1.0.0").await;
    socket
        .send(
            "INSTALLATION_COMPLETED",
            json!({ "version": "1.1.0", "success": true }),
        )
        .await;
    socket.settle().await;
    socket.close().await;
    let path = format!("{}/statistics", paths::ADMIN);
    let before = tests::wait::until("the last byte to be counted", async || {
        let statistics = daemon.api().get(&path).await.is(200).data();
        (statistics["totalDownloads"] == 1).then_some(statistics)
    })
    .await;
    assert_eq!(before["successfulInstallations"], 1);

    daemon.restart();

    let after = daemon.api().get(&path).await.is(200).data();
    for field in [
        "totalDownloads",
        "successfulInstallations",
        "totalVersions",
        "activeVersions",
        "since",
    ] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert_eq!(
        before["versions"][0]["bytesSent"],
        after["versions"][0]["bytesSent"]
    );
}

#[tokio::test]
async fn a_second_daemon_on_the_same_folder_refuses_to_start() {
    let daemon = Daemon::start(BINARIES);
    let mut second = tests::process::Process::start(
        std::process::Command::new(BINARIES.relctld)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(daemon.data_dir()),
    );
    let status = second.wait(tests::wait::PATIENCE);
    assert!(!status.success(), "{second:?}");
    let said = second.said(tests::process::Stream::Stderr);
    assert!(
        said.contains("LOCK") || said.contains("another"),
        "it does not say why: {second:?}"
    );
    let _ = daemon.api().get("/readyz").await.is(200);
}

#[tokio::test]
async fn secrets_are_readable_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let daemon = Daemon::start(BINARIES);
    for name in ["jwt.secret", "admin.token"] {
        let file = std::fs::metadata(daemon.data_dir().join(name)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let folder = std::fs::metadata(daemon.data_dir()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert!(
        !daemon.story().contains(&daemon.admin_token()),
        "the token was printed"
    );
}
