use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use protocol::api::ReleaseState;
use protocol::message::ViolationType;
use protocol::{Channel, Checksum, ReleaseId, Version};
use serde_json::json;

use super::*;
use crate::store::{BlobRef, Release};

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(300);
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// A session, the world around it, and its clock.
struct Stage {
    state: State,
    follower: Follower,
    catalog: Catalog,
    channels: Channels,
    start: Instant,
    elapsed: Duration,
}

impl Stage {
    fn new(role: Role) -> Self {
        let start = Instant::now();
        let now = Moment {
            instant: start,
            time: Timestamp::from_unix_ms(0),
        };
        let setup = Setup {
            session_id: SessionId::generate(),
            role,
            token_ends_at: Timestamp::from_unix_ms(TOKEN_LIFE.as_millis() as i64),
            heartbeat_interval: INTERVAL,
            connection_timeout: TIMEOUT,
            heartbeat_offset: 0.5,
        };
        Self {
            state: State::new(setup, now),
            follower: Follower::default(),
            catalog: Catalog::default(),
            channels: Channels::default(),
            start,
            elapsed: Duration::ZERO,
        }
    }

    fn registered(id: &str, version: &str) -> Self {
        let mut stage = Self::new(Role::User);
        stage.say(json!({"type": "REGISTER", "data": {
            "clientId": id, "clientVersion": version, "platform": "linux", "architecture": "x64",
        }}));
        stage
    }

    fn publish(&mut self, releases: &[Arc<Release>]) {
        self.catalog = Catalog::new(releases.iter().cloned(), [], 1);
    }

    fn now(&self) -> Moment {
        Moment {
            instant: self.start + self.elapsed,
            time: Timestamp::from_unix_ms(self.elapsed.as_millis() as i64),
        }
    }

    fn apply(&mut self, input: Input<'_>) -> Vec<Action> {
        let world = World {
            catalog: &self.catalog,
            channels: &self.channels,
            now: self.now(),
        };
        self.state.apply(input, &world, &mut self.follower)
    }

    fn say(&mut self, message: serde_json::Value) -> Vec<Action> {
        self.apply(Input::Text(&message.to_string()))
    }

    /// Lets time pass up to a moment, waking the session whenever it asked for it.
    fn run_until(&mut self, end: Duration) -> Vec<(Duration, Action)> {
        let mut done = Vec::new();
        loop {
            let wakes_at = self.state.wakes_at(self.now()) - self.start;
            if wakes_at > end {
                self.elapsed = end;
                return done;
            }
            self.elapsed = wakes_at;
            let actions = self.apply(Input::Tick);
            assert!(!actions.is_empty(), "woken for nothing at {wakes_at:?}");
            let is_over = ends(&actions);
            done.extend(actions.into_iter().map(|action| (wakes_at, action)));
            if is_over {
                return done;
            }
        }
    }
}

fn release(version: &str, minimum: &str) -> Arc<Release> {
    let now = Timestamp::from_unix_ms(0);
    Arc::new(Release {
        id: ReleaseId::generate(),
        version: version.parse().unwrap(),
        channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: false,
        release_notes: "".into(),
        minimum_client_version: minimum.parse().unwrap(),
        file_name: "app.jar".into(),
        blob: BlobRef {
            checksum: Checksum::from_bytes([0; 32]),
            size_bytes: 1,
        },
        rollout_percentage: 100,
        platforms: Vec::new(),
        signature: None,
        created_by: "admin".parse().unwrap(),
        created_at: now,
        updated_at: now,
        revision: 1,
    })
}

fn on(channel: &str, release: Arc<Release>) -> Arc<Release> {
    Arc::new(Release {
        channel: channel.parse().unwrap(),
        ..Release::clone(&release)
    })
}

/// The same release, rolled out to nearly everybody.
fn partly(release: Arc<Release>) -> Arc<Release> {
    Arc::new(Release {
        rollout_percentage: 99,
        ..Release::clone(&release)
    })
}

fn ends(actions: &[Action]) -> bool {
    actions
        .iter()
        .any(|action| matches!(action, Action::End(_) | Action::Abandon))
}

fn close_code(actions: &[Action]) -> Option<u16> {
    actions.iter().find_map(|action| match action {
        Action::End(goodbye) => Some(goodbye.code),
        _ => None,
    })
}

