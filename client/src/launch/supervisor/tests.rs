//! Each behaviour as its inputs and the actions that follow.

use super::*;

/// A supervisor with a clock that the test moves.
struct Bench {
    supervisor: Supervisor,
    now: Instant,
}

impl Bench {
    fn new(rules: Rules) -> Self {
        Self {
            supervisor: Supervisor::new(rules),
            now: Instant::now(),
        }
    }

    /// The `starts`-th start of a new version.
    fn on_trial(rules: Rules, starts: u32) -> Self {
        let mut bench = Self::new(rules);
        bench.handle(Input::Started(Some(Trial {
            starts,
            has_way_back: true,
        })));
        bench
    }

    fn proven() -> Self {
        let mut bench = Self::new(Rules::default());
        bench.handle(Input::Started(None));
        bench
    }

    fn handle(&mut self, input: Input) -> Vec<Action> {
        self.supervisor.handle(input, self.now)
    }

    fn after(&mut self, seconds: f64, input: Input) -> Vec<Action> {
        self.now += Duration::from_secs_f64(seconds);
        self.handle(input)
    }
}

fn strict() -> Rules {
    Rules {
        needs_confirmation: true,
        ..Rules::default()
    }
}

const STOP: Action = Action::Stop(Signal::Terminate);

#[test]
fn the_exit_code_of_a_proven_version_is_passed_on() {
    for (ending, code) in [
        (Ending::Code(0), 0),
        (Ending::Code(3), 3),
        (Ending::Signal(9), 137),
        (Ending::Code(-1_073_741_819), 1),
    ] {
        let mut bench = Bench::proven();
        assert_eq!(bench.handle(Input::Exited(ending)), [Action::End(code)]);
    }
}

#[test]
fn a_new_version_that_crashes_is_started_again_and_then_left() {
    for starts in 1..=2 {
        let mut bench = Bench::on_trial(Rules::default(), starts);
        let actions = bench.after(0.4, Input::Exited(Ending::Code(1)));
        let said = format!("exited with code 1 after 0.4 s; that was start {starts} of 3");
        assert_eq!(actions, [Action::Tell(said), Action::Start]);
    }
    let mut bench = Bench::on_trial(Rules::default(), 3);
    let actions = bench.after(0.4, Input::Exited(Ending::Signal(11)));
    let reason = "was ended by signal 11 after 0.4 s, 3 times";
    assert_eq!(actions, [Action::GoBack(reason.into()), Action::Start]);
}

#[test]
fn a_first_version_that_crashes_ends_the_launcher_and_is_told_of_in_the_end() {
    let crash = |starts| {
        let mut bench = Bench::new(Rules::default());
        bench.handle(Input::Started(Some(Trial {
            starts,
            has_way_back: false,
        })));
        bench.handle(Input::Exited(Ending::Code(7)))
    };
    let said = "exited with code 7 after 0.0 s; that was start 1 of 3";
    assert_eq!(crash(1), [Action::Tell(said.into()), Action::End(7)]);
    let reason = "exited with code 7 after 0.0 s, 3 times";
    assert_eq!(crash(3), [Action::GiveUp(reason.into()), Action::End(7)]);
}

#[test]
fn who_closes_a_new_version_neither_confirms_it_nor_finds_a_fault() {
    for ending in [
        Ending::Code(0),
        Ending::Code(143),
        Ending::Code(130),
        Ending::Signal(1),
    ] {
        let mut bench = Bench::on_trial(Rules::default(), 3);
        let actions = bench.handle(Input::Exited(ending));
        assert_eq!(actions, [Action::Uncount, Action::End(ending.exit_code())]);
    }
}

#[test]
fn staying_up_confirms_and_later_crashes_are_not_ours() {
    let mut bench = Bench::on_trial(Rules::default(), 1);
    assert_eq!(bench.after(29.9, Input::Tick), []);
    assert!(bench.supervisor.is_on_trial());
    let confirmed = [Action::Confirm(Confirmation::StayedUp)];
    assert_eq!(bench.after(0.1, Input::Tick), confirmed);
    assert!(!bench.supervisor.is_on_trial());
    assert_eq!(bench.after(1.0, Input::Tick), []);
    let crashed = bench.handle(Input::Exited(Ending::Code(1)));
    assert_eq!(crashed, [Action::End(1)]);
}

