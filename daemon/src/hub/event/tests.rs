use std::sync::Arc;

use protocol::Timestamp;
use protocol::message::{DownloadProgress, InstallationCompleted};

use super::*;

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message && self.subject == other.subject && self.seq == other.seq
    }
}

fn subject(client_id: &str) -> Subject {
    Subject {
        client_id: Some(client_id.parse().unwrap()),
        version: Some(Version::new(2, 1, 0)),
        channels: vec![Channel::stable()],
    }
}

pub(in crate::hub) fn progress(client_id: &str, percentage: u8) -> Arc<Event> {
    let message = ServerMessage::DownloadProgress(DownloadProgress {
        client_id: client_id.parse().unwrap(),
        version: Version::new(2, 1, 0),
        bytes_downloaded: u64::from(percentage),
        total_bytes: 100,
        progress_percentage: percentage,
        download_speed: 0,
        estimated_time_remaining: 0,
        timestamp: Timestamp::from_unix_ms(0),
        format: Some("zstd".into()),
        seq: None,
    });
    Arc::new(Event::new(message, subject(client_id), 7))
}

pub(in crate::hub) fn completed(client_id: &str) -> Arc<Event> {
    let message = ServerMessage::InstallationCompleted(InstallationCompleted {
        client_id: client_id.parse().unwrap(),
        version: Version::new(2, 1, 0),
        previous_version: Version::new(2, 0, 0),
        success: true,
        message: String::new(),
        timestamp: Timestamp::from_unix_ms(0),
        seq: None,
    });
    Arc::new(Event::new(message, subject(client_id), 8))
}

#[test]
fn clients_see_the_fields_of_the_specification_and_watchers_see_more() {
    let event = progress("a", 50);
    let for_clients = event.text_for_clients();
    assert!(!for_clients.contains("seq") && !for_clients.contains("format"));
    let for_watchers = event.text_for_watchers();
    assert!(for_watchers.contains(r#""format":"zstd","seq":7}"#));
}

#[test]
fn an_event_is_written_once_for_all_its_readers() {
    let event = progress("a", 50);
    let (first, second) = (event.text_for_watchers(), event.text_for_watchers());
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[test]
fn every_given_filter_has_to_match() {
    let watch = |channel: Option<&str>, version: Option<&str>, client_id: Option<&str>| {
        Filter::new(&Watch {
            channel: channel.map(|text| text.parse().unwrap()),
            version: version.map(|text| text.parse().unwrap()),
            client_id: client_id.map(|text| text.parse().unwrap()),
            since: None,
        })
    };
    let subject = subject("a");
    assert!(watch(None, None, None).matches(&subject));
    assert!(watch(None, None, None).matches(&Subject::default()));
    assert!(watch(Some("stable"), Some("2.1.0"), Some("a")).matches(&subject));
    assert!(!watch(Some("beta"), Some("2.1.0"), Some("a")).matches(&subject));
    assert!(!watch(Some("stable"), Some("2.1.1"), Some("a")).matches(&subject));
    assert!(!watch(Some("stable"), Some("2.1.0"), Some("b")).matches(&subject));
    assert!(!watch(Some("stable"), None, None).matches(&Subject::default()));
}

#[test]
fn progress_replaces_only_older_progress_of_the_same_client_and_kind() {
    assert!(progress("a", 50).replaces(&progress("a", 10)));
    assert!(!progress("a", 50).replaces(&progress("b", 10)));
    assert!(!progress("a", 50).replaces(&completed("a")));
    assert!(!completed("a").replaces(&completed("a")));
}