fn error_code(actions: &[Action]) -> Option<Code> {
    actions.iter().find_map(|action| match action {
        Action::Send(ServerMessage::Error(error)) => Some(error.code),
        _ => None,
    })
}

fn offers(actions: &[Action]) -> Vec<String> {
    let offers = actions.iter().filter_map(|action| match action {
        Action::Tell(News::Offer { release, .. }) => Some(release.version.to_string()),
        _ => None,
    });
    offers.collect()
}

#[test]
fn a_message_with_an_id_is_acknowledged_before_its_consequences() {
    let mut stage = Stage::new(Role::User);
    stage.publish(&[release("2.1.0", "0.0.0")]);
    let actions = stage.say(json!({"type": "REGISTER", "id": "1", "data": {
        "clientId": "a", "clientVersion": "2.0.0", "platform": "linux", "architecture": "x64",
    }}));
    assert!(
        matches!(
            &actions[..],
            [Action::Register, Action::Send(ServerMessage::Ack(ack)), Action::Tell(_)] if ack.id == "1"
        ),
        "{actions:?}"
    );
}

#[test]
fn what_is_subscribed_before_registering_counts_when_it_registers() {
    let mut stage = Stage::new(Role::User);
    assert_eq!(
        stage.say(json!({"type": "SUBSCRIBE", "data": {"channel": "beta"}})),
        []
    );
    stage.say(json!({"type": "REGISTER", "data": {
        "clientId": "a", "clientVersion": "2.0.0", "platform": "linux", "architecture": "x64",
    }}));
    assert_eq!(stage.follower.channels(), ["beta".parse().unwrap()]);
}

#[test]
fn who_subscribes_without_registering_hears_only_of_what_comes_later_and_once() {
    let mut stage = Stage::new(Role::User);
    let old = release("2.0.0", "0.0.0");
    let partial = partly(release("2.2.0", "0.0.0"));
    stage.publish(std::slice::from_ref(&old));
    stage.say(json!({"type": "SUBSCRIBE", "data": {"channel": "stable"}}));
    assert_eq!(stage.apply(Input::Look), [], "no catch-up");
    let older = release("1.9.9", "0.0.0");
    stage.publish(&[old.clone(), older.clone(), partial]);
    assert_eq!(stage.apply(Input::Look), [], "older, and not for everybody");
    // Nobody knows what the listener runs, so what the release needs does not matter.
    let new = release("2.1.0", "2.0.5");
    stage.publish(&[old, older, new]);
    assert_eq!(offers(&stage.apply(Input::Look)), ["2.1.0"]);
    assert_eq!(stage.apply(Input::Look), []);
    let actions = stage.say(json!({"type": "REGISTER", "data": {
        "clientId": "a", "clientVersion": "2.0.9", "platform": "linux", "architecture": "x64",
    }}));
    assert!(offers(&actions).is_empty(), "{actions:?}");
}

#[test]
fn who_registers_after_subscribing_catches_up() {
    let mut stage = Stage::new(Role::User);
    stage.publish(&[release("2.1.0", "0.0.0")]);
    let actions = stage.say(json!({"type": "SUBSCRIBE", "data": {"channel": "beta"}}));
    assert!(offers(&actions).is_empty());
    let actions = stage.say(json!({"type": "REGISTER", "data": {
        "clientId": "a", "clientVersion": "2.0.0", "platform": "linux", "architecture": "x64",
    }}));
    assert_eq!(offers(&actions), ["2.1.0"]);
}

#[test]
fn a_channel_that_was_joined_or_left_hides_no_news_of_another() {
    let subscription =
        |kind: &str, channel: &str| json!({"type": kind, "data": {"channel": channel}});
    let mut stage = Stage::new(Role::User);
    let beta = on("beta", release("3.0.0-beta.1", "0.0.0"));
    stage.publish(std::slice::from_ref(&beta));
    stage.say(subscription("SUBSCRIBE", "stable"));
    let first = release("2.0.0", "0.0.0");
    stage.publish(&[beta.clone(), first.clone()]);
    let actions = stage.say(subscription("SUBSCRIBE", "beta"));
    assert_eq!(offers(&actions), ["2.0.0"], "it came before");
    stage.say(subscription("UNSUBSCRIBE", "beta"));
    stage.publish(&[beta, first, release("2.0.1", "0.0.0")]);
    assert_eq!(offers(&stage.apply(Input::Look)), ["2.0.1"]);
}

