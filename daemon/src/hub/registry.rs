//! Which sessions there are, found by what others know of them: client, user, or when they registered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use protocol::{ClientId, SessionId, Username};

use super::seat::Seat;

/// The sessions of a hub.
#[derive(Debug, Default)]
pub(super) struct Registry {
    sessions: HashMap<SessionId, Entry>,
    by_client: HashMap<ClientId, Vec<Arc<Seat>>>,
    /// How many registered sessions of each client a user has.
    by_user: HashMap<Username, HashMap<ClientId, usize>>,
    /// Registered sessions by the position of their CLIENT_CONNECTED.
    by_position: BTreeMap<u64, Arc<Seat>>,
}

#[derive(Debug)]
struct Entry {
    seat: Arc<Seat>,
    registered: Option<Registered>,
}

#[derive(Debug)]
struct Registered {
    client_id: ClientId,
    position: u64,
}

impl Registry {
    pub(super) fn len(&self) -> u64 {
        self.sessions.len() as u64
    }

    pub(super) fn insert(&mut self, seat: Arc<Seat>) {
        let entry = Entry {
            seat: Arc::clone(&seat),
            registered: None,
        };
        self.sessions.insert(seat.session_id(), entry);
    }

    /// Takes a session out; its client, if it had registered one.
    pub(super) fn remove(&mut self, seat: &Seat) -> Option<ClientId> {
        let client_id = self.unset_client(seat);
        self.sessions.remove(&seat.session_id());
        client_id
    }

    /// Every session.
    pub(super) fn seats(&self) -> Vec<Arc<Seat>> {
        let entries = self.sessions.values();
        entries.map(|entry| Arc::clone(&entry.seat)).collect()
    }

    /// The sessions of a client.
    pub(super) fn seats_of(&self, client_id: &ClientId) -> Vec<Arc<Seat>> {
        self.by_client.get(client_id).cloned().unwrap_or_default()
    }

    pub(super) fn has_client(&self, client_id: &ClientId) -> bool {
        self.by_client.contains_key(client_id)
    }

    pub(super) fn different_clients(&self) -> u64 {
        self.by_client.len() as u64
    }

    /// The registered client of a session.
    pub(super) fn client_of(&self, session_id: SessionId) -> Option<ClientId> {
        let registered = self.sessions.get(&session_id)?.registered.as_ref()?;
        Some(registered.client_id.clone())
    }

    /// The one client among the registered sessions of a user.
    pub(super) fn sole_client_of(&self, username: &Username) -> Option<ClientId> {
        let mut clients = self.by_user.get(username)?.keys();
        match (clients.next(), clients.next()) {
            (Some(client_id), None) => Some(client_id.clone()),
            (None, _) | (_, Some(_)) => None,
        }
    }

    /// The next registered sessions after a position and up to another, at most `max`.
    pub(super) fn registered_between(
        &self,
        after: u64,
        through: u64,
        max: usize,
    ) -> Vec<(u64, Arc<Seat>)> {
        if after >= through {
            return Vec::new();
        }
        let range = self.by_position.range(after + 1..=through).take(max);
        range
            .map(|(position, seat)| (*position, Arc::clone(seat)))
            .collect()
    }

    /// Notes which client a session has, in place of the one that it had.
    pub(super) fn set_client(&mut self, seat: &Arc<Seat>, client_id: ClientId, position: u64) {
        self.unset_client(seat);
        let Some(entry) = self.sessions.get_mut(&seat.session_id()) else {
            return;
        };
        self.by_position.insert(position, Arc::clone(seat));
        let seats = self.by_client.entry(client_id.clone()).or_default();
        seats.push(Arc::clone(seat));
        let clients = self.by_user.entry(seat.username().clone()).or_default();
        *clients.entry(client_id.clone()).or_default() += 1;
        entry.registered = Some(Registered {
            client_id,
            position,
        });
    }

    fn unset_client(&mut self, seat: &Seat) -> Option<ClientId> {
        let entry = self.sessions.get_mut(&seat.session_id())?;
        let Registered {
            client_id,
            position,
        } = entry.registered.take()?;
        self.by_position.remove(&position);
        if let Some(seats) = self.by_client.get_mut(&client_id) {
            seats.retain(|other| other.session_id() != seat.session_id());
            if seats.is_empty() {
                self.by_client.remove(&client_id);
            }
        }
        if let Some(clients) = self.by_user.get_mut(seat.username()) {
            if let Some(count) = clients.get_mut(&client_id) {
                *count -= 1;
                if *count == 0 {
                    clients.remove(&client_id);
                }
            }
            if clients.is_empty() {
                self.by_user.remove(seat.username());
            }
        }
        Some(client_id)
    }
}
