//! Checks, toggling, changing, rolling back, history, restarts.

use serde_json::{Value, json};

use crate::harness::{Daemon, Upload, updates, versions};

async fn check(daemon: &Daemon, version: &str) -> Value {
    daemon
        .get(&updates(&format!(
            "/check?currentVersion={version}&channel=stable"
        )))
        .await
        .data()
}

#[tokio::test]
async fn a_check_offers_the_newest_version_with_the_specified_fields() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.9.0", "2.10.0"]).await;
    let answer = check(&daemon, "2.9.0").await;
    assert_eq!(answer["updateAvailable"], true);
    for field in [
        "latestVersion",
        "currentVersion",
        "isMandatory",
        "releaseNotes",
        "downloadUrl",
        "fileSize",
        "checksum",
        "minimumClientVersion",
    ] {
        assert!(!answer[field].is_null(), "{field}");
    }
    assert_eq!(answer["latestVersion"], "2.10.0");
    for current in ["2.10.0", "3.0.0"] {
        let answer = check(&daemon, current).await;
        assert_eq!(
            (&answer["updateAvailable"], &answer["latestVersion"]),
            (&json!(false), &json!(current))
        );
        assert_eq!(
            (&answer["downloadUrl"], &answer["checksum"]),
            (&Value::Null, &Value::Null)
        );
    }
    let metadata = daemon
        .get(&updates("/versions/2.10.0/metadata"))
        .await
        .data();
    assert_eq!(metadata["version"], "2.10.0");
    assert_eq!(
        metadata["checksum"],
        check(&daemon, "2.9.0").await["checksum"]
    );
}

#[tokio::test]
async fn a_check_says_what_is_wrong_with_its_query() {
    let daemon = Daemon::start().await;
    for (query, status, code) in [
        ("", 400, "INVALID_REQUEST"),
        ("?channel=stable", 400, "INVALID_REQUEST"),
        ("?currentVersion=", 400, "INVALID_VERSION"),
        ("?currentVersion=2.1", 400, "INVALID_VERSION"),
        ("?currentVersion=%202.1.0", 400, "INVALID_VERSION"),
        (
            "?currentVersion=2.1.0&currentVersion=2.2.0",
            400,
            "INVALID_REQUEST",
        ),
        (
            "?currentVersion=2.1.0&channel=Stable",
            400,
            "INVALID_REQUEST",
        ),
        ("?currentVersion=2.1.0&channel=nope", 404, "NOT_FOUND"),
        (
            "?currentVersion=2.1.0&clientId=a%0ab",
            400,
            "INVALID_REQUEST",
        ),
        ("?currentVersion=2.1.0&platform=%1b", 400, "INVALID_REQUEST"),
    ] {
        daemon
            .get(&updates(&format!("/check{query}")))
            .await
            .refused(status, code);
    }
    // A channel may be left out, unknown parameters are passed over, and a plus sign need not be encoded.
    let answer = daemon
        .get(&updates("/check?currentVersion=2.0.0+b5&foo=1"))
        .await
        .data();
    assert_eq!(answer["currentVersion"], "2.0.0+b5");
}

#[tokio::test]
async fn a_client_that_is_too_old_is_led_over_a_stepping_stone() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.5"]).await;
    let upload = Upload::new("2.1.0").with("minimumClientVersion", "2.0.5");
    assert_eq!(daemon.publish(upload).await.status, 201);
    let answer = check(&daemon, "2.0.0").await;
    assert_eq!(
        (&answer["latestVersion"], &answer["newestVersion"]),
        (&json!("2.0.5"), &json!("2.1.0"))
    );
    assert_eq!(answer["compatibilityIssue"]["issueType"], "MINIMUM_VERSION");
    assert_eq!(check(&daemon, "2.0.5").await["latestVersion"], "2.1.0");
}

#[tokio::test]
async fn toggling_takes_a_release_away_and_brings_it_back() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0"]).await;
    let id = daemon.get(&versions("/2.1.0")).await.data()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let toggle = |id: &str| {
        let path = versions(&format!("/{id}/toggle-status"));
        let daemon = &daemon;
        async move { daemon.patch(&path, &json!({})).await }
    };
    let off = toggle(&id).await.data();
    assert_eq!(
        (&off["state"], &off["isActive"]),
        (&json!("INACTIVE"), &json!(false))
    );
    assert_eq!(check(&daemon, "1.0.0").await["latestVersion"], "2.0.0");
    assert_eq!(toggle("2.1.0").await.data()["state"], "ACTIVE");
    assert_eq!(check(&daemon, "1.0.0").await["latestVersion"], "2.1.0");
    for unknown in ["9.9.9", "nope", "01a2052b-29e1-7123-8d55-eb4e1173827c"] {
        toggle(unknown).await.refused(404, "NOT_FOUND");
    }
    let draft = Upload::new("2.2.0").with("draft", "true");
    assert_eq!(daemon.publish(draft).await.status, 201);
    assert_eq!(toggle("2.2.0").await.data()["state"], "ACTIVE");
}