#[test]
fn heartbeats_keep_their_place_in_the_interval_and_ask_for_a_sign_of_life() {
    let mut stage = Stage::new(Role::User);
    let done = stage.run_until(Duration::from_secs(100));
    let expected: Vec<(Duration, Action)> = [15, 45, 75]
        .into_iter()
        .map(Duration::from_secs)
        .flat_map(|at| [(at, Action::AskForSign), (at, Action::SendHeartbeat)])
        .collect();
    assert_eq!(done, expected);
}

#[test]
fn silence_ends_the_session_at_its_time_and_any_sign_puts_it_off() {
    let mut stage = Stage::new(Role::User);
    stage.run_until(Duration::from_secs(200));
    assert_eq!(stage.apply(Input::Sign), []);
    let done = stage.run_until(Duration::from_secs(1000));
    let (at, last) = done.last().unwrap();
    assert_eq!(*at, Duration::from_secs(500));
    assert!(matches!(last, Action::End(Goodbye { code: 1001, .. })));
    assert!(done.iter().any(
        |(_, action)| error_code(std::slice::from_ref(action)) == Some(Code::ConnectionTimeout)
    ));
}

#[test]
fn the_end_of_the_token_ends_the_session_to_the_millisecond() {
    let mut stage = Stage::new(Role::User);
    while stage.elapsed < TOKEN_LIFE - Duration::from_secs(1) {
        let next = stage.elapsed + Duration::from_secs(200);
        stage.run_until(next.min(TOKEN_LIFE - Duration::from_secs(1)));
        stage.apply(Input::Sign);
    }
    let done = stage.run_until(TOKEN_LIFE * 2);
    let (at, last) = done.last().unwrap();
    assert_eq!(*at, TOKEN_LIFE);
    assert!(matches!(last, Action::End(Goodbye { code: 1008, .. })));
}

#[test]
fn ten_mistakes_end_the_session_only_when_they_come_within_a_minute() {
    let mut stage = Stage::new(Role::User);
    for n in 0..50 {
        stage.elapsed = Duration::from_secs(n * 7);
        assert!(!ends(&stage.apply(Input::Text("nonsense"))), "{n}");
    }
    for n in 0..10 {
        let actions = stage.apply(Input::Binary);
        if n == 9 {
            assert_eq!(close_code(&actions), Some(1008));
        }
        if ends(&actions) {
            return;
        }
    }
    panic!("it was never ended");
}

#[test]
fn a_limit_is_told_once_in_each_window() {
    let mut stage = Stage::new(Role::User);
    let details = RateLimitDetails {
        retry_after: 48,
        violation_type: ViolationType::MessageLimit,
        current_count: 301,
        max_allowed: 300,
        window_minutes: 1,
    };
    assert_eq!(
        stage.apply(Input::TextOverLimit(details.clone())),
        [Action::SendRateLimited(details.clone())]
    );
    stage.elapsed = Duration::from_secs(47);
    assert_eq!(stage.apply(Input::TextOverLimit(details.clone())), []);
    stage.elapsed = Duration::from_secs(48);
    assert_eq!(stage.apply(Input::TextOverLimit(details)).len(), 1);
}

#[test]
fn a_version_out_of_reach_is_news_again_once_it_can_be_installed() {
    let mut stage = Stage::registered("a", "2.0.0");
    stage.publish(&[release("2.1.0", "2.0.5")]);
    let actions = stage.apply(Input::Look);
    assert!(matches!(&actions[..], [Action::Tell(News::Issue { .. })]));
    assert_eq!(stage.apply(Input::Look), []);
    stage.follower.set_version(&Version::new(2, 0, 5));
    assert_eq!(offers(&stage.apply(Input::Look)), ["2.1.0"]);
    assert_eq!(stage.apply(Input::Look), []);
}

#[test]
fn a_session_that_never_watched_is_not_told_about_its_role() {
    let mut stage = Stage::new(Role::Publisher);
    assert_eq!(stage.apply(Input::Recognised(Role::User)), []);
    let actions = stage.say(json!({"type": "WATCH", "data": {}}));
    assert_eq!(error_code(&actions), Some(Code::Forbidden));
}

#[test]
fn nobody_says_goodbye_to_who_is_gone() {
    let mut stage = Stage::new(Role::User);
    assert_eq!(stage.apply(Input::Failed(Fault::Gone)), [Action::Abandon]);
    assert_eq!(stage.apply(Input::Stopped), []);
}

