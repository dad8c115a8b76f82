//! The networks of companies: a proxy with a password, a certificate of their own, and no WebSockets.

use fixtures::jars::jar_pair;
use serde_json::Value;
use tests::front::Reply;
use tests::relctl::Running;
use tests::wait::until;
use tests::{Daemon, Forward, Front, Relctl, Tls};

use protocol::api::paths;

use super::{app_dir, error, installed, publish_whole, update};
use crate::BINARIES;

#[tokio::test(flavor = "multi_thread")]
async fn http_and_the_live_session_go_through_the_proxy_of_the_environment() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &jar).await;
    let address = daemon.url().trim_start_matches("http://");
    let proxy = Forward::to(address).await.unwrap();
    let http = [
        "CONNECT relctld.example:8081 ",
        "GET http://relctld.example:8081/api/",
    ];
    let socks = ["SOCKS relctld.example:8081"; 2];
    for (variable, url, ways) in [
        ("HTTP_PROXY", proxy.url(), http),
        ("ALL_PROXY", proxy.url(), http),
        ("ALL_PROXY", &proxy.socks_url(), socks),
    ] {
        let before = proxy.asked().len();
        let running = update(&daemon, "http://relctld.example:8081")
            .env(variable, url)
            .start();
        until("a session and a question through the proxy", async || {
            let asked = proxy.asked().split_off(before);
            let began = |words: &&str| asked.iter().any(|line| line.starts_with(words));
            let connected = statistics(&daemon).await["connectedClients"] == 1;
            (connected
                && asked.len() >= 2
                && ways.iter().all(began)
                && app_dir(&daemon).join("current.json").exists())
            .then_some(())
        })
        .await;
        assert!(installed(&daemon) == ("1.0.0".into(), jar.clone()));
        gone(&daemon, running).await;
    }

    let refused = update(&daemon, "http://relctld.example:8081")
        .env("HTTP_PROXY", &proxy.url().replace("secret", "wrong"))
        .args(["--once"])
        .run()
        .exits_with(8);
    assert!(!refused.stdout.contains("wrong"), "{}", refused.story());
    let before = proxy.asked().len();
    let direct = update(&daemon, "http://relctld.example:8081")
        .env("HTTP_PROXY", proxy.url())
        .env("NO_PROXY", "relctld.example")
        .args(["--once"])
        .run()
        .exits_with(8);
    assert_eq!(error(&direct)["code"], "UNREACHABLE", "{}", direct.story());
    assert_eq!(proxy.asked().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_by_http_and_by_the_live_session() {
    let daemon = Daemon::start(BINARIES);
    let (jar, _) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &jar).await;
    let address = daemon.url().trim_start_matches("http://");
    let tls = Tls::before(address).await.unwrap();

    let stranger = update(&daemon, tls.url()).args(["--once"]).run();
    let stranger = stranger.exits_with(8);
    let message = error(&stranger)["message"].to_string();
    assert!(message.contains("certificate"), "{}", stranger.story());
    assert!(!app_dir(&daemon).join("current.json").exists());

    let authority = daemon.home().join("authority.pem");
    std::fs::write(&authority, tls.authority()).unwrap();
    let running = update(&daemon, tls.url())
        .env("RELCTL_CA_CERT", &authority.to_string_lossy())
        .start();
    until("a desktop with a session", async || {
        let connected = statistics(&daemon).await["connectedClients"] == 1;
        (connected && app_dir(&daemon).join("current.json").exists()).then_some(())
    })
    .await;
    assert!(installed(&daemon) == ("1.0.0".into(), jar));
    gone(&daemon, running).await;

    std::fs::write(&authority, "no certificate").unwrap();
    let useless = update(&daemon, tls.url())
        .args(["--once", "--ca-cert"])
        .path(&authority)
        .run()
        .exits_with(12);
    assert_eq!(error(&useless)["code"], "INVALID_CA_CERT");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_websocket_passes_updates_are_asked_for_and_reported_by_http() {
    let daemon = Daemon::start(BINARIES);
    let (first, second) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &first).await;
    let front = Front::of(daemon.url(), |_| Reply::Forward).await;

    // A session is wanted and cannot be had: the first question is asked all the same.
    let running = update(&daemon, front.url()).start();
    until("the first version", async || {
        let installed = app_dir(&daemon).join("versions/1.0.0/app.jar").exists();
        (installed && succeeded(&daemon, "1.0.0").await == 1).then_some(())
    })
    .await;
    drop(running);

    let running = update(&daemon, front.url()).args(["--poll", "1s"]).start();
    until("a question that finds nothing new", async || {
        let asked = front.asked("/check?currentVersion=1.0.0");
        (!asked.is_empty()).then_some(())
    })
    .await;
    publish_whole(&daemon, "1.1.0", &second).await;
    let updated = running.wait_for_json("an update", |line| line["data"]["updated"] == true);
    assert_eq!(updated["data"]["toVersion"], "1.1.0");
    assert!(installed(&daemon) == ("1.1.0".into(), second));
    until("its report", async || {
        (succeeded(&daemon, "1.1.0").await == 1).then_some(())
    })
    .await;
    assert!(front.asked("/reports").len() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_broke_comes_back_registers_again_and_asks_once() {
    let mut daemon = Daemon::start(BINARIES);
    let (first, second) = jar_pair(1, 300_000);
    publish_whole(&daemon, "1.0.0", &first).await;
    let running = Relctl::new(BINARIES.relctl)
        .token(daemon.admin_token())
        .env("RELCTL_URL", daemon.url())
        .args(["client", "update", "--client-id", "desktop-1", "--app-dir"])
        .path(&app_dir(&daemon))
        .start();
    until("the first version", async || {
        (succeeded(&daemon, "1.0.0").await == 1).then_some(())
    })
    .await;

    daemon.kill();
    daemon.start_again_where_it_was();
    // Published while nobody is there to hear of it, or just after: both are the same to who asks.
    publish_whole(&daemon, "1.1.0", &second).await;

    until("the second version", async || {
        (succeeded(&daemon, "1.1.0").await == 1).then_some(())
    })
    .await;
    assert!(installed(&daemon) == ("1.1.0".into(), second));
    assert_eq!(statistics(&daemon).await["connectedClients"], 1);
    drop(running);
}

/// Ends a desktop and waits until the daemon knows.
async fn gone(daemon: &Daemon, running: Running<'_>) {
    drop(running);
    until("no session", async || {
        (statistics(daemon).await["connectedClients"] == 0).then_some(())
    })
    .await;
}

async fn statistics(daemon: &Daemon) -> Value {
    let path = format!("{}/statistics", paths::ADMIN);
    daemon.api().get(&path).await.is(200).data()
}

/// How many installations of a version the daemon knows to have ended well.
async fn succeeded(daemon: &Daemon, version: &str) -> u64 {
    let statistics = statistics(daemon).await;
    let versions = statistics["versions"].as_array().unwrap();
    let found = versions.iter().find(|found| found["version"] == version);
    found.map_or(0, |found| found["installationsSucceeded"].as_u64().unwrap())
}
