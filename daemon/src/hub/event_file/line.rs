//! One line of `events.log`: the CRC32C of its JSON in eight hexadecimal digits, a space, and the JSON.
//!
//! The first line is a `BEGIN`. An event is stored as watchers are told of it, with what filters look at.

use std::borrow::Cow;
use std::io::{self, Write};

use protocol::{Channel, ClientId, ServerMessage, Version};
use serde::{Deserialize, Serialize};

use crate::hub::event::{Event, Subject};

/// The format that is written.
pub(in crate::hub) const FORMAT: u32 = 1;

/// Digits of the checksum and the space behind them.
const PREFIX_BYTES: usize = 9;

/// What a line says.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every line is an event, and one is held at a time"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "line",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub(in crate::hub) enum Line<'a> {
    /// How the others are to be read.
    Begin {
        /// Of the lines behind this one.
        format: u32,
        /// The run of the machine in which all was written.
        boot: Option<String>,
        /// Events up to here are gone; from there on all follow.
        dropped_through: u64,
    },
    /// Something happened.
    Event {
        /// Its position.
        seq: u64,
        /// See [`Subject`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<Cow<'a, ClientId>>,
        /// See [`Subject`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Cow<'a, Version>>,
        /// See [`Subject`].
        #[serde(default, skip_serializing_if = "<[Channel]>::is_empty")]
        channels: Cow<'a, [Channel]>,
        /// What, without its position.
        message: Cow<'a, ServerMessage>,
    },
    /// Somebody watched; what only watchers want to know was not noted before.
    Watched,
    /// The daemon stopped in order.
    Stopped,
}

impl<'a> Line<'a> {
    /// The line of an event.
    pub(in crate::hub) fn event(event: &'a Event) -> Self {
        let Subject {
            client_id,
            version,
            channels,
        } = event.subject();
        Self::Event {
            seq: event.seq(),
            client_id: client_id.as_ref().map(Cow::Borrowed),
            version: version.as_ref().map(Cow::Borrowed),
            channels: Cow::Borrowed(channels),
            message: Cow::Borrowed(event.message()),
        }
    }
}

/// Puts a line behind others.
pub(super) fn encode(line: &Line<'_>, into: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(line)?;
    let crc = crc32c::crc32c(&json);
    write!(into, "{crc:08x} ")?;
    into.extend_from_slice(&json);
    into.push(b'\n');
    Ok(())
}

/// Reads a line, which comes without its end; `None` when it is not what was written, or was written by another version.
pub(super) fn decode(bytes: &[u8]) -> Option<Line<'static>> {
    let (prefix, json) = bytes.split_at_checked(PREFIX_BYTES)?;
    let digits = prefix.strip_suffix(b" ")?;
    let crc = hex::decode(digits).ok()?;
    if crc32c::crc32c(json).to_be_bytes() != crc[..] {
        return None;
    }
    serde_json::from_slice(json).ok()
}
