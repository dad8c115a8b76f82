//! Coming and going: a session joins the hub, registers its client, and leaves however its task ends.

use std::sync::Arc;

use protocol::message::{ClientConnected, ClientDisconnected};
use protocol::{ClientId, ServerMessage, SessionId, Timestamp, Username};

use super::Hub;
use super::event::Subject;
use super::seat::Seat;

impl Hub {
    /// Takes a session in. It leaves when the guard is dropped, however its task ends.
    #[must_use]
    pub fn join(&self, session_id: SessionId, username: Username) -> Joined {
        let seat = Arc::new(Seat::new(session_id, username));
        self.registry().insert(Arc::clone(&seat));
        Joined {
            hub: self.clone(),
            seat,
        }
    }

    /// A session registered its client, for the first time or anew.
    pub fn registered(&self, seat: &Arc<Seat>, now: Timestamp) {
        let Some((message, subject)) = connected_message(seat) else {
            return;
        };
        let client_id = message.client_id.clone();
        // Under the registry's lock, so that who begins to watch sees the client either in the list or in the events.
        let mut registry = self.registry();
        if let Some(previous) = registry.client_of(seat.session_id())
            && previous != client_id
        {
            self.append_disconnected(seat, previous, subject.clone(), now);
        }
        let event = self.append(ServerMessage::ClientConnected(message), subject);
        registry.set_client(seat, client_id, event.seq());
    }

    fn leave(&self, seat: &Seat) {
        let now = Timestamp::now();
        let subject = subject_of(seat);
        let mut registry = self.registry();
        if let Some(client_id) = registry.remove(seat) {
            self.append_disconnected(seat, client_id, subject, now);
        }
    }

    fn append_disconnected(
        &self,
        seat: &Seat,
        client_id: ClientId,
        subject: Subject,
        now: Timestamp,
    ) {
        let subject = Subject {
            client_id: Some(client_id.clone()),
            ..subject
        };
        let message = ClientDisconnected {
            client_id,
            session_id: seat.session_id(),
            timestamp: now,
            seq: None,
        };
        self.append(ServerMessage::ClientDisconnected(message), subject);
    }
}

/// A session that is in the hub.
#[derive(Debug)]
pub struct Joined {
    hub: Hub,
    seat: Arc<Seat>,
}

impl Joined {
    /// Its place.
    #[must_use]
    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.hub.stream().unwatch(self.seat.session_id());
        self.hub.leave(&self.seat);
    }
}

/// Names a registered client; `None` before REGISTER.
pub(super) fn connected_message(seat: &Seat) -> Option<(ClientConnected, Subject)> {
    let follower = seat.follower();
    let client = follower.client()?;
    let message = ClientConnected {
        client_id: client.id.clone(),
        session_id: seat.session_id(),
        client_version: client.version.clone(),
        platform: client.platform.clone(),
        architecture: client.architecture.clone(),
        channels: follower.channels().to_vec(),
        timestamp: client.registered_at,
        seq: None,
    };
    let subject = Subject {
        client_id: Some(client.id.clone()),
        version: Some(client.version.clone()),
        channels: follower.channels().to_vec(),
    };
    Some((message, subject))
}

fn subject_of(seat: &Seat) -> Subject {
    connected_message(seat).map_or_else(Subject::default, |(_, subject)| subject)
}
