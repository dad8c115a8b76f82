//! A SockJS 0.3.3 server for axum: sessions of text messages that work where WebSockets do not.
//!
//! [`SockJs`] serves everything beneath one prefix: the greeting, `/info`, the iframe page, the transports `websocket`,
//! `xhr`, `xhr_streaming`, `eventsource`, `htmlfile` and `jsonp` with their `xhr_send` and `jsonp_send`, and the raw
//! WebSocket. An application gets a [`Session`] for each, and cannot tell them apart. It knows nothing of who may open
//! one: the caller checks that first, and says whose request it is with an [`Owner`]. Layers that compress, buffer,
//! time out or add CORS headers must not wrap these routes: answers here are streams, and bring their own headers. The
//! server beneath has to end connections whose peers stop reading a response, as it has to for any stream.
//!
//! ```no_run
//! use sockjs::{Options, Session, SockJs};
//!
//! async fn echo(mut session: Session) {
//!     while let Some(text) = session.recv().await {
//!         if session.send(text).await.is_err() {
//!             return;
//!         }
//!     }
//! }
//!
//! # async fn example() -> std::io::Result<()> {
//! let sockjs = SockJs::new(Options::at("/echo"), echo);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
//! axum::serve(listener, sockjs.routes()).await
//! # }
//! ```

mod answer;
mod frame;
mod headers;
mod iframe;
mod info;
mod options;
mod queue;
mod route;
mod service;
mod session;
pub mod socket;
mod stop;
mod transport;

pub use frame::Message;
pub use headers::allow_origin;
pub use options::{Bounds, Cookie, Options};
pub use service::SockJs;
pub use session::{Incoming, Over, Owner, SendError, Session};
pub use tokio_tungstenite::tungstenite::Utf8Bytes;
