//! The event log on the disk, so that `since` goes on over a restart: `events.log` in the data folder.
//!
//! Each event is written, and not synced, before anybody hears of it. So a daemon that is killed has lost nothing, and
//! one that stops in order syncs what it wrote; a machine that fails may have lost the last events. Which of these it
//! was the next start can tell, and only what is surely whole is taken up again (see [`load`]). Unlike the journal the
//! file is no truth: it can be deleted while the daemon is down, and watchers that come back then hear that events are
//! missing.

pub(super) mod line;
pub(super) mod load;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::event::Event;
use super::log::KEPT_EVENTS;
use line::Line;

/// The file is written anew from what is kept in memory when it has so many lines: each event is written twice at most.
const MAX_LINES: usize = 2 * KEPT_EVENTS;
/// More than that many lines ever take: an event is some 400 bytes, and 8 KiB at the very most.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// What is gathered for one write while the file is made.
const CHUNK_BYTES: usize = 64 * 1024;

/// The file in use.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    boot: Option<String>,
    /// `None` after a failed write. There is no file then, since one that lacks an event would claim to be whole.
    writer: Option<Writer>,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    lines: usize,
    bytes: u64,
    buffer: Vec<u8>,
}

impl EventFile {
    /// The file of a data folder. Nothing is read and nothing is made yet.
    pub(super) fn new(data_dir: &Path, boot: Option<String>) -> Self {
        Self {
            path: data_dir.join("events.log"),
            boot,
            writer: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an event behind the others.
    pub(super) fn append(&mut self, event: &Event) {
        self.write(&Line::event(event));
    }

    /// Notes that from now on everything is worth keeping, since somebody watched.
    pub(super) fn note_watched(&mut self) {
        self.write(&Line::Watched);
    }

    /// Notes that nothing follows, and syncs all. Only after this an end of the machine loses nothing.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        self.write(&Line::Stopped);
        let Some(writer) = &self.writer else {
            return Err(io::Error::other("the events could not be written"));
        };
        writer.file.sync_all()?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    /// Whether the file is to be written anew: it has grown, or it is not there.
    pub(super) fn is_due(&self) -> bool {
        self.writer
            .as_ref()
            .is_none_or(|writer| writer.lines > MAX_LINES)
    }

    /// A new file beside the one in use, for events after a position.
    pub(super) fn draft(&self, dropped_through: u64) -> io::Result<Writer> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.draft_path())?;
        let mut writer = Writer {
            file,
            lines: 0,
            bytes: 0,
            buffer: Vec::new(),
        };
        writer.add(&Line::Begin {
            format: line::FORMAT,
            boot: self.boot.clone(),
            dropped_through,
        })?;
        Ok(writer)
    }

    /// Puts a new file in the place of the one in use.
    pub(super) fn publish(&mut self, mut writer: Writer) -> io::Result<()> {
        writer.flush()?;
        fs::rename(self.draft_path(), &self.path)?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Leaves no file behind: the next start knows then that it knows nothing.
    pub(super) fn give_up(&mut self, error: &io::Error) {
        tracing::warn!(%error, "events cannot be written; until they can, a restart forgets them");
        if let Some(writer) = self.writer.take() {
            // Should removing it fail, an empty file says as much.
            let _ = writer.file.set_len(0);
        }
        let _ = fs::remove_file(&self.path);
    }

    fn write(&mut self, line: &Line<'_>) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        let written = writer.add(line).and_then(|()| writer.flush());
        let is_bounded = writer.bytes <= MAX_BYTES;
        match written {
            Ok(()) if is_bounded => {}
            Ok(()) => self.give_up(&io::Error::other("the file grew too large")),
            Err(error) => self.give_up(&error),
        }
    }

    fn draft_path(&self) -> PathBuf {
        self.path.with_extension("new")
    }
}

impl Writer {
    /// Adds a line, which may wait for others.
    pub(super) fn add(&mut self, line: &Line<'_>) -> io::Result<()> {
        line::encode(line, &mut self.buffer)?;
        self.lines += 1;
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Which run of the machine this is; what was written in the same one is still there, synced or not.
pub(super) fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|boot| !boot.is_empty())
}

#[cfg(test)]
mod tests;
