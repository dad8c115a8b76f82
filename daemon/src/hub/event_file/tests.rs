use std::borrow::Cow;

use protocol::message::{ClientConnected, ClientDisconnected, ReleaseChanged};
use protocol::{Channel, ServerMessage, SessionId, Timestamp, Version, api::ReleaseState};

use super::*;
use crate::hub::event::Subject;
use crate::hub::log::EventLog;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/events-v1.log");
const SESSION: &str = "019b0000-0000-7000-8000-000000000001";

fn moment() -> Timestamp {
    "2026-01-15T10:30:00.125Z".parse().unwrap()
}

/// Microseconds of [`moment`].
const MOMENT_SEQ: u64 = 1_768_473_000_125_000;

fn changed() -> (ServerMessage, Subject) {
    let message = ServerMessage::ReleaseChanged(ReleaseChanged {
        version: Version::new(2, 1, 0),
        release_channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: false,
        rollout_percentage: 100,
        announced_to: 3,
        timestamp: moment(),
        seq: None,
    });
    let subject = Subject {
        client_id: None,
        version: Some(Version::new(2, 1, 0)),
        channels: vec![Channel::stable()],
    };
    (message, subject)
}

fn about_client() -> Subject {
    Subject {
        client_id: Some("a".parse().unwrap()),
        version: Some(Version::new(2, 0, 0)),
        channels: vec![Channel::stable()],
    }
}

fn connected(session_id: SessionId) -> (ServerMessage, Subject) {
    let message = ServerMessage::ClientConnected(ClientConnected {
        client_id: "a".parse().unwrap(),
        session_id,
        client_version: Version::new(2, 0, 0),
        platform: "linux".parse().unwrap(),
        architecture: "x64".parse().unwrap(),
        channels: vec![Channel::stable()],
        timestamp: moment(),
        seq: None,
    });
    (message, about_client())
}

fn disconnected(session_id: SessionId) -> (ServerMessage, Subject) {
    let message = ServerMessage::ClientDisconnected(ClientDisconnected {
        client_id: "a".parse().unwrap(),
        session_id,
        timestamp: moment(),
        seq: None,
    });
    (message, about_client())
}

/// A run of the daemon that wrote these events, at the positions from 11 on.
struct Run {
    _folder: tempfile::TempDir,
    file: EventFile,
    log: EventLog,
}

impl Run {
    fn of(events: impl IntoIterator<Item = (ServerMessage, Subject)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::new(folder.path(), Some("this boot".into()));
        let draft = file.draft(10).unwrap();
        file.publish(draft).unwrap();
        let mut run = Self {
            _folder: folder,
            file,
            log: EventLog::after(10),
        };
        for (message, subject) in events {
            run.happens(message, subject);
        }
        run
    }

    fn happens(&mut self, message: ServerMessage, subject: Subject) {
        let event = self.log.append(message, subject);
        self.file.append(&event);
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file.path()).unwrap()
    }

    /// What a daemon makes of it that starts in the same run of the machine.
    fn loaded(&self) -> EventLog {
        load::load(self.file.path(), Some("this boot"), moment()).0
    }

    fn loaded_after(&self, boot: Option<&str>) -> EventLog {
        load::load(self.file.path(), boot, moment()).0
    }
}

fn seqs(log: &EventLog) -> Vec<u64> {
    log.events().map(|event| event.seq()).collect()
}

/// A log that knows of nothing before the start.
fn assert_begins_anew(log: &EventLog) {
    assert_eq!(seqs(log), [0; 0]);
    assert_eq!(log.oldest_seq(), log.newest_seq() + 1);
}

