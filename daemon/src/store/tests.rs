//! The store from outside: what it promises to the rest of the daemon, and to a second backend if there ever is one.

mod damage;
mod full_disk;
mod model;

use std::fs;
use std::path::Path;

use protocol::api::{ReleaseState, Role, UserChange};
use protocol::{Channel, Checksum, DeltaSource, ReleaseId, Timestamp, TokenId, Username, Version};
use tempfile::TempDir;

use super::*;

/// A folder in memory where there is one: thousands of damaged copies are synced here, and none has to last.
pub(super) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// An opened store in a folder of its own.
pub(super) struct Kept {
    pub(super) dir: TempDir,
    pub(super) store: Store,
}

impl Kept {
    pub(super) fn new() -> Self {
        let dir = scratch();
        let store = Store::open(dir.path()).unwrap().store;
        Self { dir, store }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Closes the store and lets the folder live.
    pub(super) fn close(self) -> TempDir {
        self.dir
    }

    /// Closes and opens it again; nothing may be odd about that.
    pub(super) fn reopen(self) -> Self {
        let dir = self.close();
        let opened = Store::open(dir.path()).unwrap();
        assert_eq!(opened.warnings, Vec::<String>::new());
        let store = opened.store;
        Self { dir, store }
    }
}

pub(super) fn by() -> Actor {
    Actor {
        name: "admin".into(),
        address: Some([127, 0, 0, 1].into()),
    }
}

pub(super) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(super) fn username(text: &str) -> Username {
    text.parse().unwrap()
}

pub(super) fn moment() -> Timestamp {
    "2026-01-15T10:30:00Z".parse().unwrap()
}

pub(super) fn release(text: &str) -> Release {
    Release {
        id: ReleaseId::generate(),
        version: version(text),
        channel: Channel::stable(),
        state: ReleaseState::Active,
        is_mandatory: false,
        release_notes: "Faster.".into(),
        minimum_client_version: Version::ZERO,
        file_name: "app.jar".into(),
        blob: BlobRef {
            checksum: Checksum::from_bytes([7; 32]),
            size_bytes: 100,
        },
        rollout_percentage: 100,
        platforms: vec!["windows".parse().unwrap()],
        signature: Some("c2ln".into()),
        created_by: username("admin"),
        created_at: moment(),
        updated_at: moment(),
        revision: 0,
    }
}

pub(super) fn delta(from: &str, to: &str, format: &str, size_bytes: u64) -> Delta {
    Delta {
        from: from.parse().unwrap(),
        to: version(to),
        format: format.into(),
        blob: BlobRef {
            checksum: Checksum::from_bytes([size_bytes as u8; 32]),
            size_bytes,
        },
        source_checksum: Checksum::from_bytes([1; 32]),
        target_checksum: Checksum::from_bytes([7; 32]),
        created_at: moment(),
    }
}

pub(super) fn token(user: &str) -> Token {
    Token {
        id: TokenId::generate(),
        username: username(user),
        issued_at: moment(),
        expires_at: "2027-01-15T10:30:00Z".parse().unwrap(),
        revoked: false,
    }
}

/// All that a store tells, for comparing two of them.
#[derive(Debug, PartialEq)]
pub(super) struct Everything {
    releases: Vec<Arc<Release>>,
    deltas: Vec<Arc<Delta>>,
    users: Vec<User>,
    tokens: Vec<Token>,
    history: Vec<Vec<HistoryRecord>>,
    sequence: u64,
}

pub(super) fn everything(store: &Store) -> Everything {
    let catalog = store.catalog();
    let releases = catalog.releases().to_vec();
    Everything {
        deltas: releases
            .iter()
            .flat_map(|r| {
                let compressed = catalog.compressed(&r.version);
                let deltas = catalog.deltas_to(&r.version).iter();
                deltas.chain(compressed).cloned().collect::<Vec<_>>()
            })
            .collect(),
        users: store.users().unwrap(),
        tokens: store.tokens().unwrap(),
        history: releases
            .iter()
            .map(|r| store.release_history(r.id).unwrap())
            .collect(),
        sequence: catalog.sequence(),
        releases,
    }
}

#[test]
fn a_new_folder_is_empty_private_and_a_first_start() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch();
    let data_dir = dir.path().join("data");
    let opened = Store::open(&data_dir).unwrap();
    assert!(opened.first_start);
    assert_eq!(opened.warnings, Vec::<String>::new());
    let mode = |name: &str| {
        let metadata = fs::metadata(data_dir.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    for folder in ["", "journal", "blobs", "staging", "index"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["LOCK", "journal/000001.log"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    opened
        .store
        .create_user(&by(), username("admin"), Role::Admin)
        .unwrap();
    drop(opened);
    assert!(!Store::open(&data_dir).unwrap().first_start);
}

#[test]
fn a_second_daemon_is_refused_and_told_who_has_the_folder() {
    let kept = Kept::new();
    let error = Store::open(kept.path()).unwrap_err();
    let StoreError::Locked { pid, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    let dir = kept.close();
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_user_is_made_once_and_changed() {
    let Kept { store, dir: _dir } = Kept::new();
    let alice = username("alice");
    store.create_user(&by(), alice.clone(), Role::User).unwrap();
    let error = store
        .create_user(&by(), alice.clone(), Role::Admin)
        .unwrap_err();
    assert_eq!(error.to_string(), "user alice exists already");

    let change = UserChange {
        role: Some(Role::Publisher),
        enabled: None,
    };
    let changed = store.change_user(&by(), &alice, change.clone()).unwrap();
    assert_eq!((changed.role, changed.enabled), (Role::Publisher, true));
    assert_eq!(store.user(&alice).unwrap(), Some(changed));

    let sequence = store.catalog().sequence();
    store.change_user(&by(), &alice, change.clone()).unwrap();
    assert_eq!(store.catalog().sequence(), sequence, "no change, no record");

    let error = store
        .change_user(&by(), &username("bob"), change)
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

#[test]
fn users_whose_names_begin_alike_are_kept_apart() {
    let kept = Kept::new();
    for name in ["ab", "a", "abc"] {
        kept.store
            .create_user(&by(), username(name), Role::User)
            .unwrap();
    }
    assert_eq!(
        kept.store.user(&username("a")).unwrap().unwrap().username,
        username("a")
    );
    let names: Vec<_> = kept
        .store
        .users()
        .unwrap()
        .into_iter()
        .map(|u| u.username)
        .collect();
    assert_eq!(names, [username("a"), username("ab"), username("abc")]);
}

#[test]
fn a_token_needs_its_user_and_can_be_taken_back_once() {
    let Kept { store, dir: _dir } = Kept::new();
    let error = store.issue_token(&by(), token("alice")).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    store
        .create_user(&by(), username("alice"), Role::User)
        .unwrap();
    let token = token("alice");
    store.issue_token(&by(), token.clone()).unwrap();
    let error = store.issue_token(&by(), token.clone()).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(store.token(token.id).unwrap(), Some(token.clone()));

    let jti = token.id.to_string();
    assert!(!store.is_revoked(&jti).unwrap());
    store.revoke_token(&by(), &jti).unwrap();
    assert!(store.is_revoked(&jti).unwrap());
    assert!(store.token(token.id).unwrap().unwrap().revoked);
    let sequence = store.catalog().sequence();
    store.revoke_token(&by(), &jti).unwrap();
    assert_eq!(store.catalog().sequence(), sequence);
}

#[test]
fn a_foreign_token_can_be_taken_back_whatever_its_id_looks_like() {
    let kept = Kept::new();
    let strange = ["", "a\0b", "\u{1F600}", &"x".repeat(8000)];
    for jti in strange {
        kept.store.revoke_token(&by(), jti).unwrap();
    }
    let kept = kept.reopen();
    for jti in strange {
        assert!(kept.store.is_revoked(jti).unwrap());
    }
    assert!(!kept.store.is_revoked("a").unwrap());
}

#[test]
fn a_version_exists_once_whatever_its_build_metadata() {
    let Kept { store, dir: _dir } = Kept::new();
    let created = store.create_release(&by(), release("2.1.0+a")).unwrap();
    assert_eq!(created.revision, 1);
    for again in ["2.1.0+a", "2.1.0+b", "2.1.0"] {
        let error = store.create_release(&by(), release(again)).unwrap_err();
        assert_eq!(error.to_string(), "version 2.1.0+a exists already");
    }
    let catalog = store.catalog();
    assert_eq!(catalog.by_version(&version("2.1.0+a")), Some(&created));
    assert_eq!(catalog.by_version(&version("2.1.0")), None);
    assert_eq!(catalog.same_precedence(&version("2.1.0")), Some(&created));
    assert_eq!(catalog.by_id(created.id), Some(&created));
}

#[test]
fn releases_are_listed_by_precedence() {
    let Kept { store, dir: _dir } = Kept::new();
    for text in ["2.9.0", "2.10.0-rc.1", "2.10.0", "1.0.0"] {
        store.create_release(&by(), release(text)).unwrap();
    }
    let catalog = store.catalog();
    let versions: Vec<_> = catalog
        .releases()
        .iter()
        .map(|r| r.version.to_string())
        .collect();
    assert_eq!(versions, ["2.10.0", "2.10.0-rc.1", "2.9.0", "1.0.0"]);
}

#[test]
fn a_release_changes_only_for_who_saw_its_newest_revision() {
    let Kept { store, dir: _dir } = Kept::new();
    let created = store.create_release(&by(), release("2.1.0")).unwrap();
    let off = ReleaseUpdate {
        state: Some(ReleaseState::Inactive),
        rollout_percentage: Some(50),
    };
    let before = store.catalog();
    let changed = store
        .change_release(&by(), created.id, created.revision, off)
        .unwrap();
    assert_eq!(
        (changed.state, changed.rollout_percentage),
        (ReleaseState::Inactive, 50)
    );
    assert!(changed.revision > created.revision && changed.updated_at > created.updated_at);
    assert_eq!(
        before.by_id(created.id),
        Some(&created),
        "a snapshot never changes"
    );

    let error = store
        .change_release(&by(), created.id, created.revision, off)
        .unwrap_err();
    assert_eq!(error.to_string(), "release 2.1.0 changed meanwhile");
    let same = store
        .change_release(&by(), created.id, changed.revision, off)
        .unwrap();
    assert_eq!(same.revision, changed.revision, "no change, no record");
    let error = store
        .change_release(&by(), ReleaseId::generate(), 1, off)
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

#[test]
fn a_rollback_recalls_all_newer_releases_at_once() {
    let Kept { store, dir: _dir } = Kept::new();
    let old = store.create_release(&by(), release("1.0.0")).unwrap();
    let middle = store.create_release(&by(), release("1.1.0")).unwrap();
    let new = store.create_release(&by(), release("1.2.0")).unwrap();
    let stable = Channel::stable();

    let error = store
        .roll_back_channel(&by(), &stable, old.id, &[new.id])
        .unwrap_err();
    assert_eq!(error.to_string(), "channel stable changed meanwhile");
    let beta = "beta".parse().unwrap();
    let error = store
        .roll_back_channel(&by(), &beta, old.id, &[])
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");

    let sequence = store.catalog().sequence();
    store
        .roll_back_channel(&by(), &stable, old.id, &[new.id, middle.id])
        .unwrap();
    let catalog = store.catalog();
    assert_eq!(catalog.sequence(), sequence + 1);
    let states: Vec<_> = catalog.releases().iter().map(|r| r.state).collect();
    use ReleaseState::{Active, Recalled};
    assert_eq!(states, [Recalled, Recalled, Active]);

    // Back to a release that was recalled itself makes it ACTIVE again.
    store
        .roll_back_channel(&by(), &stable, middle.id, &[])
        .unwrap();
    assert_eq!(store.catalog().by_id(middle.id).unwrap().state, Active);
}

#[test]
fn a_delta_is_stored_once_per_format() {
    let Kept { store, dir: _dir } = Kept::new();
    let error = store
        .add_delta(&by(), delta("1.0.0", "1.1.0", "jar", 5))
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    store.create_release(&by(), release("1.1.0")).unwrap();
    for (from, format, size) in [
        ("1.0.0", "zstd", 9),
        ("1.0.0", "jar", 5),
        ("0.9.0", "jar", 3),
    ] {
        store
            .add_delta(&by(), delta(from, "1.1.0", format, size))
            .unwrap();
    }
    let sequence = store.catalog().sequence();
    store
        .add_delta(&by(), delta("1.0.0", "1.1.0", "jar", 5))
        .unwrap();
    assert_eq!(
        store.catalog().sequence(),
        sequence,
        "the same bytes again are fine"
    );
    let error = store
        .add_delta(&by(), delta("1.0.0", "1.1.0", "jar", 6))
        .unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");

    let catalog = store.catalog();
    let between = catalog.deltas_between(&version("1.0.0"), &version("1.1.0"));
    let formats: Vec<_> = between.iter().map(|d| d.format.as_str()).collect();
    assert_eq!(formats, ["jar", "zstd"], "smallest first");
    assert_eq!(catalog.deltas_to(&version("1.1.0")).len(), 3);
    assert_eq!(store.referenced_blobs().len(), 4);
}

#[test]
fn a_compressed_release_is_kept_apart_from_the_deltas_between_versions() {
    let mut kept = Kept::new();
    kept.store.create_release(&by(), release("1.1.0")).unwrap();
    for from in ["none", "0.0.0"] {
        let delta = delta(from, "1.1.0", "jar", 5);
        kept.store.add_delta(&by(), delta).unwrap();
    }
    let other = kept
        .store
        .add_delta(&by(), delta("none", "1.1.0", "jar", 6));
    assert!(matches!(other, Err(StoreError::Exists { .. })), "{other:?}");
    let before = everything(&kept.store);
    // From the index, and from the journal alone.
    kept = kept.reopen();
    let dir = kept.close();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = Store::open(dir.path()).unwrap().store;
    assert_eq!(everything(&store), before);

    let catalog = store.catalog();
    let compressed = catalog.compressed(&version("1.1.0")).unwrap();
    assert_eq!(compressed.from, DeltaSource::Nothing);
    assert_eq!(catalog.deltas_to(&version("1.1.0")).len(), 1);
    let between = catalog.deltas_between(&Version::ZERO, &version("1.1.0"));
    assert_eq!(between.len(), 1);
    assert_eq!(between[0].from, DeltaSource::Version(Version::ZERO));
    assert_eq!(catalog.deltas().count(), 2);
    assert!(store.referenced_blobs().contains(&compressed.blob.checksum));
    let id = catalog.by_version(&version("1.1.0")).unwrap().id;
    let told: Vec<_> = store.release_history(id).unwrap();
    assert_eq!(told[1].summary, "added 1.1.0 compressed as jar, 5 bytes");
}

#[test]
fn history_tells_who_did_what_from_where_newest_first() {
    let Kept { store, dir: _dir } = Kept::new();
    let created = store.create_release(&by(), release("1.0.0")).unwrap();
    store.create_release(&by(), release("1.1.0")).unwrap();
    store
        .add_delta(&Actor::daemon(), delta("0.9.0", "1.0.0", "jar", 5))
        .unwrap();
    let off = ReleaseUpdate {
        state: Some(ReleaseState::Inactive),
        rollout_percentage: None,
    };
    store
        .change_release(&by(), created.id, created.revision, off)
        .unwrap();
    let history = store.release_history(created.id).unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|h| (h.seq, h.actor.as_str(), h.action, h.summary.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                4,
                "admin",
                "RELEASE_CHANGED",
                "set state to INACTIVE of 1.0.0"
            ),
            (
                3,
                "relctld",
                "DELTA_ADDED",
                "added a jar delta from 0.9.0 to 1.0.0, 5 bytes"
            ),
            (
                1,
                "admin",
                "RELEASE_CREATED",
                "created 1.0.0 in stable as ACTIVE, rollout 100 %"
            ),
        ]
    );
    assert_eq!(history[0].address, Some([127, 0, 0, 1].into()));
    assert_eq!(history[1].address, None);
}

#[test]
fn the_longest_notes_survive_and_no_value_of_the_index_is_long() {
    let kept = Kept::new();
    let mut with_notes = release("1.0.0");
    // The worst case: every byte becomes six in JSON.
    with_notes.release_notes = "\u{1}".repeat(64 * 1024).into();
    let id = with_notes.id;
    let created = kept.store.create_release(&by(), with_notes).unwrap();
    let dir = kept.reopen().close();
    let longest = index::longest_value(&dir.path().join("index"));
    assert!(longest <= 3000, "{longest}");
    let store = Store::open(dir.path()).unwrap().store;
    assert_eq!(store.catalog().by_id(id), Some(&created));
}

#[test]
fn a_lost_journal_is_not_taken_for_a_first_start() {
    let kept = Kept::new();
    kept.store.create_release(&by(), release("1.0.0")).unwrap();
    let dir = kept.close();
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert!(Store::open(dir.path()).unwrap().first_start);
}

#[test]
fn readers_never_see_half_a_change() {
    let Kept { store, dir: _dir } = Kept::new();
    let old = store.create_release(&by(), release("1.0.0")).unwrap();
    let new = store.create_release(&by(), release("1.1.0")).unwrap();
    let reader = {
        let store = store.clone();
        let (old, new) = (old.id, new.id);
        std::thread::spawn(move || {
            loop {
                let catalog = store.catalog();
                let state = |id| catalog.by_id(id).unwrap().state;
                match (state(old), state(new)) {
                    (ReleaseState::Inactive, ReleaseState::Active) => {}
                    (ReleaseState::Active, ReleaseState::Recalled) => return,
                    (ReleaseState::Active, ReleaseState::Active) => {}
                    odd => panic!("{odd:?}"),
                }
            }
        })
    };
    let off = ReleaseUpdate {
        state: Some(ReleaseState::Inactive),
        rollout_percentage: None,
    };
    store
        .change_release(&by(), old.id, old.revision, off)
        .unwrap();
    store
        .roll_back_channel(&by(), &Channel::stable(), old.id, &[new.id])
        .unwrap();
    reader.join().unwrap();
}

#[test]
fn writers_at_the_same_time_each_get_a_record_of_their_own() {
    let kept = Kept::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = &kept.store;
            scope.spawn(move || {
                for step in 0..5 {
                    let name = username(&format!("user-{number}-{step}"));
                    store.create_user(&by(), name, Role::User).unwrap();
                }
            });
        }
    });
    let kept = kept.reopen();
    assert_eq!(kept.store.users().unwrap().len(), 40);
    assert_eq!(kept.store.catalog().sequence(), 40);
}
