//! Keeping the events over a restart: the stream of events and its file, from start to stop.

use std::io;
use std::path::Path;
use std::sync::Arc;

use protocol::Timestamp;

use super::Hub;
use super::event::Event;
use super::event_file::line::Line;
use super::event_file::{EventFile, Writer, boot, load};
use super::watching::Stream;

impl Stream {
    /// Takes up the events of the run before, where none can be missing.
    pub(super) fn open(data_dir: &Path, started_at: Timestamp) -> Self {
        let boot = boot();
        let mut file = EventFile::new(data_dir, boot.clone());
        let (log, was_ever_watched) = load::load(file.path(), boot.as_deref(), started_at);
        let begun = file.draft(log.dropped_through()).and_then(|mut draft| {
            add_all(&mut draft, log.events())?;
            if was_ever_watched {
                draft.add(&Line::Watched)?;
            }
            file.publish(draft)
        });
        if let Err(error) = begun {
            file.give_up(&error);
        }
        Self::new(log, file, was_ever_watched)
    }
}

impl Hub {
    /// Writes the file of events anew when it has grown, or when a write had failed. Only for the blocking pool.
    ///
    /// # Errors
    /// It cannot be written; until it can, a restart forgets the events.
    pub fn tend_events(&self) -> io::Result<()> {
        let (mut draft, kept, through) = {
            let stream = self.stream();
            if !stream.file.is_due() {
                return Ok(());
            }
            let log = &stream.log;
            let draft = stream.file.draft(log.dropped_through())?;
            let kept: Vec<_> = log.events().cloned().collect();
            (draft, kept, log.newest_seq())
        };
        add_all(&mut draft, kept.iter())?;
        // What happened meanwhile is little, so it is written while nobody else can write.
        let mut stream = self.stream();
        if stream.log.dropped_through() > through {
            return Err(io::Error::other("too much happened meanwhile"));
        }
        let since = stream.log.events().filter(|event| event.seq() > through);
        add_all(&mut draft, since)?;
        if stream.was_ever_watched() {
            draft.add(&Line::Watched)?;
        }
        stream.file.publish(draft)
    }

    /// Notes that the daemon stopped in order, after which not even the end of the machine loses an event.
    ///
    /// # Errors
    /// The events cannot be written.
    pub fn stop_events(&self) -> io::Result<()> {
        let tended = self.tend_events();
        let stopped = self.stream().file.stop();
        stopped.map_err(|error| tended.err().unwrap_or(error))
    }
}

fn add_all<'a>(draft: &mut Writer, events: impl Iterator<Item = &'a Arc<Event>>) -> io::Result<()> {
    for event in events {
        draft.add(&Line::event(event))?;
    }
    Ok(())
}
