//! The stock client of tus, `tus-js-client`, brings a JAR over bad connections, and that becomes a release.

use std::process::Command;
use std::time::Duration;

use protocol::api::paths;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};
use tests::process::{Process, Stream};
use tests::{Daemon, Relay, api};

use super::{AT_ONCE, write};
use crate::BINARIES;
use crate::browser::installed;
use crate::jars::large_jar;

const CUTS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_client_of_tus_goes_on_after_cuts_and_what_it_brought_is_published() {
    let daemon = Daemon::start(BINARIES);
    let bytes = large_jar("1.0.0");
    let jar = write(daemon.home(), &bytes);
    let mut random = fastrand::Rng::with_seed(8);
    let longest = (bytes.len() / CUTS) as u64;
    let cuts: Vec<u64> = (0..CUTS).map(|_| random.u64(2_000..longest)).collect();
    let relay = Relay::cutting_uploads(daemon.url(), AT_ONCE, cuts)
        .await
        .unwrap();
    let slow = Duration::from_millis(5);
    let slow = Relay::cutting_uploads(daemon.url(), slow, [])
        .await
        .unwrap();
    let task = json!({
        "endpoint": format!("{}{}", relay.url(), paths::UPLOADS),
        "slow": format!("{}{}", slow.url(), paths::UPLOADS),
        "direct": format!("{}{}", daemon.url(), paths::UPLOADS),
        "token": daemon.admin_token(),
        "file": jar,
    });
    let mut command = Command::new("node");
    command
        .arg(installed().join("tus.mjs"))
        .env("TASK_WITH_TOKENS", task.to_string());
    let mut node = Process::start(&mut command);
    let status = node.wait(Duration::from_secs(60));
    assert!(status.success(), "{node:?}\n{}", daemon.story());
    assert_eq!(relay.cuts_left(), 0, "{node:?}");
    let said = node.said(Stream::Stdout);
    let result = said.lines().find_map(|line| line.strip_prefix("result "));
    let told: Value = serde_json::from_str(result.expect("a result")).unwrap();

    let there = told["before"]["offset"].as_u64().unwrap();
    assert!(there > 0 && there < bytes.len() as u64, "{told:#}");
    assert_eq!(told["after"], json!({"status": 200, "offset": bytes.len()}));
    assert_eq!(told["ended"]["status"], 404);
    for (version, upload) in [("1.0.0", &told["cut"]), ("1.0.1", &told["takenUp"])] {
        let id = upload["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let form = Form::new()
            .text("versionNumber", version)
            .text("checksum", crate::sha256(&bytes))
            .text("upload", id.to_owned());
        let versions = format!("{}/versions", paths::ADMIN);
        let request = daemon
            .api()
            .request(Method::POST, &versions)
            .multipart(form);
        let release = api::try_send(request).await.unwrap().is(201).data();
        assert_eq!(release["fileName"], "app.jar");
    }
    let left = daemon.api().get(paths::UPLOADS).await.data();
    assert_eq!(left, json!([]));
}
