//! What the daemon knows for good: releases, deltas, users, tokens, and who changed them.
//!
//! First shape: it keeps everything in memory, so that the rest of the daemon can be built against its methods.

mod catalog;
pub(crate) mod disk;
mod error;
mod records;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use protocol::api::{ReleaseState, Role, UserChange};
use protocol::{Channel, Checksum, ReleaseId, Timestamp, TokenId, Username};

pub use catalog::Catalog;
pub use error::StoreError;
pub(crate) use error::is_disk_full;
pub use records::{Actor, BlobRef, Delta, HistoryRecord, Release, ReleaseUpdate, Token, User};

/// The daemon's memory. Cheap to clone; all clones are one store.
///
/// All methods are synchronous. Reads take microseconds and never wait for a write; writes wait for the disk, so async
/// code calls them on the blocking pool.
#[derive(Clone, Debug)]
pub struct Store {
    catalog: Arc<RwLock<Arc<Catalog>>>,
    state: Arc<Mutex<State>>,
}

/// An opened store, and what the operator should know about the opening.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// What was not in order and how it was coped with; already logged.
    pub warnings: Vec<String>,
    /// Whether nothing was ever written to it.
    pub first_start: bool,
}

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<Username, User>,
    tokens: BTreeMap<TokenId, Token>,
    revoked: BTreeSet<String>,
    history: Vec<(ReleaseId, HistoryRecord)>,
    seq: u64,
}

impl Store {
    /// Opens the data folder and makes what is missing in it.
    pub fn open(_data_dir: &Path) -> Result<Opened, StoreError> {
        let store = Self {
            catalog: Arc::default(),
            state: Arc::default(),
        };
        Ok(Opened {
            store,
            warnings: Vec::new(),
            first_start: true,
        })
    }

    /// Why nothing can be written, when nothing can.
    #[must_use]
    pub fn read_only_reason(&self) -> Option<String> {
        None
    }

    /// All releases and deltas as of now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A user.
    pub fn user(&self, name: &Username) -> Result<Option<User>, StoreError> {
        Ok(self.state().users.get(name).cloned())
    }

