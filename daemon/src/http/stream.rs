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
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::handover::{Handover, Next};

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

/// A TCP stream that sends parts of files in place of their placeholders, and fails when the peer stops reading.
#[derive(Debug)]
pub(super) struct ImpatientStream {
    inner: TcpStream,
    /// No byte taken for so long: the peer is gone, or might as well be.
    stall: Duration,
    /// Since when a write waits.
    waits_since: Option<Instant>,
    /// Kept from one wait to the next, since most of them are short and there are many.
    timer: Option<Pin<Box<Sleep>>>,
    handover: Handover,
    purpose: Purpose,
    is_bounded: bool,
}

impl ImpatientStream {
    pub(super) fn new(
        inner: TcpStream,
        stall: Duration,
        handover: Handover,
        purpose: Purpose,
    ) -> Self {
        Self {
            inner,
            stall,
            waits_since: None,
            timer: None,
            handover,
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

    /// Sends what the socket takes, or waits for it.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        next: &Next<'_, '_>,
    ) -> Poll<io::Result<usize>> {
        while let Poll::Ready(writable) = self.inner.poll_write_ready(context) {
            writable?;
            let sent = self.inner.try_io(Interest::WRITABLE, || self.send(next));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => {
                    self.waits_since = None;
                    return Poll::Ready(sent);
                }
            }
        }
        ready!(self.poll_stalled(context));
        // The kernel calls a socket writable when a third of its buffer is free. A slow peer may have taken less than that
        // in all the time, which is not nothing.
        let sent = self.send(next);
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Ready(Err(
                io::Error::new(io::ErrorKind::TimedOut, "the peer does not read"),
            )),
            Ok(_) | Err(_) => {
                self.waits_since = None;
                Poll::Ready(sent)
            }
        }
    }

    fn send(&self, next: &Next<'_, '_>) -> io::Result<usize> {
        match next {
            Next::Bytes(slices) => SockRef::from(&self.inner).send_vectored(slices),
            Next::File(max) => self.handover.send(&self.inner, *max),
        }
    }

    /// Ready when a write has waited for too long.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let deadline = since + self.stall;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            // It was set for an earlier wait.
            timer.as_mut().reset(deadline);
        }
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
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.bound_buffer();
        let next = this.handover.next(slices)?;
        this.poll_send(context, &next)
    }

    /// What [`Handover`] relies on.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}
