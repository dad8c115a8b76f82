//! Any sequence of changes, compared with a model of a few lines, before and after opening the store again.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    CreateUser {
        name: u8,
        role: Role,
    },
    ChangeUser {
        name: u8,
        role: Option<Role>,
        enabled: Option<bool>,
    },
    IssueToken {
        name: u8,
    },
    RevokeToken {
        which: usize,
    },
    CreateRelease {
        minor: u8,
        notes: usize,
    },
    ChangeRelease {
        minor: u8,
        state: Option<ReleaseState>,
        percentage: Option<u8>,
        is_stale: bool,
    },
    RollBack {
        minor: u8,
    },
    AddDelta {
        /// `None` is nothing.
        from: Option<u8>,
        to: u8,
        size: u8,
    },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let role = || prop::sample::select(vec![Role::User, Role::Publisher, Role::Admin]);
    let states = vec![
        ReleaseState::Draft,
        ReleaseState::Active,
        ReleaseState::Inactive,
    ];
    let state = prop::sample::select(states);
    let step =
        prop_oneof![
            (0..4_u8, role()).prop_map(|(name, role)| Step::CreateUser { name, role }),
            (0..4_u8, prop::option::of(role()), any::<Option<bool>>()).prop_map(
                |(name, role, enabled)| Step::ChangeUser {
                    name,
                    role,
                    enabled
                }
            ),
            (0..4_u8).prop_map(|name| Step::IssueToken { name }),
            (0..8_usize).prop_map(|which| Step::RevokeToken { which }),
            (0..6_u8, prop::sample::select(vec![0, 10, 5000]))
                .prop_map(|(minor, notes)| Step::CreateRelease { minor, notes }),
            (
                0..6_u8,
                prop::option::of(state),
                prop::option::of(0..=100_u8),
                prop::bool::weighted(0.2)
            )
                .prop_map(|(minor, state, percentage, is_stale)| Step::ChangeRelease {
                    minor,
                    state,
                    percentage,
                    is_stale
                }),
            (0..6_u8).prop_map(|minor| Step::RollBack { minor }),
            (prop::option::of(0..6_u8), 0..6_u8, 1..4_u8)
                .prop_map(|(from, to, size)| Step::AddDelta { from, to, size }),
            Just(Step::Reopen),
        ];
    prop::collection::vec(step, 1..40)
}

/// What the store should say, kept the simplest way.
#[derive(Default)]
struct Model {
    users: BTreeMap<Username, (Role, bool)>,
    tokens: BTreeMap<TokenId, bool>,
    releases: BTreeMap<u8, (ReleaseState, u8, usize)>,
    deltas: BTreeMap<(u8, Option<u8>), u8>,
    records: u64,
}

fn name(number: u8) -> Username {
    username(&format!("user-{number}"))
}

fn text(minor: u8) -> String {
    format!("1.{minor}.0")
}

impl Model {
    /// Makes a step in the store and here; both must agree on whether it is possible.
    fn take(&mut self, step: &Step, store: &Store) {
        match *step {
            Step::Reopen => {}
            Step::CreateUser { name: number, role } => {
                let made = store.create_user(&by(), name(number), role).is_ok();
                assert_eq!(made, !self.users.contains_key(&name(number)));
                self.records += u64::from(made);
                self.users.entry(name(number)).or_insert((role, true));
            }
            Step::ChangeUser {
                name: number,
                role,
                enabled,
            } => {
                let change = UserChange { role, enabled };
                let changed = store.change_user(&by(), &name(number), change);
                let user = self.users.get_mut(&name(number));
                assert_eq!(changed.is_ok(), user.is_some());
                if let Some(user) = user {
                    let new = (role.unwrap_or(user.0), enabled.unwrap_or(user.1));
                    self.records += u64::from(*user != new);
                    *user = new;
                }
            }
            Step::IssueToken { name: number } => {
                let token = token(name(number).as_str());
                let issued = store.issue_token(&by(), token.clone()).is_ok();
                assert_eq!(issued, self.users.contains_key(&token.username));
                if issued {
                    self.records += 1;
                    self.tokens.insert(token.id, false);
                }
            }
            Step::RevokeToken { which } => {
                let Some((id, revoked)) = self.tokens.iter_mut().nth(which) else {
                    return;
                };
                store.revoke_token(&by(), &id.to_string()).unwrap();
                self.records += u64::from(!*revoked);
                *revoked = true;
            }
            Step::CreateRelease { minor, notes } => {
                let mut release = release(&text(minor));
                release.release_notes = "é\n".repeat(notes).into();
                let made = store.create_release(&by(), release).is_ok();
                assert_eq!(made, !self.releases.contains_key(&minor));
                if made {
                    self.records += 1;
                    self.releases
                        .insert(minor, (ReleaseState::Active, 100, notes));
                }
            }
            Step::ChangeRelease {
                minor,
                state,
                percentage,
                is_stale,
            } => {
                let catalog = store.catalog();
                let Some(release) = catalog.by_version(&version(&text(minor))) else {
                    return;
                };
                let change = ReleaseUpdate {
                    state,
                    rollout_percentage: percentage,
                };
                let revision = release.revision + u64::from(is_stale);
                let changed = store.change_release(&by(), release.id, revision, change);
                assert_eq!(changed.is_ok(), !is_stale);
                if let Some(release) = self.releases.get_mut(&minor).filter(|_| !is_stale) {
                    let new = (
                        state.unwrap_or(release.0),
                        percentage.unwrap_or(release.1),
                        release.2,
                    );
                    self.records += u64::from(*release != new);
                    *release = new;
                }
            }
            Step::RollBack { minor } => self.roll_back(minor, store),
            Step::AddDelta { from, to, size } => {
                let source = from.map_or("none".to_owned(), text);
                let delta = delta(&source, &text(to), "jar", u64::from(size));
                let added = store.add_delta(&by(), delta).is_ok();
                let there = self.deltas.get(&(to, from)).copied();
                let is_possible =
                    self.releases.contains_key(&to) && there.is_none_or(|s| s == size);
                assert_eq!(added, is_possible);
                if added {
                    self.records += u64::from(there.is_none());
                    self.deltas.insert((to, from), size);
                }
            }
        }
    }

