//! `tests/golden/journal-v1.log`: one record of each kind, written once, readable for ever.
//!
//! When a record gains an optional field, this file stays and a second one is added beside it: `…-from-nothing.log`
//! has a delta from nothing. To write a new one, run the first test with `BLESS_GOLDEN=1`.

use std::net::Ipv6Addr;

use protocol::api::{ReleaseState, Role};
use protocol::{Channel, ReleaseId, Timestamp, TokenId, Version};

use super::*;
use crate::store::change::{AddedDelta, CreatedRelease, ReleaseName};
use crate::store::{BlobRef, Store};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal-v1.log");
const PATH_FROM_NOTHING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/journal-v1-from-nothing.log"
);
const JOURNAL_ID: [u8; 16] = *b"a golden journal";
const TOKEN: &str = "019b0000-0000-7000-8000-000000000001";
const OLD: &str = "019b0000-0000-7000-8000-000000000002";
const NEW: &str = "019b0000-0000-7000-8000-000000000003";

fn moment() -> Timestamp {
    "2026-01-15T10:30:00.125Z".parse().unwrap()
}

fn later() -> Timestamp {
    "2027-01-15T10:30:00Z".parse().unwrap()
}

fn id(text: &str) -> ReleaseId {
    text.parse().unwrap()
}

fn name(id_text: &str, version: Version) -> ReleaseName {
    let id = id(id_text);
    ReleaseName { id, version }
}

/// With all that a release can have, or with as little as possible.
fn created(id_text: &str, version: Version, is_full: bool) -> Change {
    Change::ReleaseCreated(Box::new(CreatedRelease {
        id: id(id_text),
        version,
        channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: is_full,
        release_notes: if is_full { "Schöner.\n" } else { "" }.into(),
        minimum_client_version: Version::ZERO,
        file_name: "app.jar".into(),
        checksum: Checksum::from_bytes([1; 32]),
        size_bytes: 1000,
        rollout_percentage: 100,
        platforms: if is_full {
            vec!["windows".parse().unwrap()]
        } else {
            vec![]
        },
        signature: is_full.then(|| "c2ln".into()),
        created_by: "admin".parse().unwrap(),
        created_at: moment(),
    }))
}

fn delta(from: Version, from_nothing: bool) -> Change {
    Change::DeltaAdded(Box::new(AddedDelta {
        release_id: id(NEW),
        from,
        from_nothing,
        to: "1.1.0+b5".parse().unwrap(),
        format: "jar".into(),
        checksum: Checksum::from_bytes([2; 32]),
        size_bytes: 10,
        source_checksum: Checksum::from_bytes([1; 32]),
        target_checksum: Checksum::from_bytes([1; 32]),
        created_at: moment(),
    }))
}

fn entries() -> Vec<Entry> {
    let admin = || "admin".parse().unwrap();
    let changes = [
        Change::UserCreated {
            username: admin(),
            role: Role::Admin,
        },
        Change::UserCreated {
            username: "alice".parse().unwrap(),
            role: Role::User,
        },
        Change::UserChanged {
            username: "alice".parse().unwrap(),
            role: Some(Role::Publisher),
            enabled: Some(false),
        },
        Change::TokenIssued {
            id: TOKEN.parse().unwrap(),
            username: admin(),
            issued_at: moment(),
            expires_at: later(),
        },
        Change::TokenRevoked { jti: TOKEN.into() },
        Change::TokenRevoked {
            jti: "a foreign one".into(),
        },
        created(OLD, Version::new(1, 0, 0), false),
        created(NEW, "1.1.0+b5".parse().unwrap(), true),
        delta(Version::new(1, 0, 0), false),
        Change::ReleaseChanged {
            release: name(OLD, Version::new(1, 0, 0)),
            state: Some(ReleaseState::Inactive),
            rollout_percentage: Some(50),
        },
        Change::ChannelRolledBack {
            channel: Channel::stable(),
            to: name(OLD, Version::new(1, 0, 0)),
            recalled: vec![name(NEW, "1.1.0+b5".parse().unwrap())],
        },
    ];
    by_turns(changes.into())
}

