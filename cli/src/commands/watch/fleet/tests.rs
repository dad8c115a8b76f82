//! Counting the fleet.

use super::*;

fn goal(percentage: u8) -> Option<Goal> {
    Some(Goal {
        rollout_percentage: percentage,
        ..Goal::unpublished("2.1.0".parse().unwrap())
    })
}

fn message(kind: &str, data: serde_json::Value) -> ServerMessage {
    let mut data = data;
    data["timestamp"] = "2026-01-15T10:30:00Z".into();
    let text = serde_json::json!({ "type": kind, "data": data }).to_string();
    ServerMessage::parse(&text).unwrap().unwrap()
}

fn connected(id: &str, version: &str) -> ServerMessage {
    message(
        "CLIENT_CONNECTED",
        serde_json::json!({
            "clientId": id, "sessionId": "019376f4-0000-7000-8000-000000000000", "clientVersion": version,
            "platform": "linux", "architecture": "x64", "channels": ["stable"]
        }),
    )
}

fn completed(id: &str, version: &str, success: bool) -> ServerMessage {
    message(
        "INSTALLATION_COMPLETED",
        serde_json::json!({
            "clientId": id, "version": version, "previousVersion": "2.0.0", "success": success, "message": ""
        }),
    )
}

fn numbers(fleet: &Fleet) -> (u64, u64, u64) {
    let counts = fleet.counts();
    (counts.eligible(), counts.done, counts.failed)
}

#[test]
fn a_client_is_done_when_it_runs_the_version_or_a_newer_one() {
    let mut fleet = Fleet::new(goal(100), true);
    for (id, version) in [
        ("a", "2.0.0"),
        ("b", "2.1.0"),
        ("c", "3.0.0"),
        ("d", "2.0.0"),
    ] {
        fleet.apply(&connected(id, version));
    }
    assert_eq!(numbers(&fleet), (4, 2, 0));
    fleet.apply(&completed("a", "2.1.0", true));
    fleet.apply(&completed("d", "2.1.0", false));
    assert_eq!(numbers(&fleet), (4, 3, 1));
}

#[test]
fn a_failure_that_was_made_good_does_not_count() {
    let mut fleet = Fleet::new(goal(100), true);
    fleet.apply(&completed("a", "2.1.0", false));
    fleet.apply(&completed("a", "2.1.0", true));
    assert_eq!(numbers(&fleet), (1, 1, 0));
}

#[test]
fn clients_outside_the_rollout_are_not_waited_for() {
    let mut fleet = Fleet::new(goal(0), true);
    fleet.apply(&connected("a", "2.0.0"));
    fleet.apply(&connected("b", "2.1.0"));
    assert_eq!(numbers(&fleet), (1, 1, 0));
}

#[test]
fn other_versions_are_passed_over_only_when_one_was_named() {
    let mut pinned = Fleet::new(goal(100), true);
    assert_eq!(pinned.apply(&completed("a", "2.0.5", true)), None);
    let mut free = Fleet::new(goal(100), false);
    assert!(free.apply(&completed("a", "2.0.5", true)).is_some());
    let changed = serde_json::json!({
        "version": "2.2.0", "releaseChannel": "stable", "state": "ACTIVE", "isMandatory": false,
        "rolloutPercentage": 10, "announcedTo": 3
    });
    free.apply(&message("RELEASE_CHANGED", changed));
    assert_eq!(free.goal().unwrap().version.to_string(), "2.2.0");
}

#[test]
fn the_rollout_is_the_contracts_formula() {
    let digest = delta::checksum::sha256(b"desktop-client-123:2.1.0");
    let head = u64::from_be_bytes(digest[..8].try_into().unwrap()) % 10_000;
    let client: ClientId = "desktop-client-123".parse().unwrap();
    for percentage in 0..=100 {
        let expected = head < u64::from(percentage) * 100;
        assert_eq!(
            goal(percentage).unwrap().is_rolled_out_to(&client),
            expected
        );
    }
}

fn downloading(id: &str, version: &str, bytes: u64, format: Option<&str>) -> ServerMessage {
    message(
        "DOWNLOAD_PROGRESS",
        serde_json::json!({
            "clientId": id, "version": version, "bytesDownloaded": bytes, "totalBytes": 1000,
            "progressPercentage": bytes / 10, "downloadSpeed": 100, "estimatedTimeRemaining": 1, "format": format
        }),
    )
}

