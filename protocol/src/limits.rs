//! Every number that both sides must know, with its reason.

use std::time::Duration;

/// A WebSocket message, in bytes. The largest legitimate one, a report, is under 1 KiB; 64 KiB leaves room for growth.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// Release notes, in bytes (contract section 3). They travel in every announcement.
pub const RELEASE_NOTES_BYTES: usize = 64 * 1024;

/// A version number, in characters. Real ones are under 40; the bound keeps file names and log lines sane.
pub const VERSION_CHARS: usize = 64;

/// A channel name, in characters (contract section 3).
pub const CHANNEL_CHARS: usize = 32;

/// A client id, in characters (contract section 7). A UUID with a prefix fits three times.
pub const CLIENT_ID_CHARS: usize = 128;

/// `platform` and `architecture`, in characters (contract section 7). Browsers send things like `Linux x86_64`.
pub const PLATFORM_CHARS: usize = 64;

/// A user name, in characters. An e-mail address fits.
pub const USERNAME_CHARS: usize = 128;

/// The `id` that a client may put on a message to have it acknowledged, in characters (contract section 7).
pub const MESSAGE_ID_CHARS: usize = 64;

/// `phase` of an installation, in characters.
pub const PHASE_CHARS: usize = 64;

/// Free text in a report (`currentOperation`, `message`), in characters: a sentence, not a log.
pub const REPORT_TEXT_CHARS: usize = 1024;

/// Names in `capabilities`, and how many of them.
pub const CAPABILITY_CHARS: usize = 64;
/// See [`CAPABILITY_CHARS`].
pub const CAPABILITIES: usize = 32;

/// A JWT, in bytes (contract section 2).
pub const TOKEN_BYTES: usize = 8 * 1024;

/// A JSON request body, in bytes.
pub const JSON_BODY_BYTES: usize = 64 * 1024;

/// Page sizes of lists (contract section 1).
pub const PAGE_SIZE_MAX: u32 = 100;
/// See [`PAGE_SIZE_MAX`].
pub const PAGE_SIZE_DEFAULT: u32 = 10;

/// The largest number that a JSON reader in a browser keeps exact (2^53 − 1); sizes above it are refused.
pub const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// From how many of the versions that the fleet runs deltas are made unasked: those cover nearly every client, and each
/// costs seconds of a processor and a place on the disk.
pub const DELTA_FLEET_BASES: usize = 5;

/// From how many of the channel's last releases deltas are made unasked, whatever the fleet runs: clients that are away
/// now come back with one of those.
pub const DELTA_LAST_BASES: usize = 3;

/// A delta above this, in percent of the whole file, is not worth the steps that it adds.
pub const DELTA_PERCENT_MAX: u64 = 60;

/// The compressed whole file above this, in percent of the plain one, is left out: unpacking it takes the client seconds
/// and room for a second copy, which a tenth of a download does not pay for.
pub const COMPRESSED_PERCENT_MAX: u64 = 90;

/// The zstd level of the compressed whole file. Levels 3, 9, 15 and 19 made 39, 33, 31 and 29 % of a JAR of 15 MB in 4, 5, 10
/// and 29 s of CPU, and a publisher waits for it.
pub const COMPRESSED_LEVEL: i32 = 9;

/// How far ahead an `exp` may lie (contract section 2): ten years.
pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// Clock difference that is forgiven in `exp` and `nbf` (contract section 2).
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(5);

/// Default of `websocket.heartbeat-interval`.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Default of `websocket.connection-timeout`.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(300);
