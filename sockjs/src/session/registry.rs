//! The sessions that outlive a request, by the id that the client chose, and the end of those to which nobody comes
//! back. A WebSocket session lives as long as its connection and is not listed here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{INTERRUPTED, Owner, Shared};
use crate::stop::Stop;

/// Which transport a session has. Requests of another one do not find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

/// Sessions by their ids.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<Box<str>, Listed>>,
}

#[derive(Clone, Debug)]
struct Listed {
    shared: Arc<Shared>,
    kind: Kind,
    owner: Option<Owner>,
}

/// What a receiving request found.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its session.
    Session(Arc<Shared>),
    /// A new one, which the caller has to bring to life.
    New(Arc<Shared>),
    /// Somebody else's.
    Foreign,
    /// None, and there is no place for one more.
    Full,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Listed>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the session for a receiving request, or lists a new one.
    pub(crate) fn find_or_insert(
        &self,
        session_id: &str,
        kind: Kind,
        owner: Option<&Owner>,
        create: impl FnOnce() -> Option<Shared>,
    ) -> Found {
        match self.lock().entry(session_id.into()) {
            Entry::Occupied(entry) => {
                let listed = entry.get();
                if listed.kind == kind && listed.owner.as_ref() == owner {
                    Found::Session(Arc::clone(&listed.shared))
                } else {
                    Found::Foreign
                }
            }
            Entry::Vacant(entry) => {
                let Some(shared) = create().map(Arc::new) else {
                    return Found::Full;
                };
                entry.insert(Listed {
                    shared: Arc::clone(&shared),
                    kind,
                    owner: owner.cloned(),
                });
                Found::New(shared)
            }
        }
    }

    /// Finds the session for a sending request.
    pub(crate) fn find(
        &self,
        session_id: &str,
        kinds: &[Kind],
        owner: Option<&Owner>,
    ) -> Option<Arc<Shared>> {
        let sessions = self.lock();
        let listed = sessions.get(session_id)?;
        let is_theirs = kinds.contains(&listed.kind) && listed.owner.as_ref() == owner;
        is_theirs.then(|| Arc::clone(&listed.shared))
    }

    /// Whether there is a session with this id, whoever's it is.
    pub(crate) fn holds(&self, session_id: &str) -> bool {
        self.lock().contains_key(session_id)
    }

    /// Whether a session of this owner is closed and waits for its client to hear of it.
    pub(crate) fn has_ended(&self, session_id: &str, owner: &Owner) -> bool {
        let sessions = self.lock();
        let listed = sessions.get(session_id);
        listed.is_some_and(|listed| {
            listed.owner.as_ref() == Some(owner) && !listed.shared.lock().is_open()
        })
    }

    /// Waits until nobody came for a session in time, or everything stops, and forgets it.
    pub(crate) async fn keep(
        &self,
        session_id: &str,
        shared: &Shared,
        disconnect_delay: Duration,
        stop: &Stop,
    ) {
        tokio::select! {
            () = expire(shared, disconnect_delay) => {}
            farewell = stop.begun() => {
                shared.close(farewell);
                // Who receives now is still told; who does not would find nobody to ask any more.
                let told = shared.when(|state| (!state.has_receiver()).then_some(()));
                let _ = tokio::time::timeout(disconnect_delay, told).await;
            }
        }
        self.lock().remove(session_id);
        // A request that found the session just before is told as well.
        shared.close(INTERRUPTED);
    }
}

/// Waits until a session has been without a receiver for the delay.
async fn expire(shared: &Shared, disconnect_delay: Duration) {
    let ends_at = || shared.lock().ends_at(disconnect_delay);
    let mut expected = ends_at();
    loop {
        let changed = shared.when(|state| {
            let now = state.ends_at(disconnect_delay);
            (now != expected).then_some(now)
        });
        let Some(deadline) = expected else {
            expected = changed.await;
            continue;
        };
        tokio::select! {
            biased; // Who comes at the last moment has come.
            now = changed => expected = now,
            () = tokio::time::sleep_until(deadline) => return,
        }
    }
}
