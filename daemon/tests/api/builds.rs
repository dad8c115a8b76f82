//! Deltas that the daemon builds itself.

use daemon::config::DeltaBuild;
use protocol::api::paths;
use serde_json::{Value, json};

use crate::harness::{Daemon, Upload, eventually, updates, versions};

async fn building() -> Daemon {
    Daemon::start_with(|config| config.deltas.build = DeltaBuild::OnPublish).await
}

async fn publish_two(daemon: &Daemon) {
    let (old, new) = fixtures::jars::jar_pair(1, 200_000);
    for (version, jar) in [("1.0.0", old), ("1.1.0", new)] {
        let answer = daemon.publish(Upload::new(version).with_jar(jar)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// Whether a version has both formats from 1.0.0, and is there compressed.
fn is_all_built(daemon: &Daemon, version: &str) -> bool {
    let catalog = daemon.running().app().store.catalog();
    let version = version.parse().expect("a version");
    let from = "1.0.0".parse().expect("a version");
    catalog.deltas_between(&from, &version).len() == 2 && catalog.compressed(&version).is_some()
}

#[tokio::test]
async fn a_release_gets_what_it_lacks_and_the_history_says_by_whom() {
    let daemon = building().await;
    publish_two(&daemon).await;
    eventually("all is built", || is_all_built(&daemon, "1.1.0")).await;

    let offered = daemon.get(&updates("/delta/1.0.0/1.1.0")).await.data();
    let formats: Vec<&Value> = offered["deltas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delta| &delta["format"])
        .collect();
    assert_eq!(formats, ["jar", "zstd"]);
    let history = daemon.get(&versions("/1.1.0/history")).await.data();
    let entries = history["content"].as_array().unwrap();
    let added: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["action"] == "DELTA_ADDED")
        .collect();
    assert_eq!(added.len(), 3, "{history:#}");
    for entry in added {
        assert_eq!(entry["actor"], "relctld");
        assert_eq!(entry.get("address"), None);
    }
    assert_eq!(daemon.staged(), 0);
}

#[tokio::test]
async fn releases_may_change_while_their_deltas_are_built() {
    let daemon = building().await;
    publish_two(&daemon).await;
    let toggle = versions("/1.1.0/toggle-status");
    let toggled = daemon.patch(&toggle, &Value::Null).await;
    assert_eq!(toggled.data()["state"], "INACTIVE");
    let (_, third) = fixtures::jars::jar_pair(2, 200_000);
    let third = Upload::new("1.2.0").with_jar(third);
    assert_eq!(daemon.publish(third).await.status, 201);
    let back = format!("{}/channels/stable/rollback", paths::ADMIN);
    let back = daemon.post(&back, &json!({ "toVersion": "1.0.0" })).await;
    assert_eq!(back.data()["recalled"], json!(["1.2.0"]));
    let toggled = daemon.patch(&toggle, &Value::Null).await;
    assert_eq!(toggled.data()["state"], "ACTIVE");
    eventually("all is built", || is_all_built(&daemon, "1.1.0")).await;
}

#[tokio::test]
async fn a_draft_waits_until_it_is_announced() {
    let daemon = building().await;
    let (_, next) = fixtures::jars::jar_pair(1, 210_000);
    let draft = Upload::new("1.2.0").with_jar(next).with("draft", "true");
    assert_eq!(daemon.publish(draft).await.status, 201);
    publish_two(&daemon).await;
    // The newest comes first; so if drafts were built, this one would have been before 1.1.0.
    eventually("1.1.0 has all", || is_all_built(&daemon, "1.1.0")).await;
    let drafted = daemon.get(&versions("/1.2.0")).await.data();
    assert_eq!(drafted["deltas"], json!([]), "{drafted:#}");
    let active = json!({ "state": "ACTIVE" });
    assert_eq!(daemon.patch(&versions("/1.2.0"), &active).await.status, 200);
    eventually("1.2.0 has all", || is_all_built(&daemon, "1.2.0")).await;
}

#[tokio::test]
async fn what_was_missing_when_the_daemon_stopped_is_built_at_the_next_start() {
    let mut daemon = Daemon::start().await;
    publish_two(&daemon).await;
    daemon
        .restart_with(|config| config.deltas.build = DeltaBuild::OnPublish)
        .await;
    eventually("all is built", || is_all_built(&daemon, "1.1.0")).await;
}