#[test]
fn a_client_is_counted_where_it_stands() {
    let mut fleet = Fleet::new(goal(100), true);
    fleet.apply(&connected("a", "2.0.0"));
    assert_eq!(fleet.counts().waiting, 1);
    fleet.apply(&downloading("a", "2.1.0", 10, None));
    assert_eq!((fleet.counts().waiting, fleet.counts().downloading), (0, 1));
    let installing = serde_json::json!({
        "clientId": "a", "version": "2.1.0", "phase": "extracting", "progressPercentage": 5, "currentOperation": ""
    });
    fleet.apply(&message("INSTALLATION_PROGRESS", installing));
    assert_eq!(
        (fleet.counts().downloading, fleet.counts().installing),
        (0, 1)
    );
    fleet.apply(&completed("a", "2.1.0", true));
    assert_eq!((fleet.counts().installing, fleet.counts().done), (0, 1));
    assert_eq!(fleet.counts().open(), 0);
}

#[test]
fn a_client_that_tries_again_and_again_counts_as_failed() {
    let mut fleet = Fleet::new(goal(100), true);
    fleet.apply(&completed("a", "2.1.0", false));
    fleet.apply(&downloading("a", "2.1.0", 10, None));
    assert_eq!(numbers(&fleet), (1, 0, 1));
}

#[test]
fn who_fetches_a_file_and_never_registered_is_not_waited_for() {
    let mut fleet = Fleet::new(goal(100), false);
    fleet.apply(&downloading("relctl-publish-1", "2.0.0", 10, None));
    assert_eq!(numbers(&fleet), (0, 0, 0));
    fleet.apply(&downloading("by-http", "2.1.0", 10, None));
    assert_eq!(numbers(&fleet), (1, 0, 0));
}

#[test]
fn clients_that_hear_nothing_of_the_channel_are_not_waited_for() {
    let mut beta = goal(100).unwrap();
    beta.channel = Some("beta".parse().unwrap());
    let mut fleet = Fleet::new(Some(beta), true);
    for (id, channels) in [
        ("a", serde_json::json!(["stable"])),
        ("b", serde_json::json!(["stable", "beta"])),
        ("c", serde_json::json!(["alpha"])),
        ("d", serde_json::json!(["nightly"])),
        ("e", serde_json::json!([])),
    ] {
        let ServerMessage::ClientConnected(mut client) = connected(id, "2.0.0") else {
            unreachable!("it connected");
        };
        client.channels = serde_json::from_value(channels).unwrap();
        fleet.apply(&ServerMessage::ClientConnected(client));
    }
    assert_eq!(fleet.counts().waiting, 4);
}

#[test]
fn clients_that_cannot_run_the_release_are_not_waited_for() {
    let mut windows = goal(100).unwrap();
    windows.platforms = vec!["windows".parse().unwrap()];
    let mut fleet = Fleet::new(Some(windows), true);
    fleet.apply(&connected("a", "2.0.0"));
    assert_eq!(numbers(&fleet), (0, 0, 0));

    let mut fleet = Fleet::new(goal(100), true);
    fleet.apply(&connected("a", "2.0.0"));
    let issue = |kind: &str| {
        let data = serde_json::json!({
            "clientId": "a", "version": "2.1.0", "issueType": kind, "description": "", "resolution": ""
        });
        message("COMPATIBILITY_ISSUE", data)
    };
    // One that is too old gets there by a version in between.
    fleet.apply(&issue("MINIMUM_VERSION"));
    assert_eq!(numbers(&fleet), (1, 0, 0));
    fleet.apply(&issue("UNSUPPORTED_PLATFORM"));
    assert_eq!(numbers(&fleet), (0, 0, 0));
}

#[test]
fn a_named_version_that_is_no_longer_offered_is_withdrawn() {
    let changed = |state: &str| {
        let data = serde_json::json!({
            "version": "2.1.0", "releaseChannel": "stable", "state": state, "isMandatory": false,
            "rolloutPercentage": 100, "announcedTo": 0
        });
        message("RELEASE_CHANGED", data)
    };
    let mut fleet = Fleet::new(goal(100), true);
    for (state, is_withdrawn) in [
        ("DRAFT", false),
        ("ACTIVE", false),
        ("RECALLED", true),
        ("ACTIVE", false),
    ] {
        fleet.apply(&changed(state));
        assert_eq!(fleet.is_withdrawn(), is_withdrawn, "{state}");
    }
    let mut free = Fleet::new(goal(100), false);
    free.apply(&changed("INACTIVE"));
    assert_eq!((free.is_withdrawn(), free.goal()), (false, None));
}

#[test]
fn bytes_are_counted_once_and_by_their_way() {
    let mut fleet = Fleet::new(goal(100), true);
    for (bytes, format) in [
        (100, Some("jar")),
        (300, Some("jar")),
        (300, Some("jar")),
        (500, None),
    ] {
        fleet.apply(&downloading("a", "2.1.0", bytes, format));
    }
    let bytes = serde_json::to_value(fleet.bytes()).unwrap();
    assert_eq!(
        bytes,
        serde_json::json!({ "full": 500, "compressed": 0, "delta": 300 })
    );
}
