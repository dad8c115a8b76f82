//! Unpacks entries into nothing, to see that they are whole.

use std::io::Read;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use rawzip::{CompressionMethod, ReaderAt, ZipArchive};
use sha2::Digest as _;

use super::JarError;
use super::directory::Entry;
use super::error::shown;
use crate::Digest;

/// Unpacks one entry after the other in fixed buffers.
#[derive(Debug)]
pub(super) struct Unpacker {
    inflate: Decompress,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
    is_hashing: bool,
}

/// What was seen of an entry.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// The first bytes of the content, as many as were asked for.
    pub(super) head: Vec<u8>,
    /// The SHA-256 of the content, if it was asked for.
    pub(super) digest: Option<Digest>,
    /// Bytes behind the end of the deflate stream, which readers ignore.
    pub(super) unused_bytes: u64,
}

const BUFFER_BYTES: usize = 1 << 16;

impl Unpacker {
    pub(super) fn new() -> Self {
        Unpacker {
            inflate: Decompress::new(false),
            packed: vec![0; BUFFER_BYTES],
            unpacked: vec![0; BUFFER_BYTES],
            is_hashing: false,
        }
    }

    /// One that also takes the SHA-256 of each content, which costs more than the CRC-32.
    pub(super) fn hashing() -> Self {
        Unpacker {
            is_hashing: true,
            ..Unpacker::new()
        }
    }

    /// Checks size and CRC-32 of an entry's content and keeps its first `keep_bytes`.
    pub(super) fn check<R: ReaderAt>(
        &mut self,
        archive: &ZipArchive<R>,
        entry: &Entry,
        keep_bytes: usize,
    ) -> Result<Unpacked, JarError> {
        let place = archive
            .get_entry(entry.wayfinder)
            .map_err(|error| JarError::in_entry(&entry.name, error))?;
        let mut source = place.reader();
        let hash = self.is_hashing.then(sha2::Sha256::new);
        let mut sink = Sink::new(entry, keep_bytes, hash);
        let used_bytes = match entry.method {
            CompressionMethod::STORE => self.copy(&mut source, &mut sink)?,
            _ => self.inflate(&mut source, &mut sink)?,
        };
        let (head, digest) = sink.finish()?;
        Ok(Unpacked {
            head,
            digest,
            unused_bytes: entry.packed_bytes.saturating_sub(used_bytes),
        })
    }

    fn copy(&mut self, source: &mut impl Read, sink: &mut Sink<'_>) -> Result<u64, JarError> {
        let mut used_bytes = 0;
        loop {
            let count = read(source, &mut self.packed)?;
            if count == 0 {
                return Ok(used_bytes);
            }
            sink.take(&self.packed[..count])?;
            used_bytes += count as u64;
        }
    }

    fn inflate(&mut self, source: &mut impl Read, sink: &mut Sink<'_>) -> Result<u64, JarError> {
        self.inflate.reset(false);
        let mut filled = 0..0;
        loop {
            if filled.is_empty() {
                filled = 0..read(source, &mut self.packed)?;
            }
            let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(
                    &self.packed[filled.clone()],
                    &mut self.unpacked,
                    FlushDecompress::None,
                )
                .map_err(|_| sink.damaged("its data does not inflate"))?;
            let used = (self.inflate.total_in() - in_before) as usize;
            let made = (self.inflate.total_out() - out_before) as usize;
            filled.start += used;
            sink.take(&self.unpacked[..made])?;
            if status == Status::StreamEnd {
                return Ok(self.inflate.total_in());
            }
            if used == 0 && made == 0 && filled.is_empty() {
                return Err(sink.damaged("its data ends too early"));
            }
        }
    }
}

fn read(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, JarError> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}

/// Takes an entry's content, never more of it than the entry states.
struct Sink<'a> {
    entry: &'a Entry,
    left_bytes: u64,
    crc: Crc,
    hash: Option<sha2::Sha256>,
    keep_bytes: usize,
    head: Vec<u8>,
}

impl<'a> Sink<'a> {
    fn new(entry: &'a Entry, keep_bytes: usize, hash: Option<sha2::Sha256>) -> Self {
        Sink {
            entry,
            left_bytes: entry.unpacked_bytes,
            crc: Crc::new(),
            hash,
            keep_bytes,
            head: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), JarError> {
        self.left_bytes = self
            .left_bytes
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| self.damaged("it unpacks to more than its stated size"))?;
        self.crc.update(bytes);
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        let wanted = self.keep_bytes - self.head.len();
        self.head
            .extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        Ok(())
    }

    fn finish(self) -> Result<(Vec<u8>, Option<Digest>), JarError> {
        if self.left_bytes > 0 {
            return Err(self.damaged("it unpacks to less than its stated size"));
        }
        if self.crc.sum() != self.entry.crc32 {
            return Err(self.damaged("its CRC-32 is wrong"));
        }
        Ok((self.head, self.hash.map(|hash| hash.finalize().into())))
    }

    fn damaged(&self, reason: &str) -> JarError {
        JarError::Damaged {
            entry: shown(self.entry.name.as_bytes()),
            reason: reason.to_owned(),
        }
    }
}
