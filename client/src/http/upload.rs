//! A file as the body of an upload: streamed, never whole in memory, and counted on its way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use reqwest::Body;
use reqwest::multipart::Part;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::Error;

/// Hears how many bytes of a file were handed to the connection so far, those that an earlier request brought included.
pub type Sent = Arc<dyn Fn(u64) + Send + Sync>;

/// Larger than the default of 4 KiB, because every piece is one system call on both sides.
const PIECE_BYTES: usize = 64 * 1024;

/// The part `file` of a form, and how many of its bytes were handed to the connection.
pub(super) async fn file_part(path: &Path, sent: Sent) -> Result<(Part, Arc<AtomicU64>), Error> {
    let moved = Arc::new(AtomicU64::new(0));
    let (body, size) = file_body(path, 0, &moved, sent).await?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = Part::stream_with_length(body, size).file_name(name.into_owned());
    Ok((part, moved))
}

/// A file from a byte on, and how many bytes that are. What is handed to the connection is counted in `moved`.
pub(super) async fn file_body(
    path: &Path,
    start: u64,
    moved: &Arc<AtomicU64>,
    sent: Sent,
) -> Result<(Body, u64), Error> {
    let opened = async {
        let mut file = tokio::fs::File::open(path).await?;
        let size = file.metadata().await?.len();
        file.seek(std::io::SeekFrom::Start(start)).await?;
        Ok((file, size.saturating_sub(start)))
    };
    let (file, length) = opened.await.map_err(Error::file("read", path))?;
    let counter = Arc::clone(moved);
    // A file that grows meanwhile is sent as it was.
    let pieces = ReaderStream::with_capacity(file.take(length), PIECE_BYTES);
    let counted = pieces.inspect(move |piece| {
        if let Ok(bytes) = piece {
            let length = bytes.len() as u64;
            sent(start + counter.fetch_add(length, Ordering::Relaxed) + length);
        }
    });
    Ok((Body::wrap_stream(counted), length))
}
