//! Every way through an update, and that nothing but these ways is possible.

use std::path::PathBuf;

use protocol::Checksum;

use super::*;
use crate::download::Wanted;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn jar_delta() -> Way {
    Way::Delta {
        format: "jar".into(),
    }
}

fn offer() -> Arc<Offer> {
    Arc::new(Offer {
        from: version("1.0.0"),
        to: version("1.1.0"),
        is_mandatory: false,
        is_rollback: false,
        full: Wanted {
            path: "/x".into(),
            size_bytes: 10,
            checksum: Checksum::from_bytes([0; 32]),
        },
        deltas: Vec::new(),
        compressed: None,
        signature: None,
    })
}

fn staged(number: &str, way: Way) -> Staged {
    Staged {
        from: version("1.0.0"),
        version: version(number),
        file: PathBuf::from("x"),
        checksum: Checksum::from_bytes([0; 32]),
        size_bytes: 10,
        way,
        fetched_bytes: 10,
        is_rollback: false,
    }
}

fn download(way: Way, done_bytes: u64) -> Transition {
    Transition::Download(
        way,
        Progress {
            done_bytes,
            total_bytes: 10,
        },
    )
}

fn walk(transitions: Vec<Transition>) -> State {
    transitions
        .into_iter()
        .fold(State::Idle, |state, transition| {
            state.after(transition).unwrap()
        })
}

fn by_delta() -> Vec<Transition> {
    vec![
        Transition::Offer(offer()),
        download(jar_delta(), 0),
        download(jar_delta(), 10),
        Transition::Verify(jar_delta()),
        Transition::Patch,
        Transition::Stage(staged("1.1.0", jar_delta())),
        Transition::Install,
        Transition::Try,
    ]
}

#[test]
fn an_update_by_delta_passes_through_every_state_in_order() {
    let mut names = Vec::new();
    let mut state = State::Idle;
    for transition in by_delta().into_iter().chain([Transition::Confirm]) {
        state = state.after(transition).unwrap();
        names.push(state.name());
    }
    assert_eq!(
        names,
        [
            "offered",
            "downloading",
            "downloading",
            "verifying",
            "patching",
            "staged",
            "installing",
            "probation",
            "confirmed"
        ]
    );
    assert_eq!(
        state,
        State::Confirmed {
            version: version("1.1.0")
        }
    );
}

#[test]
fn a_version_that_does_not_start_gives_way_to_the_one_before() {
    let state = walk(by_delta());
    let state = state.after(Transition::RollBack("exit code 1".into()));
    let State::RolledBack { failed, to, reason } = state.unwrap() else {
        panic!("expected a way back");
    };
    assert_eq!(
        (failed, to, reason.as_str()),
        (version("1.1.0"), version("1.0.0"), "exit code 1")
    );
}

#[test]
fn a_way_that_fails_leads_back_to_the_offer_and_is_remembered() {
    let at = |count: usize| by_delta().into_iter().take(count).collect::<Vec<_>>();
    for before in 1..=5 {
        let state = walk(at(before));
        let state = state
            .after(Transition::FallBack {
                way: jar_delta(),
                reason: "damaged".into(),
            })
            .unwrap();
        let State::Offered(attempt) = &state else {
            panic!("expected the offer, got {state}");
        };
        assert_eq!(attempt.failed.len(), 1);
        assert_eq!(attempt.failed[0].way, jar_delta());
        assert!(state.after(download(Way::Full, 0)).is_ok());
    }
}

#[test]
fn a_delta_is_never_staged_without_patching_and_a_full_file_is_never_patched() {
    let delta = walk(by_delta().into_iter().take(4).collect());
    assert!(
        delta
            .after(Transition::Stage(staged("1.1.0", jar_delta())))
            .is_err()
    );
    let full = walk(vec![
        Transition::Offer(offer()),
        download(Way::Full, 10),
        Transition::Verify(Way::Full),
    ]);
    assert!(full.after(Transition::Patch).is_err());
    assert!(
        full.after(Transition::Stage(staged("1.1.0", Way::Full)))
            .is_ok()
    );
}

#[test]
fn nothing_is_staged_but_what_was_offered() {
    let state = walk(by_delta().into_iter().take(5).collect());
    for other in [staged("9.9.9", jar_delta()), staged("1.1.0", Way::Full)] {
        assert!(state.after(Transition::Stage(other)).is_err());
    }
}

#[test]
fn nothing_is_installed_that_was_not_staged() {
    for before in 0..=5 {
        let state = walk(by_delta().into_iter().take(before).collect());
        let refused = state.after(Transition::Install).unwrap_err();
        assert_eq!(refused.state, state.name());
    }
}

#[test]
fn the_ways_of_one_download_are_not_mixed() {
    let state = walk(by_delta().into_iter().take(3).collect());
    assert!(state.after(download(Way::Full, 1)).is_err());
    assert!(state.after(Transition::Verify(Way::Full)).is_err());
    let fallen = Transition::FallBack {
        way: Way::Full,
        reason: String::new(),
    };
    assert!(state.after(fallen).is_err());
}

#[test]
fn a_failure_ends_what_is_under_way_and_a_new_offer_begins_anew() {
    for before in 1..=7 {
        let state = walk(by_delta().into_iter().take(before).collect());
        let failed = state.after(Transition::Fail("disk full".into())).unwrap();
        assert_eq!(failed.version(), Some(&version("1.1.0")));
        let again = failed.after(Transition::Offer(offer())).unwrap();
        assert!(matches!(again, State::Offered(attempt) if attempt.failed.is_empty()));
    }
    assert!(State::Idle.after(Transition::Fail(String::new())).is_err());
}

#[test]
fn an_offer_does_not_interrupt_what_is_under_way() {
    for before in 1..=5 {
        let state = walk(by_delta().into_iter().take(before).collect());
        let refused = state.after(Transition::Offer(offer())).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("an offer cannot follow {state}")
        );
    }
}

#[test]
fn what_is_settled_stays_settled() {
    let confirmed = walk(by_delta()).after(Transition::Confirm).unwrap();
    for late in [
        Transition::Confirm,
        Transition::RollBack("late".into()),
        Transition::Fail("late".into()),
        Transition::Install,
    ] {
        assert!(confirmed.after(late).is_err());
    }
}
