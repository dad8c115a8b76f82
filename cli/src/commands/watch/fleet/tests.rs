//! Counting the fleet.

use super::*;

fn goal(percentage: u8) -> Option<Goal> {
    Some(Goal {
        version: "2.1.0".parse().unwrap(),
        rollout_percentage: percentage,
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
    (counts.eligible, counts.done, counts.failed)
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
    assert!(fleet.counts().done_is_at_least(75) && !fleet.counts().done_is_at_least(76));
    assert!(fleet.counts().failed_is_over(24) && !fleet.counts().failed_is_over(25));
}

#[test]
fn a_failure_that_was_made_good_does_not_count() {
    let mut fleet = Fleet::new(goal(100), true);
    fleet.apply(&completed("a", "2.1.0", false));
    fleet.apply(&completed("a", "2.1.0", true));
    assert_eq!(numbers(&fleet), (1, 1, 0));
}

#[test]
fn nobody_is_not_everybody() {
    let fleet = Fleet::new(goal(100), true);
    assert!(!fleet.counts().done_is_at_least(0) && !fleet.counts().failed_is_over(0));
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
        assert_eq!(is_included(&client, &goal(percentage).unwrap()), expected);
    }
}
