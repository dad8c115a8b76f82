use super::*;
use crate::options::Bounds;

const DELAY: Duration = Duration::from_secs(5);

fn state() -> State {
    let mut options = Options::at("/echo");
    options.outbox = Bounds {
        messages: 2,
        bytes: 10,
    };
    options.inbox = options.outbox;
    State::new(&options, Instant::now())
}

/// The frames that a receiver gets now; of closings, which never end, only the first.
fn frames(state: &mut State) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = state.take_frame() {
        frames.push(frame.text().as_str().to_owned());
        if matches!(frame, Frame::Close(_)) {
            break;
        }
    }
    frames
}

#[test]
fn the_opening_comes_before_all_else() {
    let mut state = state();
    state.send("a".into());
    state.send("b".into());
    state.close(Close::new(3000, "Go away!"), Instant::now());
    assert_eq!(
        frames(&mut state),
        ["o", r#"a["a","b"]"#, r#"c[3000,"Go away!"]"#]
    );
    assert_eq!(frames(&mut state), [r#"c[3000,"Go away!"]"#]);
}

#[test]
fn one_connection_receives_at_a_time() {
    let mut state = state();
    assert_eq!(state.attach(), Some(Attached::Alone));
    assert_eq!(state.attach(), None);
    state.detach(Detached::InOrder, Instant::now());
    assert_eq!(state.attach(), Some(Attached::Alone));
}

#[test]
fn everybody_hears_of_the_end() {
    let mut state = state();
    state.attach();
    state.close(Close::new(3000, "Go away!"), Instant::now());
    assert_eq!(state.attach(), Some(Attached::Farewell));
    assert_eq!(state.attach(), Some(Attached::Farewell));
}

#[test]
fn a_broken_connection_closes_the_session() {
    let mut state = state();
    state.attach();
    state.deliver(vec!["last".into()]);
    state.detach(Detached::Broken, Instant::now());
    assert_eq!(state.take_incoming(), Some(Incoming::Text("last".into())));
    assert_eq!(state.take_incoming(), Some(Incoming::Over));
    assert_eq!(
        frames(&mut state),
        ["o", r#"c[1002,"Connection interrupted"]"#]
    );
}

#[test]
fn the_first_reason_stays() {
    let mut state = state();
    state.close(Close::new(3000, "first"), Instant::now());
    state.close(Close::new(3001, "second"), Instant::now());
    assert_eq!(frames(&mut state), ["o", r#"c[3000,"first"]"#]);
}

#[test]
fn a_session_without_a_receiver_ends_after_the_delay() {
    let mut state = state();
    let start = Instant::now();
    assert!(state.ends_at(DELAY).is_some(), "nobody came yet");
    state.attach();
    assert_eq!(state.ends_at(DELAY), None);
    let later = start + Duration::from_secs(60);
    state.detach(Detached::InOrder, later);
    assert_eq!(state.ends_at(DELAY), Some(later + DELAY));
}

#[test]
fn a_closed_session_ends_after_the_delay_however_often_it_is_asked() {
    let mut state = state();
    let closed_at = Instant::now();
    state.attach();
    state.close(Close::new(3000, "Go away!"), closed_at);
    state.detach(Detached::InOrder, closed_at + Duration::from_secs(3));
    assert_eq!(state.ends_at(DELAY), Some(closed_at + DELAY));
}

#[test]
fn signs_are_heard_once_and_not_beside_a_message() {
    let mut state = state();
    assert_eq!(state.take_incoming(), None);
    state.attach();
    state.sign();
    assert_eq!(state.take_incoming(), Some(Incoming::Sign));
    assert_eq!(state.take_incoming(), None);
    state.deliver(Vec::new());
    assert_eq!(state.take_incoming(), Some(Incoming::Sign));
    state.deliver(vec!["a".into()]);
    assert_eq!(state.take_incoming(), Some(Incoming::Text("a".into())));
    assert_eq!(state.take_incoming(), None);
}

#[test]
fn after_too_much_nothing_more_is_heard() {
    let mut state = state();
    state.deliver(vec!["before".into()]);
    state.exceed();
    state.deliver(vec!["after".into()]);
    assert_eq!(state.take_incoming(), Some(Incoming::Text("before".into())));
    assert_eq!(state.take_incoming(), Some(Incoming::TooLarge));
    assert_eq!(state.take_incoming(), Some(Incoming::Over));
    assert!(state.is_open(), "there may be something to say about it");
}

#[test]
fn queues_are_bounded() {
    let mut state = state();
    state.send("12345678".into());
    assert!(!state.has_room_to_send(3));
    assert!(state.has_room_to_send(2));
    state.deliver(vec!["a".into(), "b".into()]);
    assert!(!state.has_room_to_deliver());
    state.take_incoming();
    assert!(state.has_room_to_deliver());
}
