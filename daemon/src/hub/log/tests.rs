use protocol::message::{DownloadProgress, ReleaseChanged};
use protocol::{Channel, api::ReleaseState};

use super::*;

const START_MS: i64 = 1_700_000_000_000;
const START: u64 = 1_700_000_000_000_000;

fn log() -> EventLog {
    EventLog::new(Timestamp::from_unix_ms(START_MS))
}

fn about(client_id: &str) -> Subject {
    Subject {
        client_id: Some(client_id.parse().unwrap()),
        version: Some(Version::new(2, 1, 0)),
        channels: vec![Channel::stable()],
    }
}

fn append_progress(log: &mut EventLog, client_id: &str, percentage: u8) -> u64 {
    let message = DownloadProgress {
        client_id: client_id.parse().unwrap(),
        version: Version::new(2, 1, 0),
        bytes_downloaded: 0,
        total_bytes: 0,
        progress_percentage: percentage,
        download_speed: 0,
        estimated_time_remaining: 0,
        timestamp: Timestamp::from_unix_ms(0),
        format: None,
        seq: None,
    };
    log.append(ServerMessage::DownloadProgress(message), about(client_id))
        .seq()
}

fn append_change(log: &mut EventLog) -> u64 {
    let message = ReleaseChanged {
        version: Version::new(2, 1, 0),
        release_channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: false,
        rollout_percentage: 100,
        announced_to: 0,
        timestamp: Timestamp::from_unix_ms(0),
        seq: None,
    };
    log.append(ServerMessage::ReleaseChanged(message), Subject::default())
        .seq()
}

/// All that a reader without a filter gets after a position.
fn read_all(log: &EventLog, after: u64) -> Vec<u64> {
    let (events, position) = log.read(after, &Filter::default(), usize::MAX).unwrap();
    assert_eq!(position, log.newest_seq());
    events.iter().map(|event| event.seq()).collect()
}

#[test]
fn positions_begin_at_the_clock_so_that_they_grow_over_restarts() {
    let mut log = log();
    assert_eq!((log.newest_seq(), log.oldest_seq()), (START, START + 1));
    assert_eq!(append_change(&mut log), START + 1);
    assert_eq!((log.newest_seq(), log.oldest_seq()), (START + 1, START + 1));
}

#[test]
fn a_reader_gets_what_came_after_its_position_page_by_page() {
    let mut log = log();
    for _ in 0..5 {
        append_change(&mut log);
    }
    assert_eq!(read_all(&log, START + 3), [START + 4, START + 5]);
    let (page, position) = log.read(START, &Filter::default(), 2).unwrap();
    assert_eq!((page.len(), position), (2, START + 2));
    let (page, position) = log.read(START + 5, &Filter::default(), 2).unwrap();
    assert_eq!((page.len(), position), (0, START + 5));
}

#[test]
fn a_filter_moves_the_position_past_what_it_holds_back() {
    let mut log = log();
    append_progress(&mut log, "a", 1);
    append_progress(&mut log, "b", 1);
    let filter = Filter::new(&protocol::message::Watch {
        client_id: Some("a".parse().unwrap()),
        ..Default::default()
    });
    let (page, position) = log.read(START, &filter, 10).unwrap();
    assert_eq!((page.len(), position), (1, START + 2));
}

#[test]
fn a_reader_that_is_behind_skips_progress_that_was_overtaken() {
    let mut log = log();
    append_change(&mut log);
    for percentage in 0..=100 {
        append_progress(&mut log, "a", percentage);
    }
    let seqs = read_all(&log, START);
    assert_eq!(seqs[0], START + 1);
    // The newest are all there; older ones are overtaken.
    assert_eq!(seqs.len() as u64, 1 + BEHIND + 1);
    assert_eq!(*seqs.last().unwrap(), START + 102);
}

#[test]
fn a_busy_download_does_not_push_out_the_news_of_a_release() {
    let mut log = log();
    let change = append_change(&mut log);
    for n in 0..KEPT_EVENTS * 3 {
        append_progress(&mut log, "a", (n % 100) as u8);
    }
    assert_eq!(log.oldest_seq(), START + 1, "nothing is lost that counts");
    assert_eq!(read_all(&log, START)[0], change);
    assert!(log.events.len() <= KEPT_EVENTS);
    assert_eq!(log.latest_progress.len(), 1);
}

#[test]
fn memory_is_bounded_and_a_reader_learns_that_it_missed_something() {
    let mut log = log();
    for n in 0..KEPT_EVENTS * 2 {
        append_progress(&mut log, &format!("client-{n}"), 1);
    }
    assert!(log.events.len() <= KEPT_EVENTS);
    assert_eq!(log.latest_progress.len(), log.events.len());
    assert!(log.oldest_seq() > START + 1);
    assert_eq!(
        log.read(START, &Filter::default(), 1).unwrap_err(),
        EventsLost
    );
    assert_eq!(read_all(&log, log.clamp(START)).len(), log.events.len());
    assert_eq!(log.clamp(u64::MAX), log.newest_seq());
}
