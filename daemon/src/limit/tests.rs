use super::*;

fn key(client: &str) -> LimitKey {
    LimitKey::new(
        &"ada".parse().unwrap(),
        Some(&client.parse().unwrap()),
        address("127.0.0.1"),
    )
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn after(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

#[test]
fn the_limit_is_allowed_and_the_next_one_is_told_when_to_come_back() {
    let limits = Limits::new(10, 0, 0);
    let start = Instant::now();
    for _ in 0..10 {
        assert!(limits.take_connection(&key("a"), start).is_ok());
    }
    let refused = limits
        .take_connection(&key("a"), after(start, 12_400))
        .unwrap_err();
    assert_eq!(
        refused,
        RateLimitDetails {
            retry_after: 48,
            violation_type: ViolationType::ConnectionLimit,
            current_count: 11,
            max_allowed: 10,
            window_minutes: 1,
        }
    );
    assert_eq!(
        limits
            .take_connection(&key("a"), after(start, 59_999))
            .unwrap_err()
            .retry_after,
        1
    );
    assert!(
        limits
            .take_connection(&key("a"), after(start, 12_400 + 48_000))
            .is_ok()
    );
}

#[test]
fn one_client_does_not_use_up_the_limit_of_another() {
    let limits = Limits::new(1, 1, 1);
    let now = Instant::now();
    assert!(limits.take_message(&key("a"), now).is_ok());
    assert!(limits.take_message(&key("a"), now).is_err());
    assert!(limits.take_message(&key("b"), now).is_ok());
    let same_id_of_another_user = LimitKey::new(
        &"bob".parse().unwrap(),
        Some(&"a".parse().unwrap()),
        address("127.0.0.1"),
    );
    assert!(limits.take_message(&same_id_of_another_user, now).is_ok());
}

#[test]
fn zero_switches_a_limit_off() {
    let limits = Limits::new(0, 0, 0);
    let now = Instant::now();
    let mut slots = Vec::new();
    for _ in 0..1000 {
        assert!(limits.take_connection(&key("a"), now).is_ok());
        assert!(limits.take_address(address("127.0.0.1"), now).is_ok());
        assert!(limits.take_message(&key("a"), now).is_ok());
        slots.push(limits.start_download(&key("a"), now).unwrap());
    }
    assert_eq!(limits.running_downloads(), 1000);
}

#[test]
fn an_address_is_refused_at_five_times_the_limit_whatever_it_calls_itself() {
    let limits = Limits::new(2, 0, 0);
    let now = Instant::now();
    for n in 0..10 {
        // The same network under many names.
        let name = format!("2001:db8::{n:x}");
        assert!(limits.take_address(address(&name), now).is_ok(), "{name}");
    }
    assert_eq!(
        limits
            .take_address(address("2001:db8::ffff"), now)
            .unwrap_err()
            .max_allowed,
        10
    );
    assert!(limits.take_address(address("2001:db8:0:1::"), now).is_ok());
}

#[test]
fn a_mapped_address_is_the_address_that_it_maps() {
    let limits = Limits::new(1, 0, 0);
    let now = Instant::now();
    for _ in 0..5 {
        assert!(
            limits
                .take_address(address("::ffff:192.0.2.1"), now)
                .is_ok()
        );
    }
    assert!(limits.take_address(address("192.0.2.1"), now).is_err());
}

#[test]
fn a_download_that_ends_makes_room_for_the_next() {
    let limits = Limits::new(0, 0, 2);
    let now = Instant::now();
    let first = limits.start_download(&key("a"), now).unwrap();
    let _second = limits.start_download(&key("a"), now).unwrap();
    let refused = limits.start_download(&key("a"), now).unwrap_err();
    assert_eq!((refused.current_count, refused.max_allowed), (3, 2));
    assert_eq!(refused.violation_type, ViolationType::DownloadLimit);
    assert!(limits.start_download(&key("b"), now).is_ok());
    drop(first);
    let _third = limits.start_download(&key("a"), now).unwrap();
    assert_eq!(limits.running_downloads(), 2);
}

#[test]
fn windows_that_are_over_are_forgotten() {
    let mut window = Window::new(1, ViolationType::MessageLimit);
    let start = Instant::now();
    for n in 0..1000 {
        assert!(window.take(n, start).is_ok());
    }
    assert!(window.take(1000, after(start, 60_000)).is_ok());
    assert_eq!(window.counts.len(), 1);
}

#[test]
fn a_flood_of_names_does_not_grow_memory_without_bound() {
    let mut window = Window::new(1, ViolationType::MessageLimit);
    let now = Instant::now();
    for n in 0..REMEMBERED_KEYS + 1000 {
        assert!(window.take(n, now).is_ok());
    }
    assert_eq!(window.counts.len(), REMEMBERED_KEYS);
    assert!(window.take(0, now).is_err());
}

#[test]
fn the_message_has_the_full_shape_of_the_specification() {
    let limits = Limits::new(1, 0, 0);
    let now = Instant::now();
    let key = LimitKey::new(&"ada".parse().unwrap(), None, address("192.0.2.1"));
    assert!(limits.take_connection(&key, now).is_ok());
    let details = limits.take_connection(&key, now).unwrap_err();
    let message = rate_limited(&key, &details, "2024-01-15T10:30:00Z".parse().unwrap());
    assert_eq!(
        serde_json::to_value(message).unwrap(),
        serde_json::json!({
            "clientId": "ada@192.0.2.1",
            "retryAfter": 60,
            "message": "Rate limit exceeded. Please retry after 60 seconds",
            "violationType": "CONNECTION_LIMIT",
            "currentCount": 2,
            "maxAllowed": 1,
            "windowMinutes": 1,
            "timestamp": "2024-01-15T10:30:00Z"
        })
    );
}

#[test]
fn downloads_are_as_fast_as_they_like_unless_a_bandwidth_is_set() {
    let limits = Limits::new(0, 0, 0);
    let now = Instant::now();
    let slot = limits.start_download(&key("a"), now).unwrap();
    assert!(!slot.is_paced());
    assert_eq!(slot.piece(usize::MAX), usize::MAX);
    for share in [Share::OfClient, Share::OfAll] {
        assert_eq!(slot.take(share, usize::MAX, now), None);
    }
}

/// Bytes that each download sends in ten seconds, when all always want more.
fn sent_in_ten_seconds(slots: &[DownloadSlot], start: Instant) -> Vec<usize> {
    let mut due: Vec<Instant> = slots.iter().map(|_| start).collect();
    let mut sent = vec![0; slots.len()];
    loop {
        let next = (0..slots.len()).min_by_key(|index| due[*index]).unwrap();
        let now = due[next];
        if now >= after(start, 10_000) {
            return sent;
        }
        let slot = &slots[next];
        let piece = slot.piece(1 << 20);
        let mut at = now;
        for share in [Share::OfClient, Share::OfAll] {
            at = at.max(slot.take(share, piece, at).unwrap_or(at));
        }
        // Sent at `at`; asks again then, and a piece that went at once has another behind it.
        due[next] = at + Duration::from_nanos(1);
        sent[next] += piece;
    }
}

#[test]
fn the_downloads_of_a_client_share_its_bandwidth() {
    let limits = Limits::new(0, 0, 0).with_bandwidth(1_000_000, 0);
    let start = Instant::now();
    let slots = ["a", "a", "a", "b"].map(|id| limits.start_download(&key(id), start).unwrap());
    let sent = sent_in_ten_seconds(&slots, start);
    let of_a: usize = sent[..3].iter().sum();
    for bytes in [of_a, sent[3]] {
        assert!((9_800_000..=10_200_000).contains(&bytes), "{sent:?}");
    }
    assert!(
        sent[..3]
            .iter()
            .all(|bytes| bytes.abs_diff(of_a / 3) < 100_000)
    );
}

#[test]
fn clients_share_the_bandwidth_of_all_alike_however_many_downloads_they_have() {
    let limits = Limits::new(0, 0, 0).with_bandwidth(0, 2_000_000);
    let start = Instant::now();
    let slots = ["a", "a", "a", "b"].map(|id| limits.start_download(&key(id), start).unwrap());
    let sent = sent_in_ten_seconds(&slots, start);
    let of_a: usize = sent[..3].iter().sum();
    for bytes in [of_a, sent[3]] {
        assert!((9_600_000..=10_400_000).contains(&bytes), "{sent:?}");
    }
}

#[test]
fn a_client_that_is_held_back_leaves_its_share_to_others() {
    let limits = Limits::new(0, 0, 0).with_bandwidth(300_000, 1_000_000);
    let start = Instant::now();
    let slots = ["a", "b"].map(|id| limits.start_download(&key(id), start).unwrap());
    let sent = sent_in_ten_seconds(&slots, start);
    for bytes in sent {
        assert!((2_900_000..=3_100_000).contains(&bytes), "{bytes}");
    }
}

#[test]
fn one_short_download_after_the_other_is_no_way_around_a_bandwidth() {
    let limits = Limits::new(0, 0, 0).with_bandwidth(1_000_000, 0);
    let start = Instant::now();
    let mut at = start;
    for _ in 0..100 {
        let slot = limits.start_download(&key("a"), start).unwrap();
        at = slot.take(Share::OfClient, 100_000, start).unwrap();
    }
    assert_eq!(at, after(start, 9_900));
    // When all of it would have gone, nothing is remembered any more.
    let _other = limits
        .start_download(&key("b"), after(start, 10_001))
        .unwrap();
    let again = limits
        .start_download(&key("a"), after(start, 10_001))
        .unwrap();
    assert_eq!(
        again.take(Share::OfClient, 1, after(start, 10_001)),
        Some(after(start, 10_001))
    );
}
