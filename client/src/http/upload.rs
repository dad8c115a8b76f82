//! A file as the body of an upload: streamed, never whole in memory, and counted on its way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use reqwest::multipart::Part;
use tokio_util::io::ReaderStream;

use crate::Error;

/// Hears how many bytes of a file were handed to the connection so far.
pub type Sent = Arc<dyn Fn(u64) + Send + Sync>;

/// Larger than the default of 4 KiB, because every piece is one system call on both sides.
const PIECE_BYTES: usize = 64 * 1024;

/// The part `file` of a form, and how many of its bytes were handed to the connection.
pub(super) async fn file_part(path: &Path, sent: Sent) -> Result<(Part, Arc<AtomicU64>), Error> {
    let failed = Error::file("read", path);
    let opened = async {
        let file = tokio::fs::File::open(path).await?;
        let size = file.metadata().await?.len();
        Ok((file, size))
    };
    let (file, size) = opened.await.map_err(failed)?;
    let moved = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&moved);
    let counted = ReaderStream::with_capacity(file, PIECE_BYTES).inspect(move |piece| {
        if let Ok(bytes) = piece {
            let length = bytes.len() as u64;
            sent(counter.fetch_add(length, Ordering::Relaxed) + length);
        }
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = Part::stream_with_length(reqwest::Body::wrap_stream(counted), size)
        .file_name(name.into_owned());
    Ok((part, moved))
}