    fn roll_back(&mut self, minor: u8, store: &Store) {
        let catalog = store.catalog();
        let id_of = |minor: u8| catalog.by_version(&version(&text(minor))).map(|r| r.id);
        let Some(to) = id_of(minor) else { return };
        let newer: Vec<u8> = self
            .releases
            .iter()
            .filter(|(other, release)| **other > minor && release.0 == ReleaseState::Active)
            .map(|(other, _)| *other)
            .collect();
        let recalled: Vec<_> = newer.iter().filter_map(|minor| id_of(*minor)).collect();
        store
            .roll_back_channel(&by(), &Channel::stable(), to, &recalled)
            .unwrap();
        let is_active = self.releases[&minor].0 == ReleaseState::Active;
        self.records += u64::from(!newer.is_empty() || !is_active);
        for minor in newer {
            self.releases
                .entry(minor)
                .and_modify(|r| r.0 = ReleaseState::Recalled);
        }
        self.releases
            .entry(minor)
            .and_modify(|r| r.0 = ReleaseState::Active);
    }

    fn check(&self, store: &Store) {
        let users: BTreeMap<_, _> = store
            .users()
            .unwrap()
            .into_iter()
            .map(|user| (user.username, (user.role, user.enabled)))
            .collect();
        assert_eq!(users, self.users);
        let tokens: BTreeMap<_, _> = store
            .tokens()
            .unwrap()
            .into_iter()
            .map(|t| (t.id, t.revoked))
            .collect();
        assert_eq!(tokens, self.tokens);
        for (id, revoked) in &self.tokens {
            assert_eq!(store.is_revoked(&id.to_string()).unwrap(), *revoked);
        }
        let catalog = store.catalog();
        let found: Vec<_> = catalog
            .releases()
            .iter()
            .map(|r| {
                let notes = r.release_notes.len() / "é\n".len();
                (
                    r.version.to_string(),
                    (r.state, r.rollout_percentage, notes),
                )
            })
            .collect();
        let expected: Vec<_> = self
            .releases
            .iter()
            .rev()
            .map(|(m, r)| (text(*m), *r))
            .collect();
        assert_eq!(found, expected);
        for ((to, from), size) in &self.deltas {
            let to = version(&text(*to));
            let found: Vec<_> = match from {
                Some(from) => catalog.deltas_between(&version(&text(*from)), &to),
                None => catalog.compressed(&to).cloned().into_iter().collect(),
            };
            let sizes: Vec<_> = found.iter().map(|delta| delta.blob.size_bytes).collect();
            assert_eq!(sizes, [u64::from(*size)]);
        }
        assert_eq!(catalog.deltas().count(), self.deltas.len());
        assert_eq!(catalog.sequence(), self.records);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_opened_store_says_what_the_closed_one_said(steps in steps()) {
        let mut kept = Kept::new();
        let mut model = Model::default();
        for step in &steps {
            model.take(step, &kept.store);
            if matches!(step, Step::Reopen) {
                let before = everything(&kept.store);
                kept = kept.reopen();
                assert_eq!(everything(&kept.store), before);
            }
            model.check(&kept.store);
        }
        let before = everything(&kept.store);
        let dir = kept.close();
        // And from the journal alone.
        fs::remove_dir_all(dir.path().join("index")).unwrap();
        let rebuilt = Store::open(dir.path()).unwrap().store;
        assert_eq!(everything(&rebuilt), before);
    }
}