#[test]
fn the_applications_word_confirms_once() {
    for how in [Confirmation::File, Confirmation::Report] {
        let mut bench = Bench::on_trial(strict(), 3);
        assert_eq!(bench.handle(Input::Confirmed(how)), [Action::Confirm(how)]);
        assert_eq!(bench.handle(Input::Confirmed(how)), []);
        assert_eq!(bench.after(100.0, Input::Tick), []);
    }
    assert_eq!(
        Bench::proven().handle(Input::Confirmed(Confirmation::File)),
        []
    );
}

#[test]
fn a_version_that_has_to_confirm_and_does_not_is_stopped_and_counts_as_crashed() {
    let mut bench = Bench::on_trial(strict(), 3);
    assert_eq!(bench.after(30.0, Input::Tick), [STOP]);
    // Too late.
    assert_eq!(bench.handle(Input::Confirmed(Confirmation::File)), []);
    // It hangs, so it does not stop either.
    assert_eq!(bench.after(9.9, Input::Tick), []);
    assert_eq!(bench.after(0.1, Input::Tick), [Action::Kill]);
    assert_eq!(bench.after(1.0, Input::Tick), []);
    let actions = bench.handle(Input::Exited(Ending::Signal(9)));
    let reason = "did not confirm within 30.0 s, 3 times";
    assert_eq!(actions, [Action::GoBack(reason.into()), Action::Start]);
}

#[test]
fn a_restart_stops_first_and_is_not_held_against_a_version_on_probation() {
    let mut bench = Bench::proven();
    assert_eq!(bench.handle(Input::Restart), [STOP]);
    assert_eq!(bench.handle(Input::Restart), []);
    let stopped = bench.handle(Input::Exited(Ending::Code(143)));
    assert_eq!(stopped, [Action::Start]);

    let mut bench = Bench::on_trial(Rules::default(), 2);
    assert_eq!(bench.handle(Input::Restart), [STOP]);
    assert_eq!(bench.after(10.0, Input::Tick), [Action::Kill]);
    let stopped = bench.handle(Input::Exited(Ending::Signal(9)));
    assert_eq!(stopped, [Action::Uncount, Action::Start]);
}

#[test]
fn the_user_goes_back_whenever_the_user_wants() {
    let mut bench = Bench::proven();
    let reason = || "the user went back".to_owned();
    assert_eq!(bench.handle(Input::GoBack(reason())), [STOP]);
    let stopped = bench.handle(Input::Exited(Ending::Code(0)));
    assert_eq!(stopped, [Action::GoBack(reason()), Action::Start]);
}

#[test]
fn a_signal_is_passed_on_and_the_applications_end_is_waited_for() {
    let mut bench = Bench::on_trial(Rules::default(), 1);
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let actions = bench.handle(Input::End(signal));
        assert_eq!(actions, [Action::Stop(signal)]);
    }
    assert_eq!(bench.after(1000.0, Input::Tick), []);
    let stopped = bench.handle(Input::Exited(Ending::Code(7)));
    assert_eq!(stopped, [Action::Uncount, Action::End(7)]);
}

#[test]
fn a_signal_during_a_restart_ends_the_launcher_in_place_of_it() {
    let mut bench = Bench::proven();
    bench.handle(Input::Restart);
    bench.handle(Input::End(Signal::Terminate));
    let stopped = bench.handle(Input::Exited(Ending::Code(143)));
    assert_eq!(stopped, [Action::End(143)]);

    // What was found out about the version is kept.
    let mut bench = Bench::on_trial(strict(), 3);
    bench.after(30.0, Input::Tick);
    bench.handle(Input::End(Signal::Terminate));
    let stopped = bench.handle(Input::Exited(Ending::Code(143)));
    let reason = "did not confirm within 30.0 s, 3 times";
    assert_eq!(stopped, [Action::GoBack(reason.into()), Action::End(143)]);
}

#[test]
fn between_two_starts_nothing_happens() {
    let mut bench = Bench::new(Rules::default());
    for input in [
        Input::Tick,
        Input::Restart,
        Input::Exited(Ending::Code(0)),
        Input::End(Signal::Terminate),
        Input::Confirmed(Confirmation::Report),
    ] {
        assert_eq!(bench.handle(input), []);
    }
}