/// With a delta from nothing, which came later.
fn entries_from_nothing() -> Vec<Entry> {
    by_turns(vec![
        created(NEW, "1.1.0+b5".parse().unwrap(), false),
        delta(Version::ZERO, true),
    ])
}

/// The first by the daemon, the others by somebody.
fn by_turns(changes: Vec<Change>) -> Vec<Entry> {
    let entry = |(number, change)| Entry {
        time: moment(),
        actor: if number == 0 { "relctld" } else { "admin" }.into(),
        address: (number > 0).then(|| Ipv6Addr::LOCALHOST.into()),
        change,
    };
    changes.into_iter().enumerate().map(entry).collect()
}

#[test]
fn what_is_written_today_is_what_was_always_written() {
    for (path, entries) in [
        (PATH, entries()),
        (PATH_FROM_NOTHING, entries_from_nothing()),
    ] {
        let folder = Folder::new();
        create(&folder.path(), &JOURNAL_ID).unwrap();
        let mut journal = folder.open().journal;
        for entry in entries {
            journal.append(&entry).unwrap();
        }
        if std::env::var_os("BLESS_GOLDEN").is_some() {
            fs::write(path, folder.bytes()).unwrap();
        }
        assert!(
            folder.bytes() == fs::read(path).unwrap(),
            "the format of {path} changed: see the docs of this file"
        );
    }
}

#[test]
fn a_delta_from_nothing_is_read_as_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("journal")).unwrap();
    let journal = dir.path().join("journal/000001.log");
    fs::copy(PATH_FROM_NOTHING, journal).unwrap();
    let catalog = Store::open(dir.path()).unwrap().store.catalog();
    let version = "1.1.0+b5".parse().unwrap();
    assert_eq!(catalog.compressed(&version).unwrap().blob.size_bytes, 10);
    assert!(catalog.deltas_to(&version).is_empty());
}

#[test]
fn what_was_written_once_is_read_today() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("journal")).unwrap();
    fs::copy(PATH, dir.path().join("journal/000001.log")).unwrap();
    let store = Store::open(dir.path()).unwrap().store;
    assert_eq!(store.read_only_reason(), None);

    let users = store.users().unwrap();
    let users: Vec<_> = users
        .iter()
        .map(|u| (u.username.as_str(), u.role, u.enabled))
        .collect();
    assert_eq!(
        users,
        [
            ("admin", Role::Admin, true),
            ("alice", Role::Publisher, false)
        ]
    );

    let token = store
        .token(TOKEN.parse::<TokenId>().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(
        (token.username.as_str(), token.expires_at),
        ("admin", later())
    );
    assert!(token.revoked && store.is_revoked("a foreign one").unwrap());

    let catalog = store.catalog();
    let [new, old] = catalog.releases() else {
        panic!("{:?}", catalog.releases());
    };
    assert_eq!(
        (new.id, new.state, new.is_mandatory),
        (id(NEW), ReleaseState::Recalled, true)
    );
    assert_eq!(
        (&*new.release_notes, new.signature.as_deref()),
        ("Schöner.\n", Some("c2ln"))
    );
    assert_eq!(new.platforms, ["windows".parse().unwrap()]);
    let checksum = Checksum::from_bytes([1; 32]);
    assert_eq!(
        new.blob,
        BlobRef {
            checksum,
            size_bytes: 1000
        }
    );
    assert_eq!(
        (old.id, old.state, old.rollout_percentage),
        (id(OLD), ReleaseState::Active, 50)
    );
    assert_eq!((old.created_at, old.revision), (moment(), 11));

    let deltas = catalog.deltas_between(&old.version, &new.version);
    assert_eq!(
        (
            deltas.len(),
            deltas[0].format.as_str(),
            deltas[0].blob.size_bytes
        ),
        (1, "jar", 10)
    );
    let history = store.release_history(id(NEW)).unwrap();
    let told: Vec<_> = history.iter().map(|h| (h.seq, h.action)).collect();
    let expected = [
        (11, "CHANNEL_ROLLED_BACK"),
        (9, "DELTA_ADDED"),
        (8, "RELEASE_CREATED"),
    ];
    assert_eq!(told, expected);
    assert_eq!(history[0].address, Some(Ipv6Addr::LOCALHOST.into()));
}
