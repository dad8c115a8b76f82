//! Taking up the events of the run before, where none can be missing.
//!
//! Nothing is missing when the daemon stopped in order, and when it was killed while the machine went on: what was
//! written but not synced is with the kernel then. In all other cases, and when a line is damaged, nobody knows what
//! there was, so the log begins anew; whoever asks for what was before is told that events are missing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use protocol::message::ClientDisconnected;
use protocol::{ServerMessage, SessionId, Timestamp};

use super::line::{self, FORMAT, Line};
use crate::hub::event::Subject;
use crate::hub::log::EventLog;

/// A longer line is damage. An event has 8 KiB at most.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The log of a daemon that starts, and whether the one before was ever watched.
pub(in crate::hub) fn load(
    path: &Path,
    boot: Option<&str>,
    started_at: Timestamp,
) -> (EventLog, bool) {
    let mut run = match File::open(path) {
        Ok(file) => Run::read(BufReader::new(file), boot),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (EventLog::new(started_at), false);
        }
        Err(error) => Run::unread(error.to_string()),
    };
    if let Some(problem) = &run.problem {
        tracing::warn!(path = %path.display(), problem, "the events before this start are forgotten; watchers that come back are told so");
        // No position is given twice, even if the clock was set back meanwhile.
        run.log.go_on(started_at);
        return (EventLog::after(run.log.newest_seq()), run.was_watched);
    }
    run.log.go_on(started_at);
    run.end_sessions(started_at);
    (run.log, run.was_watched)
}

/// The run before, as its file tells of it.
struct Run {
    log: EventLog,
    was_watched: bool,
    /// Sessions of clients of which no end was written, with the position of their beginning.
    open: HashMap<SessionId, (u64, ClientDisconnected, Subject)>,
    /// Why it cannot be relied on.
    problem: Option<String>,
}

impl Run {
    fn unread(problem: String) -> Self {
        Self {
            log: EventLog::after(0),
            was_watched: false,
            open: HashMap::new(),
            problem: Some(problem),
        }
    }

    fn read(mut file: impl BufRead, boot: Option<&str>) -> Self {
        let mut run = Self::unread(String::new());
        run.problem = run.take_all(&mut file, boot).err();
        run
    }

    fn take_all(&mut self, file: &mut impl BufRead, boot: Option<&str>) -> Result<(), String> {
        let begin = next_line(file)?.ok_or("it is empty")?;
        let (written_in, dropped_through) = match line::decode(&begin) {
            Some(Line::Begin {
                format: FORMAT,
                boot,
                dropped_through,
            }) => (boot, dropped_through),
            Some(Line::Begin { format, .. }) => {
                return Err(format!(
                    "its format is {format}, this daemon reads {FORMAT}"
                ));
            }
            _ => return Err("its first line is damaged".into()),
        };
        self.log = EventLog::after(dropped_through);
        let mut number = 1;
        let mut has_stopped = false;
        while let Some(bytes) = next_line(file)? {
            number += 1;
            let line = line::decode(&bytes).ok_or(format!("line {number} is damaged"))?;
            has_stopped = line == Line::Stopped;
            self.take(line)
                .ok_or(format!("line {number} is out of order"))?;
        }
        if has_stopped || (boot.is_some() && written_in.as_deref() == boot) {
            return Ok(());
        }
        Err("the machine ended before the daemon did, and may not have written all of them".into())
    }

    fn take(&mut self, line: Line<'_>) -> Option<()> {
        match line {
            Line::Event {
                seq,
                client_id,
                version,
                channels,
                message,
            } => {
                if seq <= self.log.newest_seq() {
                    return None;
                }
                let subject = Subject {
                    client_id: client_id.map(Cow::into_owned),
                    version: version.map(Cow::into_owned),
                    channels: channels.into_owned(),
                };
                self.note_session(seq, &message, &subject);
                self.log.restore(message.into_owned(), subject, seq);
            }
            Line::Watched => self.was_watched = true,
            Line::Stopped => {}
            Line::Begin { .. } => return None,
        }
        Some(())
    }

    fn note_session(&mut self, seq: u64, message: &ServerMessage, subject: &Subject) {
        if let ServerMessage::ClientConnected(connected) = message {
            let end = ClientDisconnected {
                client_id: connected.client_id.clone(),
                session_id: connected.session_id,
                timestamp: connected.timestamp,
                seq: None,
            };
            let session = (seq, end, subject.clone());
            self.open.insert(connected.session_id, session);
        } else if let ServerMessage::ClientDisconnected(disconnected) = message {
            self.open.remove(&disconnected.session_id);
        }
    }

    /// A daemon that is killed does not come to say that its sessions are over.
    fn end_sessions(&mut self, now: Timestamp) {
        let mut open: Vec<_> = self.open.drain().map(|(_, session)| session).collect();
        open.sort_by_key(|(seq, _, _)| *seq);
        for (_, end, subject) in open {
            let end = ClientDisconnected {
                timestamp: now,
                ..end
            };
            self.log
                .append(ServerMessage::ClientDisconnected(end), subject);
        }
    }
}

/// The next line without its end. One that was not written to its end, by a daemon that was killed over it, is none:
/// nobody has heard of what it should have said.
fn next_line(file: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    let read = file.take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.pop() == Some(b'\n') {
        return Ok(Some(bytes));
    }
    match bytes.len() as u64 + 1 {
        MAX_LINE_BYTES => Err("a line has no end".into()),
        _ => Ok(None),
    }
}