#[tokio::test]
async fn racing_toggles_each_count() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let path = versions("/2.1.0/toggle-status");
    let toggles = (0..9).map(|_| async { daemon.patch(&path, &json!({})).await.data() });
    futures_util::future::join_all(toggles).await;
    assert_eq!(
        daemon.get(&versions("/2.1.0")).await.data()["state"],
        "INACTIVE"
    );
    let history = daemon.get(&versions("/2.1.0/history")).await.data();
    assert_eq!(history["totalElements"], 10);
}

#[tokio::test]
async fn a_change_says_outright_what_shall_hold() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.1.0"]).await;
    let path = versions("/2.1.0");
    let changed = daemon
        .patch(
            &path,
            &json!({ "state": "INACTIVE", "rolloutPercentage": 10 }),
        )
        .await
        .data();
    assert_eq!(
        (&changed["state"], &changed["rolloutPercentage"]),
        (&json!("INACTIVE"), &json!(10))
    );
    assert_eq!(
        daemon
            .patch(&path, &json!({ "state": "INACTIVE" }))
            .await
            .data(),
        changed,
        "again changes nothing"
    );
    for body in [
        json!({}),
        json!({ "state": "DRAFT" }),
        json!({ "state": "RECALLED" }),
        json!({ "state": "off" }),
        json!({ "rolloutPercentage": 101 }),
        json!({ "rolloutPercentage": -1 }),
        json!({ "rolloutPercentage": "5" }),
        json!([]),
    ] {
        daemon
            .patch(&path, &body)
            .await
            .refused(400, "INVALID_REQUEST");
    }
    daemon
        .patch(&versions("/9.9.9"), &json!({ "state": "ACTIVE" }))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_rollback_recalls_what_is_newer_and_offers_the_way_back() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0", "2.2.0"]).await;
    let beta = Upload::new("2.3.0").with("releaseChannel", "beta");
    assert_eq!(daemon.publish(beta).await.status, 201);
    let path = "/api/v1/admin/updates/channels/stable/rollback";
    let to = |version: &str| json!({ "toVersion": version });
    let answer = daemon.post(path, &to("2.0.0")).await.data();
    assert_eq!(answer["recalled"], json!(["2.2.0", "2.1.0"]));
    assert_eq!(answer["current"]["versionNumber"], "2.0.0");
    let check = check(&daemon, "2.2.0").await;
    assert_eq!(
        (&check["latestVersion"], &check["isRollback"]),
        (&json!("2.0.0"), &json!(true))
    );
    assert_eq!(
        daemon.get(&versions("/2.3.0")).await.data()["state"],
        "ACTIVE",
        "other channels are not concerned"
    );
    assert_eq!(
        daemon.post(path, &to("2.0.0")).await.data()["recalled"],
        json!([])
    );

    daemon
        .post(path, &to("2.1.0"))
        .await
        .refused(409, "CONFLICT");
    daemon
        .post(path, &to("2.3.0"))
        .await
        .refused(409, "CONFLICT");
    daemon
        .post(path, &to("9.9.9"))
        .await
        .refused(404, "NOT_FOUND");
    daemon
        .post(path, &to("2.0"))
        .await
        .refused(400, "INVALID_VERSION");
    daemon
        .post(path, &json!({}))
        .await
        .refused(400, "INVALID_REQUEST");
    let unknown = "/api/v1/admin/updates/channels/nope/rollback";
    daemon
        .post(unknown, &to("2.0.0"))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn lists_are_pages_newest_first() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.9.0", "2.10.0"]).await;
    let beta = Upload::new("3.0.0-rc.1").with("releaseChannel", "beta");
    assert_eq!(daemon.publish(beta).await.status, 201);
    let list = |query: &str| {
        let path = versions(query);
        let daemon = &daemon;
        async move { daemon.get(&path).await }
    };
    let numbers = |page: &Value| -> Vec<String> {
        let releases = page["content"].as_array().unwrap();
        releases
            .iter()
            .map(|release| release["versionNumber"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = list("").await.data();
    assert_eq!(numbers(&all), ["3.0.0-rc.1", "2.10.0", "2.9.0", "2.0.0"]);
    assert_eq!(
        (
            &all["page"],
            &all["size"],
            &all["totalElements"],
            &all["totalPages"]
        ),
        (&json!(0), &json!(10), &json!(4), &json!(1))
    );
    assert_eq!(numbers(&list("?page=1&size=3").await.data()), ["2.0.0"]);
    assert_eq!(
        numbers(&list("?page=999999999&size=100").await.data()),
        [] as [&str; 0]
    );
    assert_eq!(numbers(&list("?channel=beta").await.data()), ["3.0.0-rc.1"]);
    assert_eq!(
        numbers(&list("?state=INACTIVE").await.data()),
        [] as [&str; 0]
    );
    for query in [
        "?page=-1",
        "?page=x",
        "?size=0",
        "?size=101",
        "?size=2147483648",
        "?page=4294967296",
        "?state=on",
        "?page=1&page=2",
    ] {
        list(query).await.refused(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn every_change_leaves_a_record_of_who_when_and_what() {
    let daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0"]).await;
    daemon
        .patch(&versions("/2.1.0"), &json!({ "rolloutPercentage": 5 }))
        .await
        .data();
    let rollback = "/api/v1/admin/updates/channels/stable/rollback";
    daemon
        .post(rollback, &json!({ "toVersion": "2.0.0" }))
        .await
        .data();
    let history = daemon.get(&versions("/2.1.0/history")).await.data();
    assert_eq!(history["totalElements"], 3, "{history}");
    let entries = history["content"].as_array().unwrap();
    for entry in entries {
        assert_eq!(
            (&entry["actor"], &entry["address"]),
            (&json!("admin"), &json!("127.0.0.1"))
        );
        assert!(entry["time"].as_str().unwrap().ends_with('Z'));
        assert!(!entry["summary"].as_str().unwrap().is_empty());
    }
    assert!(
        entries[0]["seq"].as_u64() > entries[1]["seq"].as_u64(),
        "newest first"
    );
    daemon
        .get(&versions("/9.9.9/history"))
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0"]).await;
    daemon
        .patch(&versions("/2.1.0/toggle-status"), &json!({}))
        .await
        .data();
    let user = daemon.token_of("jane", "USER").await;
    let before = (
        daemon.get(&versions("")).await.data(),
        daemon.get(&versions("/2.1.0/history")).await.data(),
    );
    let jar = daemon.get(&updates("/download/2.0.0")).await.body;

    daemon.restart().await;

    let after = (
        daemon.get(&versions("")).await.data(),
        daemon.get(&versions("/2.1.0/history")).await.data(),
    );
    assert_eq!(after, before);
    assert_eq!(
        daemon.get_as(&user, "/api/v1/whoami").await.data()["username"],
        "jane"
    );
    assert_eq!(daemon.get(&updates("/download/2.0.0")).await.body, jar);
}

#[tokio::test]
async fn a_damaged_journal_leaves_the_clients_served_and_refuses_changes() {
    let mut daemon = Daemon::start().await;
    daemon.has(&["2.0.0", "2.1.0"]).await;
    daemon.token_of("jane", "USER").await;
    daemon.stop().await;
    let journal = daemon.folder.path().join("journal");
    let file = std::fs::read_dir(journal)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&file).unwrap();
    // In the last third: what lies before it is still good, and records lie behind it.
    let place = bytes.len() * 2 / 3;
    bytes[place] ^= 0x55;
    std::fs::write(&file, bytes).unwrap();

    daemon.restart().await;

    assert_eq!(daemon.get("/readyz").await.data()["status"], "read-only");
    assert_eq!(check(&daemon, "1.0.0").await["updateAvailable"], true);
    let refused = daemon.publish(Upload::new("2.2.0")).await;
    refused.refused(503, "UNAVAILABLE");
    assert!(!refused.header("retry-after").is_empty());
    daemon
        .patch(&versions("/2.0.0/toggle-status"), &json!({}))
        .await
        .refused(503, "UNAVAILABLE");
    let new_user = json!({ "username": "joe", "role": "USER" });
    daemon
        .post("/api/v1/admin/users", &new_user)
        .await
        .refused(503, "UNAVAILABLE");
    assert_eq!(
        daemon.blobs(),
        2,
        "nothing is swept on the word of a damaged journal"
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let daemon = Daemon::start().await;
    for (asked, message) in [
        ("9.9.9", "version 9.9.9 does not exist"),
        (
            "01a2052b-29e1-7123-8d55-eb4e1173827c",
            "release 01a2052b-29e1-7123-8d55-eb4e1173827c does not exist",
        ),
        ("latest", "no release has this id or version number"),
    ] {
        for rest in ["", "/history"] {
            let answer = daemon.get(&versions(&format!("/{asked}{rest}"))).await;
            assert_eq!(answer.refused(404, "NOT_FOUND"), message);
        }
    }
}
