//! Messages of a live session (specification, "Real-time Message Formats"; contract section 7).
//!
//! A message is a JSON object with `type` and `data`; a client may add `id` to have it acknowledged. What the
//! specification shows is exactly what a plain session gets, because strict decoders refuse unknown keys: the
//! optional fields at the end of some structs stay empty but in sessions that asked for more.

mod client;
mod server;

pub use client::{
    Capability, ClientMessage, DownloadReport, Envelope, InstallationReport, InstallationResult,
    InvalidMessage, Ping, Register, Subscription, Watch,
};
pub use server::{
    Ack, COMPRESSED, ClientConnected, ClientDisconnected, CompatibilityIssue, DownloadProgress,
    ErrorData, Heartbeat, InstallationCompleted, InstallationProgress, IssueType,
    NewVersionAvailable, RateLimited, ReleaseChanged, ServerMessage, UnreadableMessage,
    ViolationType, Welcome,
};