    /// All users, by name.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        Ok(self.state().users.values().cloned().collect())
    }

    /// All tokens that the daemon issued, newest first.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.state().tokens.values().rev().cloned().collect())
    }

    /// A token that the daemon issued.
    pub fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        Ok(self.state().tokens.get(&id).cloned())
    }

    /// Whether a token of any issuer was taken back.
    pub fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        Ok(self.state().revoked.contains(jti))
    }

    /// What was done to a release and by whom, newest first.
    pub fn release_history(&self, id: ReleaseId) -> Result<Vec<HistoryRecord>, StoreError> {
        let state = self.state();
        let own = state.history.iter().rev().filter(|(of, _)| *of == id);
        Ok(own.map(|(_, record)| record.clone()).collect())
    }

    /// The blobs that a release or delta needs.
    #[must_use]
    pub fn referenced_blobs(&self) -> HashSet<Checksum> {
        let catalog = self.catalog();
        let releases = catalog.releases().iter().map(|r| r.blob.checksum);
        let deltas = catalog.deltas().map(|d| d.blob.checksum);
        releases.chain(deltas).collect()
    }

    /// Makes a user.
    pub fn create_user(&self, _by: &Actor, name: Username, role: Role) -> Result<User, StoreError> {
        let mut state = self.state();
        if state.users.contains_key(&name) {
            let what = format!("user {name}");
            return Err(StoreError::Exists { what });
        }
        let user = User {
            username: name.clone(),
            role,
            enabled: true,
            created_at: Timestamp::now(),
        };
        state.seq += 1;
        state.users.insert(name, user.clone());
        Ok(user)
    }

    /// Changes a user's role, or whether its tokens are accepted.
    pub fn change_user(
        &self,
        _by: &Actor,
        name: &Username,
        change: UserChange,
    ) -> Result<User, StoreError> {
        let mut state = self.state();
        state.seq += 1;
        let Some(user) = state.users.get_mut(name) else {
            let what = format!("user {name}");
            return Err(StoreError::NotFound { what });
        };
        user.role = change.role.unwrap_or(user.role);
        user.enabled = change.enabled.unwrap_or(user.enabled);
        Ok(user.clone())
    }

    /// Remembers a token that is about to be handed out.
    pub fn issue_token(&self, _by: &Actor, token: Token) -> Result<(), StoreError> {
        let mut state = self.state();
        state.seq += 1;
        state.tokens.insert(token.id, token);
        Ok(())
    }

    /// Takes a token of any issuer back, for ever. Twice is as good as once.
    pub fn revoke_token(&self, _by: &Actor, jti: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        state.seq += 1;
        state.revoked.insert(jti.to_owned());
        if let Ok(id) = jti.parse::<TokenId>()
            && let Some(token) = state.tokens.get_mut(&id)
        {
            token.revoked = true;
        }
        Ok(())
    }

    /// Makes a release. Refused when one of the same precedence is there, also if it differs in build metadata.
    pub fn create_release(
        &self,
        by: &Actor,
        mut release: Release,
    ) -> Result<Arc<Release>, StoreError> {
        let mut state = self.state();
        if let Some(there) = self.catalog().same_precedence(&release.version) {
            let what = format!("version {}", there.version);
            return Err(StoreError::Exists { what });
        }
        state.seq += 1;
        release.revision = state.seq;
        let release = Arc::new(release);
        state.remember(by, &release, "RELEASE_CREATED");
        self.swap(state.seq, |catalog| {
            catalog.put_release(Arc::clone(&release))
        });
        Ok(release)
    }

    /// Changes a release, if it is still at the revision that the caller saw. A change that changes nothing leaves no record.
    pub fn change_release(
        &self,
        by: &Actor,
        id: ReleaseId,
        expected_revision: u64,
        change: ReleaseUpdate,
    ) -> Result<Arc<Release>, StoreError> {
        let mut state = self.state();
        let catalog = self.catalog();
        let what = format!("release {id}");
        let Some(release) = catalog.by_id(id) else {
            return Err(StoreError::NotFound { what });
        };
        if release.revision != expected_revision {
            return Err(StoreError::Stale { what });
        }
        state.seq += 1;
        let mut release = Release::clone(release);
        release.state = change.state.unwrap_or(release.state);
        release.rollout_percentage = change
            .rollout_percentage
            .unwrap_or(release.rollout_percentage);
        release.revision = state.seq;
        release.updated_at = Timestamp::now();
        let release = Arc::new(release);
        state.remember(by, &release, "RELEASE_CHANGED");
        self.swap(state.seq, |catalog| {
            catalog.put_release(Arc::clone(&release))
        });
        Ok(release)
    }

    /// Makes `to` ACTIVE, if it is not, and `recalled` RECALLED, in one record. `recalled` must be the channel's ACTIVE
    /// releases that are newer than `to`; if it no longer is, the channel changed meanwhile and nothing is done.
    pub fn roll_back_channel(
        &self,
        by: &Actor,
        _channel: &Channel,
        to: ReleaseId,
        recalled: &[ReleaseId],
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.seq += 1;
        let catalog = self.catalog();
        let recalled = recalled.iter().map(|id| (*id, ReleaseState::Recalled));
        for (id, to_state) in recalled.chain([(to, ReleaseState::Active)]) {
            let what = format!("release {id}");
            let Some(release) = catalog.by_id(id) else {
                return Err(StoreError::NotFound { what });
            };
            let mut release = Release::clone(release);
            release.state = to_state;
            release.revision = state.seq;
            let release = Arc::new(release);
            state.remember(by, &release, "CHANNEL_ROLLED_BACK");
            self.swap(state.seq, |catalog| catalog.put_release(release));
        }
        Ok(())
    }

    /// Adds a delta. One that is there already with the same bytes is fine; with other bytes it is refused.
    pub fn add_delta(&self, _by: &Actor, delta: Delta) -> Result<Arc<Delta>, StoreError> {
        let mut state = self.state();
        state.seq += 1;
        let delta = Arc::new(delta);
        self.swap(state.seq, |catalog| catalog.put_delta(Arc::clone(&delta)));
        Ok(delta)
    }

    /// Writes out what may still be in memory; called once, at shutdown.
    pub fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, sequence: u64, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = Catalog::clone(&self.catalog());
        change(&mut catalog);
        catalog.set_sequence(sequence);
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
    }
}

impl State {
    fn remember(&mut self, by: &Actor, release: &Release, action: &'static str) {
        let record = HistoryRecord {
            seq: self.seq,
            time: Timestamp::now(),
            actor: by.name.clone(),
            address: by.address,
            action,
            summary: format!("version {}", release.version),
        };
        self.history.push((release.id, record));
    }
}
