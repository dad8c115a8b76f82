//! A file's bytes to a socket: by `sendfile` on Linux, through a small buffer elsewhere.
//!
//! `sendfile` waits for the disk when the bytes are not in the page cache, and that must not happen on a worker. So
//! whoever sends asks [`are_cached`] first, and where they are not has [`fetch`] bring them in on the blocking pool.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// On the stack of a thread of the blocking pool, and what the portable way sends at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Sends from the file what the socket takes now; 0 where the file ends.
///
/// # Errors
/// `WouldBlock` when the socket takes nothing now; else the socket or the file is broken.
#[cfg(target_os = "linux")]
pub(super) fn send(
    socket: impl AsFd,
    file: &File,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(
        socket,
        file,
        Some(&mut offset),
        count,
    )?)
}

/// The same where there is no such call.
#[cfg(not(target_os = "linux"))]
pub(super) fn send(socket: impl AsFd, file: &File, offset: u64, count: usize) -> io::Result<usize> {
    let mut buffer = [0; BUFFER_BYTES];
    let count = file.read_at(&mut buffer[..count.min(BUFFER_BYTES)], offset)?;
    socket2::SockRef::from(&socket).send(&buffer[..count])
}

/// Whether the bytes are in memory, as far as their ends tell: the kernel reads ahead, and drops old pages in order.
#[cfg(target_os = "linux")]
pub(super) fn are_cached(file: &File, offset: u64, count: usize) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};

    [offset, offset + (count as u64).saturating_sub(1)]
        .into_iter()
        .all(|at| {
            let mut byte = [0];
            let buffers = &mut [io::IoSliceMut::new(&mut byte)];
            preadv2(file, buffers, at, ReadWriteFlags::NOWAIT).is_ok()
        })
}

/// Nothing tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn are_cached(_file: &File, _offset: u64, _count: usize) -> bool {
    false
}

/// Brings the bytes into memory, and has the kernel begin with as many behind them. Only for the blocking pool.
///
/// # Errors
/// They cannot be read.
pub(super) fn fetch(file: &File, offset: u64, count: usize) -> io::Result<()> {
    let end = offset + count as u64;
    let mut buffer = [0; BUFFER_BYTES];
    let mut position = offset;
    while position < end {
        let wanted = (end - position).min(BUFFER_BYTES as u64);
        let wanted = usize::try_from(wanted).unwrap_or(BUFFER_BYTES);
        match file.read_at(&mut buffer[..wanted], position)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => position += read as u64,
        }
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Advice, fadvise};
        // Only advice: where it is not taken, the next part comes as slowly as this one.
        let _ = fadvise(
            file,
            end,
            std::num::NonZero::new(count as u64),
            Advice::WillNeed,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_part_is_sent_and_no_more_and_nothing_behind_the_end() {
        let file = file_of(b"0123456789");
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert_eq!(send(&ours, &file, 2, 3).unwrap(), 3);
        assert_eq!(send(&ours, &file, 8, 100).unwrap(), 2);
        assert_eq!(send(&ours, &file, 10, 5).unwrap(), 0);
        drop(ours);
        let mut received = String::new();
        theirs.read_to_string(&mut received).unwrap();
        assert_eq!(received, "23489");
    }

    #[test]
    fn a_full_socket_is_told_from_a_broken_one() {
        let file = file_of(&vec![7; 4 << 20]);
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let error = loop {
            match send(&ours, &file, 0, 4 << 20) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(theirs);
        let error = send(&ours, &file, 0, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_was_fetched_is_cached() {
        let file = file_of(&vec![7; 300_000]);
        #[cfg(target_os = "linux")]
        {
            file.sync_all().unwrap();
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        // File systems that cannot tell have every part fetched, and those in memory have nothing that is not.
        let is_cold = !are_cached(&file, 1000, 200_000);
        fetch(&file, 1000, 200_000).unwrap();
        let is_warm = are_cached(&file, 1000, 200_000);
        let tells = are_cached(&file, 1000, 1);
        assert!(is_warm == tells && (is_cold || is_warm));
    }

    #[test]
    fn what_lies_behind_the_end_cannot_be_fetched() {
        let file = file_of(&[7; 1000]);
        let error = fetch(&file, 999, 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