/// Texts as a client may send them: some good, some nearly good, some not at all.
fn text() -> impl Strategy<Value = String> {
    let version = prop::sample::select(vec!["1.0.0", "2.0.0", "2.0.5", "2.1.0", "3.0.0", "x"]);
    let channel = prop::sample::select(vec!["stable", "beta", "alpha", "nightly", "-"]);
    let client_id = prop::sample::select(vec!["a", "b", "client-484", ".."]);
    prop_oneof![
        (version.clone(), client_id).prop_map(|(version, id)| json!({"type": "REGISTER", "data": {
            "clientId": id, "clientVersion": version, "platform": "linux", "architecture": "x64",
        }})
        .to_string()),
        channel.clone().prop_map(|channel| {
            json!({"type": "SUBSCRIBE", "data": {"channel": channel}}).to_string()
        }),
        channel.prop_map(|channel| {
            json!({"type": "UNSUBSCRIBE", "data": {"channel": channel}, "id": "u"}).to_string()
        }),
        version.prop_map(|version| json!({"type": "INSTALLATION_COMPLETED", "data": {
            "version": version, "success": true,
        }})
        .to_string()),
        Just(json!({"type": "WATCH", "data": {}, "id": "w"}).to_string()),
        Just(json!({"type": "UNWATCH", "data": {}}).to_string()),
        Just(json!({"type": "PING", "data": {}}).to_string()),
        ".*",
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Text(String),
    Apply(Input<'static>),
    Publish(Vec<usize>),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let inputs = vec![
        Input::Opened,
        Input::Binary,
        Input::Sign,
        Input::Look,
        Input::Tick,
        Input::Recognised(Role::User),
        Input::Recognised(Role::Admin),
    ];
    let endings = vec![
        Input::Closed,
        Input::Failed(Fault::Protocol),
        Input::Failed(Fault::TooLarge),
        Input::TokenEnded,
        Input::Stopped,
    ];
    prop_oneof![
        20 => text().prop_map(Step::Text),
        10 => prop::sample::select(inputs).prop_map(Step::Apply),
        1 => prop::sample::select(endings).prop_map(Step::Apply),
        10 => prop::collection::vec(0..6_usize, 0..6).prop_map(Step::Publish),
        3 => (0..100_000_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_in_nothing_is_told_twice_and_after_the_end_there_is_silence(
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let pool = [
            release("2.0.4", "0.0.0"),
            release("2.0.5", "0.0.0"),
            release("2.1.0", "2.0.5"),
            release("2.2.0", "2.1.0"),
            release("3.0.0", "0.0.0"),
            release("3.1.0", "9.0.0"),
        ];
        let mut stage = Stage::new(Role::Admin);
        let mut told = HashSet::new();
        let mut is_over = false;
        for step in steps {
            let actions = match step {
                Step::Text(text) => stage.apply(Input::Text(&text)),
                Step::Apply(input) => stage.apply(input),
                Step::Publish(indices) => {
                    let releases: Vec<_> = indices.iter().map(|index| Arc::clone(&pool[*index])).collect();
                    stage.publish(&releases);
                    stage.apply(Input::Look)
                }
                Step::Pass(ms) => {
                    stage.elapsed += Duration::from_millis(ms);
                    stage.apply(Input::Tick)
                }
            };
            prop_assert!(!is_over || actions.is_empty(), "after the end: {actions:?}");
            for (index, action) in actions.iter().enumerate() {
                match action {
                    Action::Tell(News::Offer { release, is_rollback }) => {
                        prop_assert!(told.insert((release.id, Some(*is_rollback))), "twice: {}", release.version);
                        if let Some(client) = stage.follower.client() {
                            prop_assert!(*is_rollback || release.version.is_newer_than(&client.version));
                            prop_assert!(!release.minimum_client_version.is_newer_than(&client.version));
                        }
                    }
                    Action::Tell(News::Issue { release, .. }) => {
                        prop_assert!(told.insert((release.id, None)), "twice: {}", release.version);
                    }
                    Action::End(_) | Action::Abandon => {
                        prop_assert_eq!(index + 1, actions.len(), "the end is the last");
                        is_over = true;
                    }
                    _ => {}
                }
            }
        }
    }
}