#[test]
fn the_golden_file_is_read_and_written_again_to_the_byte() {
    let mut text = Vec::new();
    let session_id: SessionId = SESSION.parse().unwrap();
    let mut lines = vec![Line::Begin {
        format: line::FORMAT,
        boot: Some("0c6c1d5e-8f0d-4a0c-9a2b-5d0f3d6f0001".into()),
        dropped_through: 10,
    }];
    for (seq, (message, subject)) in (11..).zip([connected(session_id), changed()]) {
        lines.push(Line::Event {
            seq,
            client_id: subject.client_id.map(Cow::Owned),
            version: subject.version.map(Cow::Owned),
            channels: Cow::Owned(subject.channels),
            message: Cow::Owned(message),
        });
    }
    lines.extend([Line::Watched, Line::Stopped]);
    for line in &lines {
        line::encode(line, &mut text).unwrap();
    }
    if std::env::var_os("BLESS_GOLDEN").is_some() {
        fs::write(GOLDEN, &text).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap();
    assert_eq!(golden, String::from_utf8(text).unwrap());
    for (line, text) in lines.iter().zip(golden.lines()) {
        assert_eq!(line::decode(text.as_bytes()).as_ref(), Some(line));
    }
    let (log, was_watched) = load::load(Path::new(GOLDEN), None, moment());
    assert!(was_watched);
    // The session that was open is over.
    assert_eq!(seqs(&log), [11, 12, MOMENT_SEQ + 1]);
    assert_eq!(log.oldest_seq(), 11);
}

#[test]
fn a_daemon_that_was_killed_has_lost_nothing_while_the_machine_went_on() {
    let run = Run::of([changed(), changed()]);
    let log = run.loaded();
    assert_eq!(seqs(&log), [11, 12]);
    assert_eq!((log.oldest_seq(), log.newest_seq()), (11, MOMENT_SEQ));
    let first = log.events().next().unwrap();
    let (message, subject) = changed();
    assert_eq!((first.message(), first.subject()), (&message, &subject));
}

#[test]
fn a_machine_that_ended_before_the_daemon_may_have_lost_events() {
    let run = Run::of([changed()]);
    for boot in [Some("another boot"), None] {
        assert_begins_anew(&run.loaded_after(boot));
    }
}

#[test]
fn after_a_stop_in_order_nothing_is_lost_whatever_became_of_the_machine() {
    let mut run = Run::of([changed()]);
    run.file.stop().unwrap();
    assert_eq!(seqs(&run.loaded_after(Some("another boot"))), [11]);
    // Unless something happened behind it.
    let (message, subject) = changed();
    run.happens(message, subject);
    assert_begins_anew(&run.loaded_after(Some("another boot")));
    assert_eq!(seqs(&run.loaded()), [11, 12]);
}

#[test]
fn what_is_damaged_is_forgotten_and_no_position_is_given_twice() {
    let run = Run::of([changed(), changed()]);
    let good = run.text();
    let again = good.lines().last().unwrap().to_owned() + "\n";
    let other_format = {
        let mut text = Vec::new();
        let begin = Line::Begin {
            format: line::FORMAT + 1,
            boot: Some("this boot".into()),
            dropped_through: 10,
        };
        line::encode(&begin, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    for (what, text) in [
        ("nothing", String::new()),
        ("a changed letter", good.replace("\"seq\":12", "\"seq\":13")),
        ("a missing beginning", again.clone()),
        ("a position that came before", format!("{good}{again}")),
        ("another format", other_format),
        ("zeros", "\0".repeat(100) + "\n"),
        ("a line without end", "x".repeat(100_000)),
        ("two beginnings", format!("{good}{good}")),
    ] {
        fs::write(run.file.path(), text).unwrap();
        let log = run.loaded();
        assert_begins_anew(&log);
        assert_eq!(log.newest_seq(), MOMENT_SEQ, "{what}");
    }
    // The clock may have been set back.
    fs::write(run.file.path(), good + "damage\n").unwrap();
    let (log, _) = load::load(
        run.file.path(),
        Some("this boot"),
        Timestamp::from_unix_ms(0),
    );
    assert_begins_anew(&log);
    assert_eq!(log.newest_seq(), 12);
}

#[test]
fn a_line_that_a_killed_daemon_did_not_finish_is_passed_over() {
    let run = Run::of([changed(), changed()]);
    let good = run.text();
    let second = good.rfind("\n").and_then(|end| good[..end].rfind("\n"));
    for cut in [second.unwrap() + 1, second.unwrap() + 20, good.len() - 1] {
        fs::write(run.file.path(), &good[..cut]).unwrap();
        assert_eq!(seqs(&run.loaded()), [11], "{cut}");
    }
}

#[test]
fn sessions_of_a_killed_daemon_are_told_to_be_over() {
    let (gone, open) = (SessionId::generate(), SessionId::generate());
    let run = Run::of([connected(gone), connected(open), disconnected(gone)]);
    let log = run.loaded();
    assert_eq!(seqs(&log), [11, 12, 13, MOMENT_SEQ + 1]);
    let Some(ServerMessage::ClientDisconnected(end)) =
        log.events().last().map(|event| event.message().clone())
    else {
        panic!("expected the end of a session");
    };
    assert_eq!((end.session_id, end.timestamp), (open, moment()));
}

#[test]
fn an_event_that_cannot_be_written_leaves_no_file_that_lacks_it() {
    let mut run = Run::of([changed()]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    run.file.writer.as_mut().unwrap().file = full;
    assert!(!run.file.is_due());
    let (message, subject) = changed();
    run.happens(message, subject);
    assert!(run.file.is_due());
    assert!(run.file.stop().is_err());
    assert_begins_anew(&run.loaded());
    assert!(!run.file.path().exists());
}
