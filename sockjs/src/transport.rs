//! The transports: how frames reach a client, and how its messages come back.
//!
//! All but the WebSockets receive by a response: a stream of frames, dressed for the transport, each of which leaves as
//! a chunk of its own. The stream ends in order (a frame or a limit's worth of them was sent, and the client asks
//! again) or is dropped before its end, which means that the client went away with something perhaps half read.

pub(crate) mod eventsource;
pub(crate) mod htmlfile;
pub(crate) mod jsonp;
pub(crate) mod raw;
pub(crate) mod upload;
pub(crate) mod websocket;
pub(crate) mod xhr;
pub(crate) mod xhr_streaming;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use tokio::time::Instant;

use crate::frame::{Close, Frame};
use crate::options::Options;
use crate::session::{Attached, Detached, Shared, State};

/// For who comes while another connection receives.
const OTHER_CONNECTION: Close = Close::new(2010, "Another connection still open");

/// How long a connection waits for the receiver before it. That a client hung up is noticed a moment after its next
/// request arrives on another connection.
const HANDOVER: Duration = Duration::from_millis(200);

/// How one transport's response looks.
pub(crate) trait Dress: Send + 'static {
    const CONTENT_TYPE: HeaderValue;

    /// What comes before the first frame. It does not count for the limit.
    fn prelude(&self) -> Option<Bytes>;

    /// A frame as this transport carries it.
    fn dress(&self, frame: &str) -> Bytes;

    /// After how many bytes the response ends. One byte means one frame.
    fn limit(&self, options: &Options) -> usize;
}

/// The response by which a client receives.
pub(crate) fn receive<D: Dress>(shared: Arc<Shared>, dress: D, options: &Options) -> Response {
    let feed = Feed {
        prelude: dress.prelude(),
        limit: dress.limit(options),
        heartbeat_interval: options.heartbeat_interval,
        place: Place::Outside(shared),
        dress,
    };
    let chunks = stream::unfold(feed, async |mut feed| {
        let chunk = feed.next().await?;
        Some((Ok::<_, Infallible>(chunk), feed))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, D::CONTENT_TYPE);
    response
}

/// The chunks of one response.
struct Feed<D> {
    prelude: Option<Bytes>,
    /// Bytes that may still be sent.
    limit: usize,
    heartbeat_interval: Duration,
    place: Place,
    dress: D,
}

/// Where a response stands.
enum Place {
    /// Not yet at the session.
    Outside(Arc<Shared>),
    /// It receives.
    Inside(Attachment),
    /// It has said its last.
    Done,
}

impl<D: Dress> Feed<D> {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(prelude) = self.prelude.take() {
            return Some(prelude);
        }
        if let Place::Outside(shared) = &self.place {
            match Attachment::make(shared, self.heartbeat_interval).await {
                Some(attachment) => self.place = Place::Inside(attachment),
                None => {
                    self.place = Place::Done;
                    let frame = Frame::Close(OTHER_CONNECTION);
                    return Some(self.dress.dress(&frame.text()));
                }
            }
        }
        let Place::Inside(attachment) = &mut self.place else {
            return None;
        };
        if attachment.is_at_end {
            // Only that it is asked for more tells that the last chunk left in order.
            attachment.detached = Detached::InOrder;
            self.place = Place::Done;
            return None;
        }
        let frame = attachment.next_frame(self.heartbeat_interval).await;
        let chunk = self.dress.dress(&frame.text());
        self.limit = self.limit.saturating_sub(chunk.len());
        attachment.is_at_end = self.limit == 0 || matches!(frame, Frame::Close(_));
        Some(chunk)
    }
}

/// A response's hold on its session. Dropped before the end, it breaks the session.
struct Attachment {
    shared: Arc<Shared>,
    attached: Attached,
    detached: Detached,
    /// Whether the last chunk is under way.
    is_at_end: bool,
    /// When asking for more counts as a sign of life again.
    signs_at: Instant,
}

impl Attachment {
    /// `None` if another connection holds the session.
    async fn make(shared: &Arc<Shared>, sign_interval: Duration) -> Option<Self> {
        let attached = tokio::time::timeout(HANDOVER, shared.until(State::attach)).await;
        Some(Self {
            shared: Arc::clone(shared),
            attached: attached.ok()?,
            detached: Detached::Broken,
            is_at_end: false,
            signs_at: Instant::now() + sign_interval,
        })
    }

    /// The next frame for the client, at the latest a heartbeat.
    async fn next_frame(&mut self, heartbeat_interval: Duration) -> Frame {
        // It is asked for more, so the connection took what it was given. Who only listens gives no other sign.
        if self.signs_at <= Instant::now() {
            self.signs_at = Instant::now() + heartbeat_interval;
            self.shared.change(State::sign);
        }
        let frame = tokio::time::timeout(heartbeat_interval, self.shared.next_frame()).await;
        frame.unwrap_or(Frame::Heartbeat)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        match self.attached {
            Attached::Farewell => {}
            Attached::Alone => {
                let detach = |state: &mut State| state.detach(self.detached, Instant::now());
                self.shared.change(detach);
            }
        }
    }
}
