//! A connection whose peer must take what it asked for.
//!
//! hyper has no time-out for writing: a peer that asks for a file and never reads would hold its place, its buffers and
//! an open file for ever. And the kernel holds a lot for such a peer, which a file needs and a session does not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// No byte taken for so long: the peer is gone, or might as well be.
const STALL: Duration = Duration::from_secs(60);

/// What the kernel may hold for a session whose peer does not read; it doubles the number. Left alone it takes 4 MB before
/// a send has to wait. Downloads keep what they have: they live on large buffers.
const SESSION_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// By which a request says that its connection is a session's from now on.
#[derive(Clone, Debug, Default)]
pub(super) struct Purpose(Arc<AtomicBool>);

impl Purpose {
    /// The connection carries a session and nothing else any more.
    pub(super) fn becomes_session(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A TCP stream that fails when the peer stops reading.
#[derive(Debug)]
pub(super) struct ImpatientStream {
    inner: TcpStream,
    /// Runs while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
    purpose: Purpose,
    is_bounded: bool,
}

impl ImpatientStream {
    pub(super) fn new(inner: TcpStream, purpose: Purpose) -> Self {
        Self {
            inner,
            timer: None,
            purpose,
            is_bounded: false,
        }
    }

    /// Bounds what the kernel holds, once the connection is a session's.
    fn bound_buffer(&mut self) {
        if !self.is_bounded && self.purpose.0.load(Ordering::Acquire) {
            self.is_bounded = true;
            // A socket that refuses is gone already, which the next read will tell.
            let _ = SockRef::from(&self.inner).set_send_buffer_size(SESSION_SEND_BUFFER_BYTES);
        }
    }

    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let start = || Box::pin(tokio::time::sleep(STALL));
        ready!(self.timer.get_or_insert_with(start).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the peer does not read",
        )))
    }
}

impl AsyncRead for ImpatientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for ImpatientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.bound_buffer();
        let written = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.bounded(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.bound_buffer();
        let written = Pin::new(&mut this.inner).poll_write_vectored(context, slices);
        this.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}
