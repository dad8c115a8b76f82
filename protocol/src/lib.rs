//! Every byte that two relctl programs agree on: messages, HTTP bodies, error codes, names and limits.
//!
//! Nothing here waits, opens a file or knows a server: values go in, values come out. A type that implements
//! `Serialize` or `Deserialize` is a promise to programs that are already installed. Readers of requests ignore
//! fields that they do not know and refuse wrong types.
//!
//! ```
//! use protocol::{ClientMessage, Envelope};
//!
//! let text = r#"{"type":"SUBSCRIBE","data":{"channel":"stable"}}"#;
//! let received = Envelope::parse(text)?;
//! assert!(matches!(received.message, ClientMessage::Subscribe(data) if data.channel.as_str() == "stable"));
//! # Ok::<(), protocol::InvalidMessage>(())
//! ```
//!
//! What follows is PROTOCOL.md, for people who write a client in another language.
//!
#![doc = include_str!("../../PROTOCOL.md")]

pub mod api;
pub mod delta_source;
pub mod error;
pub mod ids;
pub mod limits;
pub mod message;
pub mod release_file;
pub mod schema;
pub mod time;
pub mod version;

pub use delta_source::DeltaSource;
pub use error::{Code, ErrorBody, FieldProblem};
pub use ids::{
    Architecture, Channel, Checksum, ClientId, Platform, ReleaseId, SessionId, TokenId, UploadId,
    Username,
};
pub use message::{ClientMessage, Envelope, InvalidMessage, ServerMessage};
pub use time::Timestamp;
pub use version::Version;
