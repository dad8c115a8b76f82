//! A connection that counts what is read from it, so that a message that never comes to its end is bounded.
//!
//! tungstenite bounds the bytes of a message and not its frames: fragments without content stay below us, cost work, and
//! never become a message. What they cannot do without is bytes on the wire, and those are counted here.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Wire bytes for each byte of a message. Of what has content, fragments of one byte take the most: seven of them.
const WIRE_FACTOR: usize = 8;
/// For what is read ahead, and for control frames around a small message.
const WIRE_SLACK_BYTES: usize = 4096;

/// A connection with an allowance for reading.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    allowance: usize,
    left: usize,
}

impl<S> Metered<S> {
    /// Enough for a message of this size, in whatever fragments it comes.
    pub(super) fn new(stream: S, max_message_bytes: usize) -> Self {
        let allowance = max_message_bytes
            .saturating_mul(WIRE_FACTOR)
            .saturating_add(WIRE_SLACK_BYTES);
        Self {
            stream,
            allowance,
            left: allowance,
        }
    }

    /// Something came to its end; the allowance begins anew.
    pub(super) fn renew(&mut self) {
        self.left = self.allowance;
    }

    /// Whether the allowance is used up. Reading fails from then on.
    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0
    }

    /// The connection itself, for who reads without limit.
    pub(super) fn inner(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_used_up() {
            return Poll::Ready(Err(io::Error::other("a message without end")));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.left = this.left.saturating_sub(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn reading_ends_with_the_allowance_and_begins_anew_with_it() {
        let bytes = vec![0; 20 * WIRE_SLACK_BYTES];
        let mut metered = Metered::new(bytes.as_slice(), 0);
        let mut buffer = vec![0; WIRE_SLACK_BYTES];
        assert_eq!(metered.read_exact(&mut buffer).await.unwrap(), buffer.len());
        assert!(metered.is_used_up());
        assert!(metered.read(&mut buffer).await.is_err());
        metered.renew();
        assert!(!metered.is_used_up());
        assert!(metered.read(&mut buffer).await.is_ok());
    }
}
